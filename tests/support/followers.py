"""Readers of feeds behind the gateway that are dropped at random again and again.

In one process, as standalone has it, and over HTTP to a service apart. Only the connections of the readers themselves
are not real.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast
from uuid import UUID, uuid4

from fastapi import FastAPI

from chassis.db import Database
from gateway.app import create_gateway
from gateway.proxy import InProcess, Remote, Upstream
from services.matching.app import create_matching_app
from tests.services.matching.feed.happenings import agreed, appending, happen
from tests.services.matching.scene import DESK
from tests.support.http import served
from tests.support.services import Issuer
from tests.support.sse import Event, Listener

PATH = "/v1/feed/matches/stream"
EVENTS = 30
BATCH = 2
HASTE = 0.5
"""Of what Retry-After asks for: nobody else is there that they could be in the way of."""
STAYS = (3, 25)
"""How many events a reader hears before it is dropped."""


@asynccontextmanager
async def gateway_before(matching: FastAPI, way: str, issuer: Issuer) -> AsyncIterator[FastAPI]:
    """It knows the tokens, and no database: nobody was erased, as far as it can see."""
    nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", source="/duijie/gateway")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(nowhere.close)
        upstream: Upstream = InProcess(matching)
        if way == "over HTTP":
            upstream = Remote(await stack.enter_async_context(served(matching)))
            stack.push_async_callback(upstream.aclose)
        yield create_gateway(nowhere, cast("Any", issuer.keys), cast("Any", None), {"matching": upstream})


class Reader:
    """One that follows its account's feed to the end, and is dropped on the way."""

    def __init__(self, app: FastAPI, headers: dict[str, str], seed: int) -> None:
        self._app = app
        self._headers = headers
        self._random = random.Random(seed)
        self.heard: list[Event] = []
        self.dropped = -1

    async def follow(self) -> None:
        while len(self.heard) < EVENTS:
            where = {"Last-Event-ID": self.heard[-1].id} if self.heard else {}
            stay = self._random.randint(*STAYS)
            async with Listener(self._app, PATH, self._headers | where) as stream:
                self.dropped += stream.status == 200
                while stream.status == 200 and stay and len(self.heard) < EVENTS:
                    self.heard.append(await stream.next())
                    stay -= 1
            if stream.status != 200:  # a thousand that come at once are asked to come later, some of them
                assert stream.status == 503, stream.body
                await asyncio.sleep(HASTE * int(stream.answer["retry-after"]))


async def all_hear_everything(db: Database, issuer: Issuer, way: str, readers: int) -> None:
    """Once, in order, and the same bytes."""
    accounts = [uuid4() for _ in range(readers // 10)]
    callers = {account: issuer.caller("platform", account) for account in accounts}
    matching = create_matching_app(db, issuer.keys, cast("Any", None), DESK)
    async with gateway_before(matching, way, issuer) as gateway, appending(db):
        following = [Reader(gateway, callers[accounts[number % len(accounts)]], number) for number in range(readers)]
        async with asyncio.timeout(300), asyncio.TaskGroup() as group:
            for reader in following:
                group.create_task(reader.follow())
            group.create_task(_happening(db, accounts))
    expected = [(str(seq), seq - 1) for seq in range(1, EVENTS + 1)]
    for reader in following:
        assert [(event.id, event.json()["match"]["id"]) for event in reader.heard] == expected
    told = {tuple(event.data for event in reader.heard) for reader in following}
    assert len(told) == 1, "the same bytes for everyone: each account's items differ in nothing"
    assert sum(reader.dropped for reader in following) > readers
    assert len(matching.state.streams) == 0


async def _happening(db: Database, accounts: list[UUID]) -> None:
    for number in range(0, EVENTS, BATCH):
        await happen(db, *[agreed(number + more, *accounts) for more in range(BATCH)])
        await asyncio.sleep(0.1)
