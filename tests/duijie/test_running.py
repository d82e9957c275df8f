"""What a process of ours does while it runs."""

import asyncio
import os
import socket

from chassis.db import KEPT_ALIVE, Database
from duijie.postgres import EmbeddedPostgres
from duijie.running import listening, run


def test_an_answer_never_waits_for_the_acknowledgement_of_its_first_half() -> None:
    with listening(0) as listener, socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_on_the_loop_of_a_process_a_connection_notices_a_server_that_vanished(postgres: EmbeddedPostgres) -> None:
    """asyncio's transports give a real socket; uvloop's give something like one."""
    found: dict[str, object] = {}

    async def process() -> None:
        found["loop"] = type(asyncio.get_running_loop()).__module__
        db = Database(postgres.url("postgres"), source="/duijie/test")
        async with db.engine.connect() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
            kept = socket.socket(fileno=os.dup(raw._transport.get_extra_info("socket").fileno()))
            with kept:
                found["keepalive"] = kept.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                found["patience_ms"] = kept.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        await db.close()

    run(process())
    assert found == {"loop": "uvloop", "keepalive": 1, "patience_ms": KEPT_ALIVE["TCP_USER_TIMEOUT"]}
