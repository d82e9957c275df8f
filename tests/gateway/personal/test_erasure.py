"""Erasing one's own account: who may, what is gone, what stays, and what its tokens are worth then."""

import asyncio
import base64
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from structlog.testing import capture_logs

from chassis.db import Database
from chassis.vault import Vault
from contracts.accounts import AccountErased, AccountOpened
from gateway.accounts import hashing
from gateway.accounts.models import TRIES
from gateway.accounts.service import account_for
from gateway.app import create_gateway
from gateway.clients.service import create_for, rotate_any
from gateway.erased import ErasedAccounts
from gateway.proxy import InProcess
from gateway.tokens import Signer
from tests.gateway.support import Phones
from tests.gateway.support import bearer as signed
from tests.support.services import client_of, told

PHONE = "13812345678"


@pytest.fixture
def reached() -> list[str]:
    """The paths that a service was asked for."""
    return []


@pytest.fixture
def upstreams(reached: list[str]) -> dict[str, Any]:
    async def lists_nothing(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b'{"items": [], "next": null}'})

    return {name: InProcess(lists_nothing) for name in ("listing", "matching", "logistics")}


async def send_code(client: httpx.AsyncClient, db: Database, phone: str = PHONE) -> None:
    async with db.transaction() as session:
        await session.execute(text("UPDATE codes SET sent_at = sent_at - interval '61 s'"))
    assert (await client.post("/v1/auth/otp", json={"phone": phone})).status_code == 202


async def sign_in(client: httpx.AsyncClient, db: Database, sms: Phones, phone: str = PHONE) -> dict[str, Any]:
    await send_code(client, db, phone)
    form = {"grant_type": "otp", "phone": phone, "code": sms.last_code(), "role": "producer"}
    token: dict[str, Any] = (await client.post("/v1/auth/token", data=form)).json()
    return token


def bearer(token: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {token['access_token']}"}


async def renew(client: httpx.AsyncClient, token: dict[str, Any]) -> int:
    form = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    return (await client.post("/v1/auth/token", data=form)).status_code


async def test_a_person_proves_it_by_a_fresh_code_and_is_forgotten(
    client: httpx.AsyncClient, db: Database, sms: Phones
) -> None:
    token = await sign_in(client, db, sms)
    me = bearer(token)
    await client.patch("/v1/me", headers={**me, "If-Match": "*"}, json={"name": "张三"})
    await send_code(client, db)
    erased = await client.post("/v1/me/erase", headers=me, json={"code": sms.last_code()})
    assert erased.status_code == 200, erased.text
    account_id = UUID(erased.json()["account_id"])
    assert (await told(db))[-1] == AccountErased(account_id=account_id, version=3, role="producer")
    async with db.reading() as session:
        columns = "id, name_encrypted, name_hash, phone_encrypted, phone_hash"
        (row,) = (await session.execute(text(f"SELECT {columns} FROM accounts"))).all()
        for table in ("codes", "sessions", "clients"):
            assert await session.scalar(text(f"SELECT count(*) FROM {table}")) == 0, table
    assert tuple(row) == (account_id, None, None, None, None)


async def test_from_then_on_its_token_is_refused_before_every_service_and_not_renewed(
    client: httpx.AsyncClient, db: Database, sms: Phones
) -> None:
    mine, other = await sign_in(client, db, sms), await sign_in(client, db, sms, "13900000000")
    for token in (mine, other):
        assert (await client.get("/v1/listings", headers=bearer(token))).status_code == 200
    await send_code(client, db)
    await client.post("/v1/me/erase", headers=bearer(mine), json={"code": sms.last_code()})
    for path in ("/v1/me", "/v1/me/sessions", "/v1/me/export", "/v1/listings", "/v1/produce"):
        answer = await client.get(path, headers=bearer(mine))
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated"), path
        assert answer.headers["x-request-id"]
        assert (await client.get(path, headers=bearer(other))).status_code == 200
    assert (await renew(client, mine), await renew(client, other)) == (400, 200)


async def test_another_process_of_the_gateway_hears_of_it_within_seconds(
    client: httpx.AsyncClient,
    db: Database,
    sms: Phones,
    signer: Signer,
    vault: Vault,
    upstreams: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.erased.LOOK_EVERY_S", 0.05)
    async with client_of(create_gateway(db, signer, vault, upstreams)) as beside:
        token = await sign_in(client, db, sms)
        assert (await beside.get("/v1/listings", headers=bearer(token))).status_code == 200
        await send_code(client, db)
        await client.post("/v1/me/erase", headers=bearer(token), json={"code": sms.last_code()})
        await asyncio.sleep(0.1)
        assert (await beside.get("/v1/listings", headers=bearer(token))).status_code == 401


async def test_where_somebody_was_erased_a_made_up_token_is_a_401_and_a_long_one_reaches_no_service(
    app: FastAPI, client: httpx.AsyncClient, signer: Signer, reached: list[str]
) -> None:
    app.state.erased.add(uuid4())
    header = signed(signer)["Authorization"].partition(".")[0]
    deep = base64.urlsafe_b64encode(b"[" * 1000).decode()
    for path in ("/v1/me", "/v1/produce"):
        answer = await client.get(path, headers={"Authorization": f"{header}.{deep}.AAAA"})
        assert answer.status_code == (401 if path == "/v1/me" else 200), path
    for long in (f"Bearer {'x' * 5_000}", signed(signer)["Authorization"].ljust(5_000), f"Basic {'x' * 5_000}"):
        answer = await client.get("/v1/listings", headers={"Authorization": long})
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")
    assert reached == []


async def test_accounts_erased_longer_ago_than_a_token_lives_are_kept_no_more(db: Database, vault: Vault) -> None:
    async with db.transaction() as session:
        ids = [(await account_for(session, vault, "producer", name)).id for name in ("一", "二", "三")]
        for account_id, days in zip(ids, (0, 6, 8), strict=True):
            erased = "UPDATE accounts SET erased_at = now() - make_interval(days => :days) WHERE id = :id"
            await session.execute(text(erased), {"days": days, "id": account_id})
    told: list[UUID] = []
    found = ErasedAccounts(db, timedelta(hours=1), told.extend)
    assert [await found.holds(each) for each in ids] == [True, True, False]
    assert sorted(told) == sorted(ids[:2]), "their streams are ended, once"
    found.add(ids[2])
    assert told[2:] == [ids[2]]
    longer = ErasedAccounts(db, timedelta(days=30), told.extend)
    assert [await longer.holds(each) for each in ids] == [True, True, True]
    longer._kept, longer._look_after_s = timedelta(days=5), float("-inf")
    assert [await longer.holds(each) for each in ids] == [True, False, False]


async def test_without_the_database_tokens_are_taken_as_they_come(
    app: FastAPI, client: httpx.AsyncClient, signer: Signer
) -> None:
    app.state.erased._db = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", source="/duijie/gateway")
    assert (await client.get("/v1/listings", headers=signed(signer, "producer"))).status_code == 200


async def test_the_same_phone_opens_a_new_account_that_is_another(
    client: httpx.AsyncClient, db: Database, sms: Phones
) -> None:
    first = await sign_in(client, db, sms)
    await send_code(client, db)
    await client.post("/v1/me/erase", headers=bearer(first), json={"code": sms.last_code()})
    second = await sign_in(client, db, sms)
    me = (await client.get("/v1/me", headers=bearer(second))).json()
    opened = [each.account_id for each in await told(db) if isinstance(each, AccountOpened)]
    assert len(set(opened)) == 2
    assert (UUID(me["account_id"]), me["name"], me["phone"]) == (opened[1], "", "138****5678")


@pytest.mark.parametrize("proof", [{}, {"code": "x"}, {"client_id": "dj_x", "client_secret": "x"}, {"client_id": "x"}])
async def test_without_a_proof_nothing_is_erased(
    client: httpx.AsyncClient, db: Database, sms: Phones, proof: dict[str, str]
) -> None:
    token = await sign_in(client, db, sms)
    refused = await client.post("/v1/me/erase", headers=bearer(token), json=proof)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-proven")
    assert (await client.get("/v1/me", headers=bearer(token))).status_code == 200
    assert await renew(client, token) == 200


async def test_guesses_of_the_code_are_counted_here_too(client: httpx.AsyncClient, db: Database, sms: Phones) -> None:
    token = await sign_in(client, db, sms)
    await send_code(client, db)
    wrong = f"{(int(sms.last_code()) + 1) % 1_000_000:06}"
    for _ in range(TRIES):
        await client.post("/v1/me/erase", headers=bearer(token), json={"code": wrong})
    refused = await client.post("/v1/me/erase", headers=bearer(token), json={"code": sms.last_code()})
    assert refused.status_code == 409


async def test_the_code_of_another_phone_erases_nobody(client: httpx.AsyncClient, db: Database, sms: Phones) -> None:
    token = await sign_in(client, db, sms)
    await send_code(client, db, "13900000000")
    refused = await client.post("/v1/me/erase", headers=bearer(token), json={"code": sms.last_code()})
    assert refused.status_code == 409


async def test_a_machine_proves_it_by_its_own_clients_secret(
    client: httpx.AsyncClient, db: Database, vault: Vault
) -> None:
    made = []
    for name in ("拼好货", "另一平台"):
        async with db.transaction() as session:
            made.append(await create_for(session, vault, "platform", name))
    forms = [{"client_id": client_id, "client_secret": secret} for client_id, secret in made]
    mine = (await client.post("/v1/auth/token", data={"grant_type": "client_credentials", **forms[0]})).json()
    refused = await client.post("/v1/me/erase", headers=bearer(mine), json=forms[1])
    assert refused.status_code == 409
    assert (await client.post("/v1/me/erase", headers=bearer(mine), json=forms[0])).status_code == 200
    again = [await client.post("/v1/auth/token", data={"grant_type": "client_credentials", **form}) for form in forms]
    assert [each.status_code for each in again] == [401, 200]
    assert await renew(client, mine) == 400


async def test_anothers_client_is_no_proof_and_no_secret_is_hashed_for_it(
    client: httpx.AsyncClient, db: Database, vault: Vault, sms: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = bearer(await sign_in(client, db, sms))
    async with db.transaction() as session:
        client_id, secret = await create_for(session, vault, "platform", "拼好货")
    hashed: list[str] = []

    async def matches(secret_hash: str | None, secret: str) -> bool:
        hashed.append(secret)
        return True

    monkeypatch.setattr(hashing, "matches", matches)
    for proof in ({"client_id": client_id, "client_secret": secret}, {"client_id": "dj_x", "client_secret": "x"}):
        assert (await client.post("/v1/me/erase", headers=me, json=proof)).status_code == 409
    assert hashed == []


async def test_a_secret_that_is_rotated_while_it_is_checked_erases_nothing(
    client: httpx.AsyncClient, db: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with db.transaction() as session:
        client_id, secret = await create_for(session, vault, "platform", "拼好货")
    form = {"client_id": client_id, "client_secret": secret}
    me = bearer((await client.post("/v1/auth/token", data={"grant_type": "client_credentials", **form})).json())
    matches = hashing.matches

    async def slow(secret_hash: str | None, secret: str) -> bool:
        good = await matches(secret_hash, secret)
        async with db.transaction() as session:
            await rotate_any(session, client_id)
        return good

    monkeypatch.setattr(hashing, "matches", slow)
    assert (await client.post("/v1/me/erase", headers=me, json=form)).status_code == 409
    assert (await client.get("/v1/me", headers=me)).status_code == 200


async def test_who_lost_the_answer_is_told_by_the_401_that_it_is_done(
    client: httpx.AsyncClient, db: Database, sms: Phones
) -> None:
    me = bearer(await sign_in(client, db, sms))
    await send_code(client, db)
    proof = {"code": sms.last_code()}
    answers = [(await client.post("/v1/me/erase", headers=me, json=proof)).status_code for _ in range(2)]
    assert answers == [200, 401]


async def test_who_signs_in_while_the_account_is_erased_has_no_session_of_it(
    client: httpx.AsyncClient, db: Database, sms: Phones
) -> None:
    for _ in range(5):
        token = await sign_in(client, db, sms)
        await send_code(client, db)
        form = {"grant_type": "otp", "phone": PHONE, "code": sms.last_code()}
        await asyncio.gather(
            client.post("/v1/auth/token", data=form),
            client.post("/v1/me/erase", headers=bearer(token), json={"code": sms.last_code()}),
            *(renew(client, token) for _ in range(3)),
        )
        of_the_erased = (
            "SELECT count(*) FROM sessions JOIN accounts ON accounts.id = account_id WHERE erased_at < now()"
        )
        async with db.reading() as session:
            left = await session.scalar(text(of_the_erased))
        assert left == 0


async def test_what_can_not_be_read_is_warned_of_once_and_looked_for_until_it_can(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.erased.LOOK_EVERY_S", 0.0)
    erased = ErasedAccounts(db, timedelta(hours=1), lambda ids: None)
    with capture_logs() as logs:
        monkeypatch.setattr("gateway.erased.LOOK_MAX_S", 0.0)
        for _ in range(5):
            assert await erased.holds(uuid4()) is False
        monkeypatch.setattr("gateway.erased.LOOK_MAX_S", 30.0)
        for _ in range(2):
            await erased.holds(uuid4())
    assert [each["event"] for each in logs] == ["erased_not_read", "erased_read_again"]
