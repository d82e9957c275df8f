"""Renewing, revoking and listing sessions over HTTP."""

import asyncio
from base64 import b64encode
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from chassis.db import Database
from chassis.vault import Vault
from gateway.app import create_gateway
from gateway.clients.service import create_for
from gateway.sessions.service import forget_ended
from gateway.tokens import Signer
from tests.gateway.support import Phones
from tests.gateway.support import bearer as made_by_operator
from tests.support.services import client_of

PHONE = "13812345678"


async def sign_in(client: httpx.AsyncClient, sms: Phones, phone: str = PHONE) -> dict[str, Any]:
    await client.post("/v1/auth/otp", json={"phone": phone})
    answer = await client.post("/v1/auth/token", data={"grant_type": "otp", "phone": phone, "code": sms.last_code()})
    token: dict[str, Any] = answer.json()
    return token


async def renew(client: httpx.AsyncClient, token: str, **headers: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return await client.post("/v1/auth/token", data=form, headers=headers)


def bearer(token: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {token['access_token']}"}


async def test_a_person_signs_in_once_and_renews(client: httpx.AsyncClient, sms: Phones) -> None:
    first = await sign_in(client, sms)
    assert (first["expires_in"], first["refresh_expires_in"]) == (900, 30 * 86_400)
    answer = await renew(client, first["refresh_token"])
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    second = answer.json()
    assert second.keys() == {"access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in"}
    assert second["refresh_token"] != first["refresh_token"]
    me = [(await client.get("/v1/me", headers=bearer(token))).json()["account_id"] for token in (first, second)]
    assert me[0] == me[1]


@pytest.mark.parametrize(("language", "title"), [("zh-CN", "刷新令牌无效"), ("en", "The refresh token is not valid")])
async def test_a_refusal_is_oauths_in_the_readers_language(
    client: httpx.AsyncClient, language: str, title: str
) -> None:
    answer = await renew(client, "djr_x", **{"Accept-Language": language})
    assert (answer.status_code, answer.json()["error"], answer.json()["title"]) == (400, "invalid_grant", title)


async def test_a_machine_renews_by_form_and_by_http_basic(
    client: httpx.AsyncClient, db: Database, vault: Vault
) -> None:
    async with db.transaction() as session:
        client_id, secret = await create_for(session, vault, "carrier", "顺达物流")
    basic = {"Authorization": f"Basic {b64encode(f'{client_id}:{secret}'.encode()).decode()}"}
    first = await client.post("/v1/auth/token", data={"grant_type": "client_credentials"}, headers=basic)
    second = await renew(client, first.json()["refresh_token"], **basic)
    without = await renew(client, second.json()["refresh_token"])
    assert (without.status_code, without.json()["error"]) == (401, "invalid_client")
    form = {"grant_type": "refresh_token", "refresh_token": second.json()["refresh_token"]}
    third = await client.post("/v1/auth/token", data=form | {"client_id": client_id, "client_secret": secret})
    assert [each.status_code for each in (first, second, third)] == [200, 200, 200]
    assert third.json()["expires_in"] == 3600


async def test_a_changed_name_is_answered_again_under_its_key_and_remembered_sealed(
    client: httpx.AsyncClient, db: Database, sms: Phones
) -> None:
    headers = {**bearer(await sign_in(client, sms)), "If-Match": '"1"', "Idempotency-Key": "a-key"}
    answers = [await client.patch("/v1/me", headers=headers, json={"name": "张家果园"}) for _ in range(2)]
    assert [(each.status_code, each.json()["name"]) for each in answers] == [(200, "张家果园")] * 2
    async with db.reading() as session:
        (body,) = (await session.scalars(text("SELECT body FROM idempotency"))).all()
    assert "张家果园".encode() not in body
    assert b"138****5678" not in body


async def test_revoking_is_always_200_and_ends_the_session(client: httpx.AsyncClient, sms: Phones) -> None:
    token = await sign_in(client, sms)
    for form in ({"token": "nothing"}, {"token": token["refresh_token"], "token_type_hint": "access_token"}):
        answer = await client.post("/v1/auth/revoke", data=form)
        assert (answer.status_code, answer.json()) == (200, {})
    assert (await renew(client, token["refresh_token"])).status_code == 400
    without = await client.post("/v1/auth/revoke", data={})
    assert (without.status_code, without.json()["error"]) == (400, "invalid_request")


async def test_ones_own_sessions_are_listed_and_ended_and_nobody_elses(
    client: httpx.AsyncClient, sms: Phones, signer: Signer
) -> None:
    mine, other = await sign_in(client, sms), await sign_in(client, sms, "13900000000")
    page = (await client.get("/v1/me/sessions", headers=bearer(mine))).json()
    (listed,) = page["items"]
    assert page["next"] is None
    assert listed.keys() == {"id", "current", "client_id", "created_at", "used_at", "expires_at"}
    assert listed["client_id"] is None
    account_id = (await client.get("/v1/me", headers=bearer(mine))).json()["account_id"]
    assert (await client.delete("/v1/me/sessions", headers=bearer(mine))).json() == {"ended": 1}
    by_operator = made_by_operator(signer, "citizen", UUID(account_id))
    assert (await client.get("/v1/me/sessions", headers=by_operator)).json()["items"] == []
    assert (await renew(client, mine["refresh_token"])).status_code == 400
    assert (await renew(client, other["refresh_token"])).status_code == 200


async def test_the_session_that_asks_is_marked_and_one_is_ended_by_itself(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer
) -> None:
    async with db.transaction() as session:
        client_id, secret = await create_for(session, vault, "platform", "拼好货")
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    first, second = [(await client.post("/v1/auth/token", data=form)).json() for _ in range(2)]
    renewed = await renew(client, second["refresh_token"], Authorization=basic_of(client_id, secret))
    seen = {}
    for name, token in (("first", first), ("second", second), ("renewed", renewed.json())):
        page = (await client.get("/v1/me/sessions", headers=bearer(token))).json()["items"]
        (seen[name],) = [each["id"] for each in page if each["current"]]
    assert seen["first"] != seen["second"] == seen["renewed"]
    path = f"/v1/me/sessions/{seen['first']}"
    ended = await client.delete(path, headers=bearer(second))
    assert (ended.status_code, ended.json()["id"], ended.json()["current"]) == (200, seen["first"], False)
    assert (await client.delete(path, headers=bearer(second))).status_code == 404
    assert (await client.get("/v1/me/sessions", headers=bearer(first))).status_code == 401
    (left,) = (await client.get("/v1/me/sessions", headers=bearer(second))).json()["items"]
    assert (left["id"], left["current"]) == (seen["second"], True)
    again = await renew(client, first["refresh_token"], Authorization=basic_of(client_id, secret))
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


async def test_anothers_session_is_not_there_and_an_operators_token_came_of_none(
    client: httpx.AsyncClient, sms: Phones, signer: Signer
) -> None:
    mine, other = await sign_in(client, sms), await sign_in(client, sms, "13900000000")
    (listed,) = (await client.get("/v1/me/sessions", headers=bearer(other))).json()["items"]
    path = f"/v1/me/sessions/{listed['id']}"
    refused = await client.delete(path, headers=bearer(mine))
    assert refused.status_code == 404
    missing = await client.delete("/v1/me/sessions/01900000-0000-7000-8000-000000000000", headers=bearer(mine))
    assert refused.content == missing.content
    account_id = (await client.get("/v1/me", headers=bearer(other))).json()["account_id"]
    by_operator = made_by_operator(signer, "citizen", UUID(account_id))
    (shown,) = (await client.get("/v1/me/sessions", headers=by_operator)).json()["items"]
    assert (shown["id"], shown["current"]) == (listed["id"], False)
    assert (await client.delete(path, headers=bearer(other))).json()["current"] is True
    assert (await renew(client, other["refresh_token"])).status_code == 400


def basic_of(client_id: str, secret: str) -> str:
    return f"Basic {b64encode(f'{client_id}:{secret}'.encode()).decode()}"


async def test_sessions_are_listed_page_by_page_newest_first(
    client: httpx.AsyncClient, db: Database, vault: Vault
) -> None:
    async with db.transaction() as session:
        client_id, secret = await create_for(session, vault, "platform", "拼好货")
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    tokens = [(await client.post("/v1/auth/token", data=form)).json() for _ in range(3)]
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        query = {"limit": 2, **after}
        page = (await client.get("/v1/me/sessions", headers=bearer(tokens[0]), params=query)).json()
        seen += [item["id"] for item in page["items"]]
        assert {item["client_id"] for item in page["items"]} == {client_id}
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert len(seen) == 3
    assert seen == sorted(seen, reverse=True)


async def test_a_name_is_changed_in_the_version_that_was_read(client: httpx.AsyncClient, sms: Phones) -> None:
    headers = bearer(await sign_in(client, sms))
    me = await client.get("/v1/me", headers=headers)
    assert me.headers["etag"] == '"1"'
    changed = await client.patch("/v1/me", headers={**headers, "If-Match": '"1"'}, json={"name": " 张家果园 "})
    assert (changed.json()["name"], changed.headers["etag"]) == ("张家果园", '"2"')
    stale = await client.patch("/v1/me", headers={**headers, "If-Match": '"1"'}, json={"name": "李家果园"})
    without = await client.patch("/v1/me", headers=headers, json={"name": "李家果园"})
    assert (stale.status_code, without.status_code) == (412, 428)
    assert (await client.get("/v1/me", headers=headers)).json()["name"] == "张家果园"


async def ends_it(client: httpx.AsyncClient, token: dict[str, Any], how: str) -> httpx.Response:
    match how:
        case "revoked":
            return await client.post("/v1/auth/revoke", data={"token": token["refresh_token"]})
        case "everywhere":
            return await client.delete("/v1/me/sessions", headers=bearer(token))
        case _:
            (mine,) = (await client.get("/v1/me/sessions", headers=bearer(token))).json()["items"]
            return await client.delete(f"/v1/me/sessions/{mine['id']}", headers=bearer(token))


@pytest.mark.parametrize("how", ["revoked", "everywhere", "here"])
async def test_an_ended_sessions_access_token_is_refused_at_once_and_its_owner_may_sign_in_again(
    client: httpx.AsyncClient, db: Database, sms: Phones, how: str
) -> None:
    token, other = await sign_in(client, sms), await sign_in(client, sms, "13900000000")
    assert (await ends_it(client, token, how)).status_code == 200
    for path in ("/v1/me", "/v1/produce", "/v1/me/export"):
        answer = await client.get(path, headers=bearer(token))
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated"), path
    assert (await client.get("/v1/me", headers=bearer(other))).status_code == 200
    async with db.transaction() as session:
        await session.execute(text("UPDATE codes SET sent_at = sent_at - interval '61 s'"))
    again = await sign_in(client, sms)
    assert (await client.get("/v1/me", headers=bearer(again))).status_code == 200


async def test_another_process_refuses_an_ended_sessions_token_within_seconds_and_ends_its_streams(
    client: httpx.AsyncClient,
    db: Database,
    sms: Phones,
    signer: Signer,
    vault: Vault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.erased.LOOK_EVERY_S", 0.05)
    beside, told = create_gateway(db, signer, vault, {}), list[UUID]()
    monkeypatch.setattr(beside.state.ended, "_tell", told.extend)
    async with client_of(beside) as other:
        token = await sign_in(client, sms)
        me = await other.get("/v1/me", headers=bearer(token))
        assert me.status_code == 200
        await ends_it(client, token, "revoked")
        await asyncio.sleep(0.1)
        assert (await other.get("/v1/me", headers=bearer(token))).status_code == 401
        await asyncio.sleep(0.1)
        assert (await other.get("/v1/me", headers=bearer(token))).status_code == 401
    assert told == [UUID(me.json()["account_id"])], "once"


async def test_what_was_noted_of_ended_sessions_is_forgotten_after_a_day(
    client: httpx.AsyncClient, db: Database, sms: Phones
) -> None:
    for phone in (PHONE, "13900000000"):
        await ends_it(client, await sign_in(client, sms, phone), "revoked")
    async with db.transaction() as session:
        ids = list(await session.scalars(text("SELECT id FROM ended_sessions ORDER BY id")))
        old = text("UPDATE ended_sessions SET ended_at = now() - interval '25 hours' WHERE id = :id")
        await session.execute(old, {"id": ids[0]})
    await forget_ended(db)
    async with db.reading() as session:
        assert list(await session.scalars(text("SELECT id FROM ended_sessions"))) == ids[1:]
