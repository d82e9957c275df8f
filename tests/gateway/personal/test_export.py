"""Taking one's own data along: whole, paged, and nobody else's."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID, uuid4

import httpx
import pytest

from chassis.db import Database
from chassis.vault import Vault
from contracts.accounts import Role
from gateway.accounts.service import account_for
from gateway.personal.exporting import LIMIT, LISTS
from gateway.proxy import InProcess
from gateway.tokens import Signer
from tests.gateway.support import Phones, bearer


class Lists:
    """Services that answer each of their lists with `count` items, page by page, to whoever brings a token."""

    def __init__(self) -> None:
        self.count = 3
        self.status = 200
        self.fails_after: int | None = None
        self.tokens: set[str] = set()
        self.item: dict[str, Any] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        self.tokens.add(dict(scope["headers"]).get(b"authorization", b"").decode())
        start, limit = int(query.get("after", 0)), int(query.get("limit", self.count))
        numbers = range(start, min(start + limit, self.count))
        name = scope["path"].removeprefix("/v1/")
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
    assert list(file) == ["account", "sessions", *names, "left_out"]
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
