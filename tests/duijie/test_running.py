"""What a process of ours does while it runs."""

import asyncio
import resource
import socket
import time
from collections.abc import AsyncGenerator

import httpx
from fastapi import APIRouter

from chassis.app import create_app
from chassis.db import Database
from chassis.event_stream import EventStream
from duijie import running
from duijie.running import listening, serving
from tests.support.services import Issuer


def test_an_answer_never_waits_for_the_acknowledgement_of_its_first_half() -> None:
    with listening(0) as listener, socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_open_streams_do_not_hold_up_the_end(issuer: Issuer) -> None:
    """Uvicorn alone would wait for them as long as it may, and cut them off then."""
    router = APIRouter()

    async def for_ever() -> AsyncGenerator[bytes, None]:
        yield b"id: 1\n\n"
        await asyncio.Event().wait()

    @router.get("/v1/x/stream", response_class=EventStream)
    async def follow() -> EventStream:
        return EventStream(for_ever())

    nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", source="/duijie/x")
    app = create_app("x", db=nowhere, keys=issuer.keys, routers=[router])
    whole = asyncio.Event()

    async def read(url: str, begun: asyncio.Event) -> None:
        async with httpx.AsyncClient() as client, client.stream("GET", url) as answer:
            async for _ in answer.aiter_raw():
                begun.set()
        whole.set()

    with listening(0) as listener:
        async with asyncio.TaskGroup() as group:
            async with serving(app, listener):
                begun = asyncio.Event()
                group.create_task(read(f"http://127.0.0.1:{listener.getsockname()[1]}/v1/x/stream", begun))
                await begun.wait()
                started_s = time.perf_counter()
            assert time.perf_counter() - started_s < running.DRAIN_S / 2
    assert whole.is_set()
    await nowhere.close()


def test_as_many_files_may_be_open_as_the_system_lets_us() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (900, before[1]))
        running.take_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(running.FILES, before[1]), before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
