"""Taking one's own data along: whole, paged, and nobody else's."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from chassis.db import Database
from chassis.vault import Vault
from contracts.accounts import Role
from gateway.accounts.service import account_for
from gateway.models import METADATA
from gateway.personal import exporting
from gateway.personal.exporting import LIMIT, LISTS
from gateway.proxy import InProcess, ServiceUnavailable
from gateway.tokens import Signer
from tests.gateway.support import Phones, bearer
from tests.support.http import PLAIN, served


class Lists:
    """Services that answer each of their lists with `count` items, page by page, to whoever brings a token."""

    def __init__(self) -> None:
        self.count = 3
        self.status = 200
        self.fails_after: int | None = None
        self.tokens: set[str] = set()
        self.item: dict[str, Any] = {}
        self.asked: list[str] = []
        self.may_answer: dict[str, asyncio.Event] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        self.tokens.add(dict(scope["headers"]).get(b"authorization", b"").decode())
        self.asked.append(f"{scope['path']}?{scope['query_string'].decode()}")
        start, limit = int(query.get("after", 0)), int(query.get("limit", self.count))
        numbers = range(start, min(start + limit, self.count))
        name = scope["path"].removeprefix("/v1/")
        if name in self.may_answer and limit > 1:
            await self.may_answer[name].wait()
        following = str(numbers.stop) if numbers.stop < self.count else None
        page = {
            "items": [{"of": name, "number": each, "id": str(each), **self.item} for each in numbers],
            "next": following,
        }
        status = 500 if self.fails_after is not None and start >= self.fails_after else self.status
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(page).encode()})


@pytest.fixture
def lists() -> Lists:
    return Lists()


@pytest.fixture
def upstreams(lists: Lists) -> dict[str, Any]:
    return {name: InProcess(lists) for name in ("listing", "matching", "logistics")}


async def caller(db: Database, vault: Vault, signer: Signer, role: Role) -> dict[str, str]:
    async with db.transaction() as session:
        account = await account_for(session, vault, role, "泗阳合作社")
    return bearer(signer, role, account.id)


async def test_a_person_gets_one_file_with_the_phone_in_full(client: httpx.AsyncClient, sms: Phones) -> None:
    await client.post("/v1/auth/otp", json={"phone": "13812345678"})
    form = {"grant_type": "otp", "phone": "13812345678", "code": sms.last_code(), "role": "producer"}
    token = (await client.post("/v1/auth/token", data=form)).json()["access_token"]
    answer = await client.get("/v1/me/export", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/json", "no-store")
    file = answer.json()
    account_id = file["account"]["account_id"]
    assert answer.headers["content-disposition"] == f'attachment; filename="duijie-{account_id}.json"'
    assert datetime.now(UTC) - datetime.fromisoformat(file["account"].pop("created_at")) < timedelta(minutes=1)
    assert file["account"] == {"account_id": account_id, "role": "producer", "name": "", "phone": "+8613812345678"}
    assert [each["client_id"] for each in file["sessions"]] == [None]


@pytest.mark.parametrize("role", [*LISTS, "admin", "auditor", "supervisor", "programme_officer"])
async def test_each_role_gets_the_lists_of_its_own_and_an_office_nobody_elses(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer, lists: Lists, role: Role
) -> None:
    headers = await caller(db, vault, signer, role)
    file = (await client.get("/v1/me/export", headers=headers)).json()
    names = LISTS.get(role, ())
    assert list(file) == ["account", "sessions", "clients", *names, "left_out"]
    assert file["account"]["created_at"].endswith("Z")
    for name in names:
        told = [{key: each[key] for key in each.keys() - {"photos", "id"}} for each in file[name]]
        assert told == [{"of": name, "number": number} for number in range(3)]
    assert lists.tokens <= {headers["Authorization"]}


async def test_long_lists_come_page_by_page_and_whole(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer, lists: Lists
) -> None:
    lists.count = 2 * LIMIT + 1
    file = (await client.get("/v1/me/export", headers=await caller(db, vault, signer, "citizen"))).json()
    assert [each["number"] for each in file["orders"]] == list(range(lists.count))


async def test_a_carrier_takes_along_no_shipment_that_is_only_open_to_it(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer, lists: Lists
) -> None:
    headers = await caller(db, vault, signer, "carrier")
    for carrier_id, count in ((None, 0), (str(uuid4()), 0)):
        lists.item = {"carrier_id": carrier_id}
        assert len((await client.get("/v1/me/export", headers=headers)).json()["shipments"]) == count
    lists.item = {"carrier_id": (await client.get("/v1/me", headers=headers)).json()["account_id"]}
    assert len((await client.get("/v1/me/export", headers=headers)).json()["shipments"]) == 3


async def test_a_list_that_this_release_has_not_is_empty(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer, lists: Lists
) -> None:
    lists.status = 404
    file = (await client.get("/v1/me/export", headers=await caller(db, vault, signer, "citizen"))).json()
    assert file["webhooks"] == []


@pytest.mark.parametrize("status", [401, 403, 500, 503])
async def test_a_service_that_does_not_give_its_list_is_a_503_and_no_half_file(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer, lists: Lists, status: int
) -> None:
    lists.status = status
    answer = await client.get("/v1/me/export", headers=await caller(db, vault, signer, "citizen"))
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/service-unavailable")


async def test_what_breaks_off_halfway_does_not_end_as_if_it_were_whole(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer, lists: Lists
) -> None:
    lists.count, lists.fails_after = 2 * LIMIT, LIMIT
    answer = await client.get("/v1/me/export", headers=await caller(db, vault, signer, "citizen"))
    with pytest.raises(ValueError, match=r"Expecting|delimiter|Unterminated"):
        json.loads(answer.content)


async def test_nobody_takes_anything(client: httpx.AsyncClient, signer: Signer) -> None:
    assert (await client.get("/v1/me/export")).status_code == 401
    assert (await client.get("/v1/me/export", headers=bearer(signer, "citizen", UUID(int=1)))).status_code == 401


@pytest.mark.parametrize(("role", "name"), [("producer", "listings"), ("carrier", "shipments")])
async def test_photos_stand_with_what_they_show_and_where_each_is_fetched(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer, role: Role, name: str
) -> None:
    file = (await client.get("/v1/me/export", headers=await caller(db, vault, signer, role))).json()
    for each in file[name]:
        assert [photo["address"] for photo in each["photos"]] == [
            f"/v1/{name}/{each['id']}/photos/{number}" for number in range(3)
        ]
    assert "address" in file["left_out"][0]


async def test_the_file_says_what_it_leaves_out_in_the_readers_language_and_comes_compressed_if_asked(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer
) -> None:
    headers = await caller(db, vault, signer, "producer") | {"Accept-Language": "zh"}
    plain = await client.get("/v1/me/export", headers=headers | {"Accept-Encoding": "identity"})
    fewer = await client.get("/v1/me/export", headers=headers | {"Accept-Encoding": "gzip"})
    assert plain.json()["left_out"][0].startswith("照片的图像")
    assert ("content-encoding" in plain.headers, fewer.headers["content-encoding"]) == (False, "gzip")
    assert fewer.json() == plain.json()


async def test_its_keys_come_along_without_their_secrets(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer
) -> None:
    headers = await caller(db, vault, signer, "platform")
    made = (await client.post("/v1/clients", headers=headers)).json()
    answer = await client.get("/v1/me/export", headers=headers)
    (key,) = answer.json()["clients"]
    assert key.keys() == {"client_id", "created_at", "last_used_at"}
    assert (key["client_id"], made["client_secret"] in answer.text) == (made["client_id"], False)


async def test_whatever_the_gateway_keeps_by_account_has_its_member(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer
) -> None:
    by_account = {table.name for table in METADATA.sorted_tables if "account_id" in table.columns}
    file = (await client.get("/v1/me/export", headers=await caller(db, vault, signer, "admin"))).json()
    assert by_account - file.keys() == {"ended_sessions"}, "ids of sessions, for a day"


async def test_before_it_answers_it_asks_each_list_for_one_thing_and_keeps_none(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer, lists: Lists
) -> None:
    await client.get("/v1/me/export", headers=await caller(db, vault, signer, "citizen"))
    names = LISTS["citizen"]
    assert lists.asked == [f"/v1/{name}?limit={limit}" for limit in (1, LIMIT) for name in names]


async def began(app: FastAPI, count: int = 1) -> None:
    while len(app.state.exports) < count:
        await asyncio.sleep(0.01)


async def test_an_account_takes_its_data_along_once_at_a_time_and_a_process_some(
    client: httpx.AsyncClient,
    app: FastAPI,
    db: Database,
    vault: Vault,
    signer: Signer,
    lists: Lists,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exporting, "AT_ONCE", 2)
    lists.may_answer["orders"] = asyncio.Event()
    roles: tuple[Role, ...] = ("citizen", "platform", "group_leader")
    mine, other, third = [await caller(db, vault, signer, role) for role in roles]
    first = asyncio.create_task(client.get("/v1/me/export", headers=mine))
    await began(app)
    again = await client.get("/v1/me/export", headers=mine)
    assert (again.status_code, again.json()["type"]) == (429, "/problems/too-many-exports")
    assert again.headers["retry-after"] == "5"
    second = asyncio.create_task(client.get("/v1/me/export", headers=other))
    await began(app, 2)
    full = await client.get("/v1/me/export", headers=third)
    assert (full.status_code, full.json()["type"], full.headers["retry-after"]) == (503, "/problems/unavailable", "5")
    lists.may_answer["orders"].set()
    assert [len((await each).json()["orders"]) for each in (first, second)] == [3, 3]
    assert (await client.get("/v1/me/export", headers=mine)).status_code == 200
    assert len(app.state.exports) == 0


async def test_who_does_not_read_on_is_cut_off_and_may_ask_again(
    app: FastAPI, db: Database, vault: Vault, signer: Signer, lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "ANSWERED_WITHIN_S", 0.3)
    lists.may_answer["matches"] = asyncio.Event()
    headers = await caller(db, vault, signer, "citizen")
    async with served(app) as url, httpx.AsyncClient(verify=PLAIN, base_url=url, headers=headers) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get("/v1/me/export")
        while len(app.state.exports):
            await asyncio.sleep(0.01)
        lists.may_answer["matches"].set()
        assert (await http.get("/v1/me/export")).status_code == 200


async def test_who_asks_for_the_head_alone_or_hangs_up_keeps_no_place(
    app: FastAPI, db: Database, vault: Vault, signer: Signer, lists: Lists
) -> None:
    headers = await caller(db, vault, signer, "citizen")
    async with served(app) as url, httpx.AsyncClient(verify=PLAIN, base_url=url, headers=headers) as http:
        assert (await http.head("/v1/me/export")).status_code == 200
        while len(app.state.exports):
            await asyncio.sleep(0.01)
        lists.may_answer["matches"] = asyncio.Event()
        async with http.stream("GET", "/v1/me/export") as answer:
            assert answer.status_code == 200
        while len(app.state.exports):
            await asyncio.sleep(0.01)


async def test_photos_that_can_not_be_had_stop_the_asking_for_others(lists: Lists) -> None:
    asked = 0

    async def ill(scope: Any, receive: Any, send: Any) -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)
        raise ConnectionResetError

    items = [{"id": str(number)} for number in range(LIMIT)]
    with pytest.raises(ServiceUnavailable):
        await exporting._add_photos({"listing": InProcess(ill)}, "listings", items, "")
    await asyncio.sleep(0.1)
    assert asked <= 2 * exporting.PHOTOS_AT_ONCE
