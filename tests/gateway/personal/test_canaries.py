"""Phones and names go the whole way in; none comes out but to whom it belongs.

Logs, traces, metrics, refusals, events and every column of every table are searched, in clear.
"""

import asyncio
import io
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import text

from chassis.db import Database
from chassis.telemetry import configure_logging
from gateway.proxy import InProcess
from tests.gateway.support import Phones

MANY = int(os.environ.get("CANARIES", "25"))
"""`CANARIES=1000` is the whole thousand, in some minutes."""
AT_ONCE = 10


@pytest.fixture
def upstreams() -> dict[str, Any]:
    async def lists_nothing(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b'{"items": [], "next": null}'})

    return {name: InProcess(lists_nothing) for name in ("listing", "matching", "logistics")}


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that is logged or printed, as a service does it."""
    heard = io.StringIO()
    monkeypatch.setattr(sys, "stderr", heard)
    monkeypatch.setattr(sys, "stdout", heard)
    configure_logging("DEBUG")
    yield heard
    configure_logging()


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


class Canary:
    """One phone and one name on their way through everything that takes them. `said` is what came back of it."""

    def __init__(self, number: int) -> None:
        self.phone = f"139{number:04}{9999 - number:04}"
        self.name = f"金丝雀{number:04}号果园"
        self.said: list[str] = []
        self.me: dict[str, str] = {}

    async def comes_in(self, client: httpx.AsyncClient, codes: dict[str, str]) -> None:
        form = {"grant_type": "otp", "phone": self.phone}
        await self.hears(client.post("/v1/auth/otp", json={"phone": f"{self.phone}7"}), 422)
        await self.hears(client.post("/v1/auth/otp", json={"phone": self.phone}), 202)
        await self.hears(client.post("/v1/auth/token", data={**form, "code": self.name}), 400)
        token = await self.hears(client.post("/v1/auth/token", data={**form, "code": codes[self.phone]}), 200)
        self.me = {"Authorization": f"Bearer {token.json()['access_token']}"}
        # these two are told what is theirs
        named = await client.patch(
            "/v1/me", headers={**self.me, "If-Match": "*", "Idempotency-Key": "1"}, json={"name": self.name}
        )
        file = await self.exported(client)
        assert (named.json()["name"], file.json()["account"]["phone"]) == (self.name, f"+86{self.phone}")
        self.said.append(str(named.headers) + named.json()["phone"] + str(file.headers))
        await self.hears(client.post("/v1/me/erase", headers=self.me, json={"code": self.phone}), 409)

    async def exported(self, client: httpx.AsyncClient) -> httpx.Response:
        """Only some are made at once: the others come again."""
        while (file := await client.get("/v1/me/export", headers=self.me)).status_code == 503:
            self.said.append(file.text + str(file.headers))
            await asyncio.sleep(0.01)
        return file

    async def goes(self, client: httpx.AsyncClient, codes: dict[str, str]) -> None:
        await self.hears(client.post("/v1/auth/otp", json={"phone": self.phone}), 202)
        await self.hears(client.post("/v1/me/erase", headers=self.me, json={"code": codes[self.phone]}), 200)

    async def hears(self, asking: Awaitable[httpx.Response], status: int) -> httpx.Response:
        answer = await asking
        assert answer.status_code == status, answer.text
        self.said.append(answer.text + str(answer.headers))
        return answer

    def is_in(self, text: str) -> bool:
        return self.phone in text or self.name in text


async def everything_kept(db: Database) -> str:
    """Every row of every table, as whoever stole the database would read it."""
    async with db.reading() as session:
        tables = (await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))).all()
        assert {"accounts", "codes", "sessions", "clients", "outbox", "idempotency"} <= set(tables)
        rows = [row for table in tables for row in (await session.execute(text(f'SELECT * FROM "{table}"'))).all()]
    return "".join(
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for row in rows for value in row
    )


async def answers_remembered(db: Database) -> int:
    async with db.reading() as session:
        return await session.scalar(text("SELECT count(*) FROM idempotency")) or 0


async def all_of(canaries: list[Canary], does: Callable[[Canary], Awaitable[None]]) -> None:
    """Some at once, for each has to wait for the database now and then."""

    async def one_after_the_other(mine: list[Canary]) -> None:
        for canary in mine:
            await does(canary)

    await asyncio.gather(*(one_after_the_other(canaries[start::AT_ONCE]) for start in range(AT_ONCE)))


@pytest.mark.timeout(900)
async def test_of_all_phones_and_names_none_comes_out(
    client: httpx.AsyncClient, db: Database, sms: Phones, heard: io.StringIO, spans: InMemorySpanExporter
) -> None:
    canaries = [Canary(number) for number in range(MANY)]
    codes = Codes(sms)
    await all_of(canaries, lambda canary: canary.comes_in(client, codes))
    kept = await everything_kept(db)
    assert kept.count("duijie.account.changed") == MANY, "the search looks where it should"
    assert await answers_remembered(db) == MANY
    sms.down = True
    lost = await client.post("/v1/auth/otp", json={"phone": "13900001234"})
    sms.down = False
    async with db.transaction() as session:
        await session.execute(text("UPDATE codes SET sent_at = sent_at - interval '61 s'"))
    await all_of(canaries, lambda canary: canary.goes(client, codes))
    kept += await everything_kept(db)
    assert kept.count("duijie.account.erased") == MANY
    assert await answers_remembered(db) == 0, "not even sealed"
    traced = "".join(span.to_json() for span in spans.get_finished_spans())
    assert "/v1/me/erase" in traced
    logged = heard.getvalue()
    assert ("code_not_sent" in logged, lost.status_code) == (True, 503)
    said = "".join([*(each for canary in canaries for each in canary.said), lost.text])
    metrics = (await client.get("/metrics")).text
    places = {"kept": kept, "logged": logged, "traced": traced, "said": said, "measured": metrics}
    out = [
        (canary.phone, place) for place, all_of_it in places.items() for canary in canaries if canary.is_in(all_of_it)
    ]
    assert out == []
    assert "1390000" not in logged + metrics + traced


class Codes(dict[str, str]):
    """The last code of each phone, as its owner reads it."""

    def __init__(self, sms: Phones) -> None:
        super().__init__()
        self._sms, self._read = sms, 0

    def __getitem__(self, phone: str) -> str:
        for number, code, _ in self._sms.sent[self._read :]:
            self[number.removeprefix("+86")] = code
        self._read = len(self._sms.sent)
        return super().__getitem__(phone)
