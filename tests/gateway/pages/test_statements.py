"""A statement as a file: written by the service for who reads it, and handed through as it comes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from chassis.db import Database
from chassis.vault import Vault
from gateway.accounts.service import account_for
from gateway.fetch import LIMIT_B
from gateway.tokens import Signer
from services.logistics.settlements.tables import CSV, XLSX
from tests.gateway.pages.played import Asked, Played
from tests.gateway.pages.programmes.test_programmes import ID, OFFICER, OTHER, SETTLEMENT, a_programme, a_settlement
from tests.gateway.support import bearer

HERE, API = f"/programmes/settlements/{SETTLEMENT}", f"/v1/settlements/{SETTLEMENT}"
ZH, EN = {"Accept-Language": "zh-CN"}, {"Accept-Language": "en"}
KINDS = {"xlsx": XLSX, "csv": CSV, "data.csv": CSV}


@dataclass
class Writing(Played):
    """The service, which writes its file in `chunks`, whatever the form; `arrived` looks after each how far it got."""

    chunks: tuple[bytes, ...] = (b"a,b\r\n", b"1,2\r\n")
    files: list[Asked] = field(default_factory=list)
    arrived: Callable[[], None] = lambda: None
    writes: bool = True

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        accept = dict(scope["headers"])[b"accept"]
        if accept == b"application/json":
            await super().__call__(scope, receive, send)
            return
        if not self.writes:
            raise ConnectionError("away")
        query = httpx.QueryParams(scope["query_string"].decode())
        asked = {name: query.get_list(name) for name in query}
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.files.append(Asked(scope["method"], scope["path"], asked, headers, None))
        told = [(b"content-type", accept), (b"content-disposition", b'attachment; filename="statement-1.csv"')]
        await send({"type": "http.response.start", "status": 200, "headers": told})
        for chunk in self.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            self.arrived()
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def logistics() -> Writing:
    played = Writing()
    played.say(API, a_settlement())
    return played


@pytest.fixture
def upstreams(logistics: Writing) -> dict[str, Any]:
    return {"logistics": logistics.upstream}


@pytest.fixture
def officer(signer: Signer) -> dict[str, str]:
    return bearer(signer, "programme_officer", OFFICER)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_file_of_the_service_is_handed_through_in_the_readers_name(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Writing, kind: str
) -> None:
    answer = await client.get(f"{HERE}/statement.{kind}", headers=officer | {"Cookie": "a=b", "Range": "bytes=0-1"})
    assert (answer.status_code, answer.content) == (200, b"".join(logistics.chunks))
    assert answer.headers["content-type"] == KINDS[kind]
    assert answer.headers["content-disposition"] == 'attachment; filename="statement-1.csv"'
    assert answer.headers["cache-control"] == "private, no-store"
    (asked,) = logistics.files
    assert (asked.path, asked.headers["accept"]) == (API, KINDS[kind])
    assert asked.headers["authorization"] == officer["Authorization"]
    assert asked.headers.keys().isdisjoint({"cookie", "range"})


async def test_people_have_it_in_the_language_of_the_page_and_with_the_payees_name(
    client: httpx.AsyncClient, officer: dict[str, str], db: Database, vault: Vault, logistics: Writing
) -> None:
    async with db.transaction() as session:
        carrier = await account_for(session, vault, "carrier", "=顺丰&速运")
    logistics.say(API, a_settlement() | {"carrier_id": str(carrier.id)})
    for headers, language in ((EN, "en"), (ZH, "zh-CN")):
        await client.get(f"{HERE}/statement.csv", headers=officer | headers)
        assert logistics.files[-1].query == {"language": [language], "payee_name": ["=顺丰&速运"]}
    await client.get(f"{HERE}/statement.xlsx?lang=en", headers=officer | ZH)
    assert logistics.files[-1].query["language"] == ["en"], "the reader's choice, before the browser's"
    await client.get(f"{HERE}/statement.data.csv", headers=officer)
    assert logistics.files[-1].query == {}


async def test_a_carrier_has_the_same(client: httpx.AsyncClient, signer: Signer, logistics: Writing) -> None:
    path = f"/carrier/settlements/{SETTLEMENT}/statement.csv"
    answer = await client.get(path, headers=bearer(signer, "carrier", OTHER) | ZH)
    assert answer.content == b"".join(logistics.chunks)
    assert logistics.files[-1].query == {"language": ["zh-CN"]}


async def ask(app: FastAPI, officer: dict[str, str], kind: str, came: list[Message]) -> None:
    """For the file as a server asks for it, which sees each piece as it `came`."""

    async def send(message: Message) -> None:
        came.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    path = f"{HERE}/statement.{kind}"
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http"}
    where = {"path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1)}
    headers = [(b"authorization", officer["Authorization"].encode())]
    await app({**scope, **where, "headers": headers, "server": ("test", 80)}, receive, send)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_file_of_any_length_leaves_as_it_comes(
    app: FastAPI, officer: dict[str, str], logistics: Writing, kind: str
) -> None:
    """Longer than what is fetched whole, and nothing of it waits for the rest."""
    logistics.chunks = (b"x" * (LIMIT_B // 2 + 1),) * 3
    came: list[Message] = []
    seen: list[int] = []
    logistics.arrived = lambda: seen.append(sum(len(each.get("body", b"")) for each in came))
    await ask(app, officer, kind, came)
    assert seen == [len(logistics.chunks[0]) * count for count in (1, 2, 3)]


async def test_a_file_that_breaks_off_does_not_pass_for_whole(
    app: FastAPI, officer: dict[str, str], logistics: Writing
) -> None:
    def breaks_off() -> None:
        raise ConnectionError("gone")

    came: list[Message] = []
    logistics.arrived = breaks_off
    with pytest.raises(ConnectionError):
        await ask(app, officer, "csv", came)
    assert came[-1]["more_body"], "its end never comes"


async def test_a_service_that_is_away_is_said_to_be(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Writing
) -> None:
    logistics.writes = False
    page = await client.get(f"{HERE}/statement.csv", headers=officer | EN | {"Accept": "text/html"})
    assert (page.status_code, "The service is not available" in page.text) == (503, True)
    assert "content-disposition" not in page.headers


async def test_the_page_says_which_file_is_for_people_and_which_for_programs(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Writing
) -> None:
    for path in ("/v1/flags", f"{API}/corrections"):
        logistics.say(path, {"items": [], "next": None})
    logistics.say(f"/v1/programmes/{ID}", a_programme())
    page = (await client.get(HERE, headers=officer | EN)).text
    assert "For programs, in fen and UTC" in page
    for kind in KINDS:
        assert f'href="{HERE}/statement.{kind}"' in page


async def test_what_is_none_of_the_readers_is_not_found(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Writing
) -> None:
    del logistics.answers["GET", API]
    for kind in KINDS:
        assert (await client.get(f"{HERE}/statement.{kind}", headers=officer)).status_code == 404, kind
    assert (await client.get(f"{HERE}/statement.exe", headers=officer)).status_code == 404
