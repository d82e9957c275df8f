"""While far too much is asked, the gateway refuses before anything else costs; a page's reader by a page."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from chassis.db import Database
from chassis.vault import Vault
from gateway.app import create_gateway
from gateway.shield import DATA_POLICY, PAGE_POLICY
from gateway.tokens import Signer
from tests.gateway.support import Phones
from tests.support.services import client_of

BROWSER = {"Accept": "text/html", "Accept-Language": "en"}


class Slow:
    """A service that answers when it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.begun.set()
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b"{}"})


@pytest.fixture
async def client(
    db: Database, signer: Signer, vault: Vault, sms: Phones, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """Of a gateway with one place, taken once the test calls `until_busy`."""
    monkeypatch.setattr("gateway.app.AT_ONCE", 1)
    slow = Slow()
    gateway = create_gateway(db, signer, vault, {"listing": slow}, send_code=sms.send)
    gateway.state.slow = slow
    async with client_of(gateway) as client:
        yield client
        slow.go.set()


async def busy(client: httpx.AsyncClient) -> asyncio.Task[httpx.Response]:
    slow = client._transport.app.state.slow  # type: ignore[attr-defined]
    asked = asyncio.create_task(client.get("/v1/board"))
    await slow.begun.wait()
    return asked


async def test_a_program_is_refused_with_the_headers_that_every_answer_has(client: httpx.AsyncClient) -> None:
    first = await busy(client)
    refused = await client.get("/v1/board", headers={"Authorization": "Bearer never looked at"})
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/overloaded")
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["content-security-policy"] == DATA_POLICY
    assert refused.headers["cache-control"] == "no-store"
    assert {"x-request-id", "traceparent"} <= refused.headers.keys()
    client._transport.app.state.slow.go.set()  # type: ignore[attr-defined]
    assert (await first).status_code == 200
    assert (await client.get("/v1/board")).status_code == 200, "the place was given back"


async def test_a_reader_is_refused_by_a_page_that_knows_them(client: httpx.AsyncClient, sms: Phones) -> None:
    await client.post("/sign-in", data={"phone": "13812345678"}, headers=BROWSER)
    await client.post("/sign-in/code", data={"phone": "13812345678", "code": sms.last_code()}, headers=BROWSER)
    first = await busy(client)
    refused = await client.get("/sign-in", headers=BROWSER)
    assert refused.status_code == 503
    assert refused.headers["content-security-policy"] == PAGE_POLICY
    assert "<h1>Too many requests at once</h1>" in refused.text
    assert "Sign out" in refused.text
    client._transport.app.state.slow.go.set()  # type: ignore[attr-defined]
    await first
