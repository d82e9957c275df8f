"""Who has which streams open at the gateway: so many an address and an account, and those of an account end with it."""

import json
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.db import Database
from chassis.streams import A_CALLER, AT_MOST
from chassis.vault import Vault
from gateway import readers
from gateway.app import create_gateway
from gateway.proxy import InProcess
from gateway.tokens import Signer
from tests.gateway.support import Phones, bearer
from tests.support.sse import Listener

BOARD = "/v1/board/01900000-0000-7000-8000-000000000001/stream"
FEED = "/v1/feed/matches/stream"


class Service:
    """A service that streams without an end."""

    def __init__(self) -> None:
        self.open = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.open += 1
        try:
            head = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": b"event: lot\ndata: {}\n\n", "more_body": True})
            await receive()
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            self.open -= 1


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def app(db: Database, signer: Signer, vault: Vault, sms: Phones, service: Service) -> FastAPI:
    upstreams = {"listing": InProcess(service), "matching": InProcess(service)}
    return create_gateway(db, signer, vault, upstreams, send_code=sms.send)


def from_address(app: FastAPI, address: str) -> ASGIApp:
    async def at(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "client": (address, 1)}, receive, send)

    return at


async def many(opened: AsyncExitStack, app: ASGIApp, path: str, count: int, **headers: str) -> list[Listener]:
    return [await opened.enter_async_context(Listener(app, path, headers)) for _ in range(count)]


async def test_an_address_without_a_token_holds_twenty_whatever_it_says_for_one(
    app: FastAPI, signer: Signer, service: Service
) -> None:
    async with AsyncExitStack() as opened:
        held = await many(opened, app, BOARD, A_CALLER - 1)
        held += await many(opened, app, BOARD, 1, Authorization="Bearer no.such.token")
        assert [each.status for each in held] == [200] * 20
        (refused,) = await many(opened, app, BOARD, 1, **{"Accept-Language": "en"})
        told = json.loads(refused.body)
        assert (refused.status, told["type"]) == (429, "/problems/too-many-streams")
        assert told["detail"].startswith("An account, or an address without a token, may hold 20 streams")
        (other,) = await many(opened, from_address(app, "203.0.113.9"), BOARD, 1)
        (account,) = await many(opened, app, BOARD, 1, **bearer(signer))
        assert (other.status, account.status, service.open) == (200, 200, 22)
        await held[0].hang_up()
        (again,) = await many(opened, app, BOARD, 1)
        assert again.status == 200
    assert service.open == len(app.state.streams) == 0


async def test_an_account_holds_twenty_from_wherever(app: FastAPI, signer: Signer) -> None:
    async with AsyncExitStack() as opened:
        caller = bearer(signer)
        await many(opened, app, BOARD, A_CALLER // 2, **caller)
        await many(opened, app, FEED, A_CALLER // 2, **caller)
        (refused,) = await many(opened, from_address(app, "203.0.113.9"), BOARD, 1, **caller)
        assert refused.status == 429


async def test_strangers_of_many_addresses_leave_places_for_accounts(
    app: FastAPI, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert readers.STRANGERS_MAX == 2000 < AT_MOST
    monkeypatch.setattr(readers, "STRANGERS_MAX", 3)
    async with AsyncExitStack() as opened:
        for number in range(3):
            await many(opened, from_address(app, f"203.0.113.{number}"), BOARD, 1)
        (refused,) = await many(opened, from_address(app, "203.0.113.3"), BOARD, 1)
        assert (refused.status, json.loads(refused.body)["type"]) == (503, "/problems/streams-full")
        assert 5 <= int(refused.answer["retry-after"]) <= 15
        (feed,) = await many(opened, app, FEED, 1, **bearer(signer))
        assert feed.status == 200


async def test_the_streams_of_an_account_end_whole_and_those_of_others_go_on(
    app: FastAPI, signer: Signer, service: Service
) -> None:
    erased, other = uuid4(), uuid4()
    streams = app.state.streams
    async with AsyncExitStack() as opened:
        theirs = await many(opened, app, FEED, 2, **bearer(signer, account_id=erased))
        (others,) = await many(opened, app, FEED, 1, **bearer(signer, account_id=other))
        streams.end_of([erased, uuid4()])
        for each in theirs:
            await each.until_over()
        assert [each.whole for each in theirs] == [True, True]
        assert (service.open, len(streams), others.over.is_set()) == (1, 1, False)
        streams.end_of([other])
        streams.end()
        await others.until_over()
        assert others.whole, "who is told twice still says its last chunk"
    assert service.open == len(streams) == 0
