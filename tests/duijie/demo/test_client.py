"""A caller that does not give up, and does not do a thing twice."""

import asyncio
import json
from collections.abc import Callable

import pytest

from duijie.demo.client import Client, Refused, until_ready

Answer = tuple[int, dict[str, object]]


async def served(answers: Callable[[int], Answer | None]) -> tuple[asyncio.Server, str, list[str]]:
    """A server on loopback that gives these answers by the number of the request; None hangs up."""
    seen: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        seen.append(next((line for line in head.split("\r\n") if line.lower().startswith("idempotency-key")), ""))
        answer = answers(len(seen))
        if answer is not None:
            body = json.dumps(answer[1]).encode()
            writer.write(
                b"HTTP/1.1 %d X\r\ncontent-length: %d\r\nretry-after: 1\r\nconnection: close\r\n\r\n%b"
                % (answer[0], len(body), body)
            )
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen


async def test_an_unknown_outcome_is_asked_again_with_the_same_key() -> None:
    rough: dict[int, Answer | None] = {1: None, 2: (503, {}), 3: (409, {"type": "/problems/still-running"})}
    server, url, seen = await served(lambda number: rough.get(number, (201, {"id": "x"})))
    async with server, Client(url, {"a": "t"}, seed="s") as client:
        assert await client.post("a", "/v1/x", {}, key="k") == {"id": "x"}
    assert len(seen) == 4
    assert {line.split(": ")[1] for line in seen} == {"s/k"}


async def test_who_asked_too_often_comes_back_when_told_to_and_with_the_same_key() -> None:
    server, url, seen = await served(lambda number: (429, {}) if number == 1 else (201, {"id": "x"}))
    async with server, Client(url, {"a": "t"}, seed="s") as client:
        began_s = asyncio.get_running_loop().time()
        assert await client.post("a", "/v1/x", {}, key="k") == {"id": "x"}
    assert asyncio.get_running_loop().time() - began_s >= 1
    assert {line.split(": ")[1] for line in seen} == {"s/k"}


async def test_a_refusal_is_told_at_once() -> None:
    server, url, seen = await served(lambda number: (422, {"type": "/problems/invalid-input"}))
    async with server, Client(url, {"a": "t"}, seed="s") as client:
        with pytest.raises(Refused, match="422"):
            await client.post("a", "/v1/x", {}, key="k")
    assert len(seen) == 1


async def test_pages_are_read_to_the_last() -> None:
    pages: dict[int, Answer] = {1: (200, {"items": [1, 2], "next": "2"}), 2: (200, {"items": [3], "next": None})}
    server, url, _ = await served(lambda number: pages[number])
    async with server, Client(url, {"a": "t"}, seed="s") as client:
        assert await client.every("a", "/v1/x") == [1, 2, 3]


async def test_it_waits_for_a_platform_that_starts_late() -> None:
    server, url, _ = await served(lambda number: (503, {}) if number < 3 else (200, {}))
    async with server:
        await asyncio.wait_for(until_ready(url), 10)
