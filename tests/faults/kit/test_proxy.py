"""The proxy itself: every fault it claims is one that the two ends can see."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.kit.proxy import HOST, Proxy


@pytest.fixture
def echo() -> Iterator[int]:
    """Sends back what comes."""
    with socket.create_server((HOST, 0)) as listener:

        def serve(connection: socket.socket) -> None:
            try:
                while data := connection.recv(65536):
                    connection.sendall(data)
            except OSError:
                pass
            finally:
                connection.close()

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


@pytest.fixture
def proxy(echo: int) -> Iterator[Proxy]:
    with Proxy(echo) as proxy:
        yield proxy


def connected(proxy: Proxy, timeout_s: float = 2.0) -> socket.socket:
    return socket.create_connection((HOST, proxy.port), timeout=timeout_s)


def said_back(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    answer = b""
    while len(answer) < len(text):
        more = connection.recv(65536)
        if not more:
            break
        answer += more
    return answer


def test_calm_it_forwards_everything(proxy: Proxy) -> None:
    with connected(proxy) as connection:
        text = bytes(range(256)) * 2000
        assert said_back(connection, text) == text


def test_delayed_bytes_arrive_later(proxy: Proxy) -> None:
    proxy.delay(0.1)
    with connected(proxy) as connection:
        began_s = time.monotonic()
        assert said_back(connection, b"x") == b"x"
        assert time.monotonic() - began_s >= 0.2, "there and back"


def test_a_reset_ends_the_connection_and_the_next_one_works(proxy: Proxy) -> None:
    with connected(proxy) as connection:
        assert said_back(connection, b"x") == b"x"
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    with connected(proxy) as connection:
        assert said_back(connection, b"y") == b"y"


def test_cut_it_takes_nobody_until_it_is_calm(proxy: Proxy) -> None:
    proxy.cut()
    with pytest.raises(ConnectionResetError), connected(proxy) as connection:
        connection.recv(1)
    proxy.calm()
    with connected(proxy) as connection:
        assert said_back(connection, b"x") == b"x"


@pytest.mark.parametrize("way", ["both", "there", "back"])
def test_a_black_hole_answers_nothing_and_stays_open(proxy: Proxy, way: str) -> None:
    with connected(proxy, timeout_s=0.2) as connection:
        assert said_back(connection, b"x") == b"x"
        proxy.blackhole(way)  # type: ignore[arg-type]
        connection.sendall(b"y")
        with pytest.raises(TimeoutError):
            connection.recv(1)
        proxy.calm()


def test_throttled_it_takes_its_time(proxy: Proxy) -> None:
    proxy.throttle(10_000)
    with connected(proxy) as connection:
        began_s = time.monotonic()
        assert len(said_back(connection, b"x" * 1000)) == 1000
        assert time.monotonic() - began_s >= 0.2


def test_whose_target_is_away_is_reset(proxy: Proxy) -> None:
    with socket.socket() as unused:
        unused.bind((HOST, 0))
        proxy.target = unused.getsockname()[1]
        with pytest.raises(ConnectionResetError), connected(proxy) as connection:
            connection.recv(1)


def test_it_tells_from_which_ports_it_speaks(echo: int) -> None:
    with Proxy(echo) as proxy, connected(proxy) as connection:
        assert said_back(connection, b"here") == b"here"
        assert len(proxy.ports_there()) == 1
        assert proxy.port not in proxy.ports_there()
