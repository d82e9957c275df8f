"""Slow clients, over a real socket: they are ended in bounded time, and others are answered meanwhile."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from chassis.db import Database
from chassis.vault import Vault
from duijie import running
from duijie.running import listening, serving
from gateway import app as gateway_app
from gateway.app import create_gateway
from gateway.proxy import InProcess, Remote
from gateway.tokens import Signer
from tests.support.http import PLAIN, served

SOON_S = 20.0
"""However busy the machine is."""
HEAD = b"POST /v1/auth/otp HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rules in tenths of a second, but for the body's, which has to outlast a machine that is busy."""
    monkeypatch.setattr(running, "HEAD_S", 0.4)
    monkeypatch.setattr(running, "LINGER_S", 0.3)
    monkeypatch.setattr(gateway_app, "GRACE_S", 1.5)


@asynccontextmanager
async def gateway(db: Database, signer: Signer, vault: Vault, upstreams: dict[str, Any]) -> AsyncIterator[str]:
    with listening(0) as listener:
        async with serving(create_gateway(db, signer, vault, upstreams), listener):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
async def url(db: Database, signer: Signer, vault: Vault) -> AsyncIterator[str]:
    async with gateway(db, signer, vault, {}) as url:
        yield url


async def dripped(url: str, at_once: bytes, drop: bytes, every_s: float = 0.05) -> tuple[bytes, float]:
    """What the server says to a client that drips, and after how long it hangs up."""
    there = urlsplit(url)
    reader, writer = await asyncio.open_connection(there.hostname, there.port)
    began_s = time.monotonic()
    writer.write(at_once)
    said = bytearray()

    async def hear() -> None:
        with suppress(ConnectionError):  # after the answer, when a drop meets a closed door
            while heard := await reader.read(65536):
                said.extend(heard)

    hung_up = asyncio.create_task(hear())
    while not hung_up.done() and time.monotonic() - began_s < 2 * SOON_S:
        writer.write(drop)
        await asyncio.wait({hung_up}, timeout=every_s)
    writer.close()
    await hung_up
    return bytes(said), time.monotonic() - began_s


async def test_a_body_that_drips_is_ended_with_a_problem_and_others_are_answered_meanwhile(url: str) -> None:
    drips = [asyncio.create_task(dripped(url, HEAD, b" ")) for _ in range(80)]
    async with httpx.AsyncClient(verify=PLAIN, base_url=url) as client:
        await asyncio.sleep(0.1)
        assert (await client.get("/v1/produce")).status_code == 200
        assert not any(drip.done() for drip in drips), "it did not wait for them"
    for said, after_s in await asyncio.gather(*drips):
        head, _, body = said.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 "), said
        assert b"connection: close" in head.lower()
        assert json.loads(body)["type"] == "/problems/too-slow"
        assert 1.4 < after_s < SOON_S


async def test_headers_that_drip_are_ended_at_the_first_request_and_at_a_later_one(url: str) -> None:
    begun = b"GET /v1/produce HTTP/1.1\r\nHost: x\r\nX-Slow: "
    said, after_s = await dripped(url, begun, b"x")
    assert (said, 0.3 < after_s < SOON_S) == (b"", True)
    whole = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    said, after_s = await dripped(url, whole + begun, b"x")
    assert (said[:15], 0.3 < after_s < SOON_S) == (b"HTTP/1.1 200 OK", True)


async def test_a_connection_that_says_nothing_is_ended(url: str) -> None:
    said, after_s = await dripped(url, b"", b"")
    assert (said, 0.3 < after_s < SOON_S) == (b"", True)


async def test_what_comes_after_an_answer_is_not_read_for_ever(url: str) -> None:
    unknown = HEAD.replace(b"/v1/auth/otp", b"/nothing")
    said, after_s = await dripped(url, unknown, b" ")
    assert (said[:12], 0.2 < after_s < SOON_S) == (b"HTTP/1.1 404", True)


async def test_a_body_that_is_slow_but_comes_is_waited_for(url: str) -> None:
    async def drops() -> AsyncIterator[bytes]:
        yield b'{"phone": "'
        for _ in range(20):
            await asyncio.sleep(0.1)
            yield b" " * 200
        yield b'13812345678"}'

    async with httpx.AsyncClient(verify=PLAIN, base_url=url) as client:
        answer = await client.post("/v1/auth/otp", content=drops(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 202


async def test_an_answer_that_streams_for_long_is_no_slow_body(db: Database, signer: Signer, vault: Vault) -> None:
    async def stream(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        gone = asyncio.create_task(receive())
        for _ in range(20):
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            await asyncio.sleep(0.1)
        assert not gone.done()
        gone.cancel()
        await send({"type": "http.response.body", "body": b""})

    async with (
        gateway(db, signer, vault, {"matching": InProcess(stream)}) as url,
        httpx.AsyncClient(verify=PLAIN) as client,
    ):
        assert (await client.get(f"{url}/v1/feed/matches/stream")).text == "x" * 20


@pytest.mark.parametrize("way", ["in process", "over HTTP"])
async def test_a_slow_body_for_a_service_is_ended_on_either_way(
    db: Database, signer: Signer, vault: Vault, way: str
) -> None:
    async def reads(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass

    head = HEAD.replace(b"/v1/auth/otp", b"/v1/listings")
    async with served(reads) as behind:
        remote = Remote(behind)
        async with gateway(db, signer, vault, {"listing": InProcess(reads) if way == "in process" else remote}) as url:
            said, after_s = await dripped(url, head, b" ")
        await remote.aclose()
    assert (said[:12], 1.4 < after_s < SOON_S) == (b"HTTP/1.1 408", True)
