"""What a process of ours does while it runs."""

import socket

from duijie.running import listening


def test_an_answer_never_waits_for_the_acknowledgement_of_its_first_half() -> None:
    with listening(0) as listener, socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
