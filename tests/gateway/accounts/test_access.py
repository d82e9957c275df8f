"""`/v1/me` for everyone, and what of a request to sign in is refused, by which name and in which language."""

from datetime import timedelta
from typing import Any, get_args
from uuid import uuid4

import httpx
import pytest

from chassis.db import Database
from chassis.vault import Vault
from contracts.accounts import AccountChanged, Role
from gateway.accounts.models import OPENED_BY_PHONE
from gateway.accounts.service import account_for
from gateway.clients.service import create_for
from gateway.tokens import Signer
from tests.gateway.support import Phones, bearer
from tests.support.services import told


@pytest.mark.parametrize("role", get_args(Role))
async def test_whoever_has_an_account_is_told_who_they_are(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer, role: Role
) -> None:
    async with db.transaction() as session:
        account = await account_for(session, vault, role, "泗阳合作社")
    me = (await client.get("/v1/me", headers=bearer(signer, role, account.id))).json()
    assert me == {"account_id": str(account.id), "role": role, "name": "泗阳合作社", "phone": None}


async def test_a_token_of_nobody_or_of_the_past_is_refused(client: httpx.AsyncClient, signer: Signer) -> None:
    ended = signer.sign(uuid4(), "citizen", timedelta(seconds=-1))
    for headers in ({}, bearer(signer), {"Authorization": f"Bearer {ended}"}):
        answer = await client.get("/v1/me", headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def sign_in(client: httpx.AsyncClient, sms: Phones, phone: str, role: str) -> httpx.Response:
    assert (await client.post("/v1/auth/otp", json={"phone": phone})).status_code == 202
    form = {"grant_type": "otp", "phone": phone, "code": sms.last_code(), "role": role}
    return await client.post("/v1/auth/token", data=form)


@pytest.mark.parametrize("role", get_args(Role))
async def test_a_phone_alone_opens_an_account_of_the_people_and_no_office(
    client: httpx.AsyncClient, sms: Phones, db: Database, role: Role
) -> None:
    answer = await sign_in(client, sms, "13800000000", role)
    if role in OPENED_BY_PHONE:
        token = answer.json()
        me = (await client.get("/v1/me", headers={"Authorization": f"Bearer {token['access_token']}"})).json()
        assert (me["role"], me["name"], me["phone"]) == (role, "", "138****0000")
        assert (token["token_type"], token["expires_in"]) == ("Bearer", 900)
    else:
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/role-not-open")
        assert await told(db) == []


@pytest.mark.parametrize(
    ("form", "status", "slug", "oauth"),
    [
        ({"grant_type": "password"}, 400, "unsupported-grant-type", "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid-refresh-token", "invalid_grant"),
        ({"grant_type": "refresh_token"}, 400, "invalid-request", "invalid_request"),
        ({"grant_type": "client_credentials"}, 401, "invalid-client", "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "a\0"}, 400, "invalid-request", "invalid_request"),
        ({"grant_type": "otp", "phone": "13800000000", "code": "000000"}, 400, "invalid-grant", "invalid_grant"),
        ({"grant_type": "otp", "phone": "13800000000"}, 400, "invalid-request", "invalid_request"),
        ({"grant_type": "otp", "code": "000000"}, 400, "invalid-request", "invalid_request"),
        ({"grant_type": "otp", "phone": "12", "code": "1"}, 400, "invalid-request", "invalid_request"),
        (
            {"grant_type": "otp", "phone": "13800000000", "code": "1", "role": "king"},
            400,
            "invalid-request",
            "invalid_request",
        ),
        ({}, 400, "invalid-request", "invalid_request"),
    ],
)
async def test_every_refusal_has_its_name_in_both_languages(
    client: httpx.AsyncClient, form: dict[str, str], status: int, slug: str, oauth: str | None
) -> None:
    titles = set()
    for language in ("zh-CN", "en"):
        answer = await client.post("/v1/auth/token", data=form, headers={"Accept-Language": language})
        assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}"), answer.text
        assert answer.headers["content-language"] == language
        assert answer.json().get("error") == oauth
        titles.add(answer.json()["title"])
        assert "13800000000" not in answer.text
    assert len(titles) == 2


async def test_a_form_without_its_grant_type_names_the_field(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/auth/token", data={"phone": "13800000000"})
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == ["#/grant_type"]
    as_json = await client.post("/v1/auth/token", json={"grant_type": "otp"})
    assert as_json.status_code == 415
    assert "application/x-www-form-urlencoded" in as_json.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"phone": None},
        {"phone": 13800000000},
        {"phone": "12345"},
        {"phone": "1" * 41},
        {"phone": "+86 10086"},
        {"phone": "13800000000", "role": "citizen"},
        {"phone": "13800000000\x00"},
    ],
)
async def test_a_request_for_a_code_that_is_wrong_names_its_field_and_sends_nothing(
    client: httpx.AsyncClient, sms: Phones, body: dict[str, Any]
) -> None:
    answer = await client.post("/v1/auth/otp", json=body)
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert (answer.status_code, pointers) == (422, {"#/role"} if "role" in body else {"#/phone"})
    assert sms.sent == []
    for value in body.values():
        assert value is None or value == "citizen" or str(value) not in answer.text


async def test_a_clients_token_lasts_an_hour_and_a_second_secret_does_not_end_the_first(
    client: httpx.AsyncClient, db: Database, vault: Vault
) -> None:
    credentials = []
    for _ in range(2):
        async with db.transaction() as session:
            credentials.append(await create_for(session, vault, "platform", "拼好货"))
    for client_id, secret in credentials:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        answer = await client.post("/v1/auth/token", data=form)
        assert (answer.status_code, answer.json()["expires_in"]) == (200, 3600)
        assert answer.headers["cache-control"] == "no-store"
    assert len(await told(db)) == 1


async def test_the_answers_of_signing_in_repeat_neither_code_nor_number(client: httpx.AsyncClient, sms: Phones) -> None:
    asked = await client.post("/v1/auth/otp", json={"phone": "138 0000 0000"})
    assert asked.json() == {"retry_after_s": 60}
    assert sms.sent[0][0] == "+8613800000000"
    assert sms.last_code() not in asked.text
    assert len(sms.last_code()) == 6


@pytest.mark.parametrize("path", ["/board?q=%00", "/v1/produce?q=%00", "/v1/places?q=%00"])
async def test_a_nul_is_no_failure_of_ours_anywhere(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code in {422, 503}


async def test_a_name_that_another_of_the_role_goes_by_is_refused_and_the_change_is_told_without_it(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer
) -> None:
    async with db.transaction() as session:
        mine = await account_for(session, vault, "producer", "泗阳合作社")
        await account_for(session, vault, "producer", "宿迁合作社")
    headers = {**bearer(signer, "producer", mine.id), "If-Match": "*"}
    taken = await client.patch("/v1/me", headers=headers, json={"name": "宿迁合作社"})
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/name-taken")
    same = await client.patch("/v1/me", headers=headers, json={"name": "泗阳合作社"})
    assert (same.status_code, same.headers["etag"]) == (200, '"1"')
    renamed = await client.patch("/v1/me", headers=headers, json={"name": "新泗阳合作社"})
    assert (renamed.json()["name"], renamed.headers["etag"]) == ("新泗阳合作社", '"2"')
    assert (await told(db))[2:] == [AccountChanged(account_id=mine.id, version=2, role="producer")]
    async with db.transaction() as session:
        assert (await account_for(session, vault, "producer", "新泗阳合作社")).id == mine.id


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": "  "}, {"name": "x" * 201}, {"name": "a\x00"}, {"name": None}]
)
async def test_a_name_that_is_none_names_the_field(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer, body: dict[str, Any]
) -> None:
    async with db.transaction() as session:
        mine = await account_for(session, vault, "producer", "泗阳合作社")
    headers = {**bearer(signer, "producer", mine.id), "If-Match": "*"}
    answer = await client.patch("/v1/me", headers=headers, json=body)
    assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, ["#/name"])
