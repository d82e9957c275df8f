"""Signing in over HTTP, and what of a person ever leaves."""

import io
import re
import sys
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest
from sqlalchemy import text

from chassis.db import Database
from chassis.tables import OUTBOX
from chassis.telemetry import configure_logging
from chassis.vault import Vault
from gateway.clients.service import create_for
from gateway.tokens import Signer
from tests.gateway.support import Phones, bearer

PHONE = "13812345678"


async def sign_in(client: httpx.AsyncClient, sms: Phones, phone: str = PHONE, **more: str) -> httpx.Response:
    await client.post("/v1/auth/otp", json={"phone": phone})
    form = {"grant_type": "otp", "phone": phone, "code": sms.last_code(), **more}
    return await client.post("/v1/auth/token", data=form)


async def test_a_person_signs_in_and_sees_a_masked_phone(client: httpx.AsyncClient, sms: Phones) -> None:
    answer = await sign_in(client, sms, role="group_leader")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    token = answer.json()
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 900)
    me = await client.get("/v1/me", headers={"Authorization": f"Bearer {token['access_token']}"})
    account_id = me.json()["account_id"]
    assert me.json() == {"account_id": account_id, "role": "group_leader", "name": "", "phone": "138****5678"}


async def test_the_answer_is_the_same_for_a_known_and_an_unknown_phone(
    client: httpx.AsyncClient, db: Database, sms: Phones
) -> None:
    await sign_in(client, sms)
    async with db.transaction() as session:
        await session.execute(text("UPDATE codes SET sent_at = sent_at - interval '61 s'"))
    phones = (PHONE, "13900000000")
    known, unknown = [await client.post("/v1/auth/otp", json={"phone": phone}) for phone in phones]
    assert known.status_code == unknown.status_code == 202
    assert known.content == unknown.content
    async with db.transaction() as session:  # both at one moment
        await session.execute(text("UPDATE codes SET sent_at = now() - interval '20 s'"))
    known, unknown = [await client.post("/v1/auth/otp", json={"phone": phone}) for phone in phones]
    assert known.status_code == unknown.status_code == 429
    assert known.json().keys() == unknown.json().keys()
    assert abs(known.json()["retry_after_s"] - unknown.json()["retry_after_s"]) <= 5


@pytest.mark.parametrize(
    ("language", "title"), [("zh-CN", "验证码发送过于频繁"), ("en", "A code was sent not long ago")]
)
async def test_a_second_code_at_once_is_refused_with_how_long_to_wait_and_the_first_is_good(
    client: httpx.AsyncClient, sms: Phones, language: str, title: str
) -> None:
    await client.post("/v1/auth/otp", json={"phone": PHONE})
    refused = await client.post("/v1/auth/otp", json={"phone": PHONE}, headers={"Accept-Language": language})
    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-codes")
    assert refused.json()["title"] == title
    assert 0 < int(refused.headers["retry-after"]) == refused.json()["retry_after_s"] <= 60
    assert str(refused.json()["retry_after_s"]) in refused.json()["detail"]
    assert len(sms.sent) == 1
    form = {"grant_type": "otp", "phone": PHONE, "code": sms.last_code()}
    assert (await client.post("/v1/auth/token", data=form)).status_code == 200


async def test_a_machine_signs_in_by_form_and_by_http_basic(
    client: httpx.AsyncClient, db: Database, vault: Vault
) -> None:
    async with db.transaction() as session:
        client_id, secret = await create_for(session, vault, "carrier", "顺达物流")
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    basic = {"Authorization": f"Basic {b64encode(f'{client_id}:{secret}'.encode()).decode()}"}
    by_form = await client.post("/v1/auth/token", data=form)
    by_basic = await client.post("/v1/auth/token", data={"grant_type": "client_credentials"}, headers=basic)
    for answer in (by_form, by_basic):
        assert answer.status_code == 200
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        me = (await client.get("/v1/me", headers=headers)).json()
        assert (me["role"], me["name"], me["phone"]) == ("carrier", "顺达物流", None)


@pytest.mark.parametrize("basic", ["***", b64encode(b"\xff\xfe").decode(), b64encode(b"a\0:b").decode(), ""])
async def test_malformed_basic_credentials_are_an_unknown_client(client: httpx.AsyncClient, basic: str) -> None:
    answer = await client.post(
        "/v1/auth/token", data={"grant_type": "client_credentials"}, headers={"Authorization": f"Basic {basic}"}
    )
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert answer.headers["www-authenticate"] == 'Basic realm="duijie"', "without a realm some clients don't read it"


async def test_a_form_that_can_not_be_read_is_an_invalid_request(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await client.post("/v1/auth/token", content=b"--b\r\nno header--b--\r\n", headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_wrong_code_says_so_in_the_readers_language(client: httpx.AsyncClient) -> None:
    form = {"grant_type": "otp", "phone": PHONE, "code": "000000"}
    answer = await client.post("/v1/auth/token", data=form, headers={"Accept-Language": "zh-CN"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert answer.json()["title"] == "验证码无效"


DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")
"""RFC 6749, 5.2."""


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize(
    ("form", "status", "slug", "error"),
    [
        ({}, 400, "invalid-request", "invalid_request"),
        ({"grant_type": "otp"}, 400, "invalid-request", "invalid_request"),
        ({"grant_type": "otp", "phone": "1", "code": "x"}, 400, "invalid-request", "invalid_request"),
        ({"grant_type": "otp", "phone": PHONE, "code": "x", "role": "king"}, 400, "invalid-request", "invalid_request"),
        ({"grant_type": "otp", "phone": PHONE, "code": "000"}, 400, "invalid-grant", "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid-refresh-token", "invalid_grant"),
        ({"grant_type": "client_credentials"}, 401, "invalid-client", "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported-grant-type", "unsupported_grant_type"),
        ("{}", 415, "unsupported-media-type", "invalid_request"),
        ("x" * 300_000, 413, "too-large", "invalid_request"),
    ],
)
async def test_every_problem_of_a_token_is_told_as_oauth_clients_know_it(
    client: httpx.AsyncClient, form: dict[str, str] | str, status: int, slug: str, error: str, language: str
) -> None:
    sent: dict[str, Any] = {"data": form} if isinstance(form, dict) else {"content": form}
    answer = await client.post("/v1/auth/token", **sent, headers={"Accept-Language": language})
    told = answer.json()
    assert (answer.status_code, told["type"], told["error"]) == (status, f"/problems/{slug}", error)
    assert told.keys() >= {"title", "status", "detail"}
    assert DESCRIPTION.fullmatch(told["error_description"])
    for each in told.get("errors", ()):
        assert each["pointer"] in told["error_description"]


@pytest.mark.parametrize("role", ["supervisor", "admin", "programme_officer"])
async def test_a_role_that_people_may_not_choose_says_which_they_may(
    client: httpx.AsyncClient, sms: Phones, role: str
) -> None:
    answer = await sign_in(client, sms, role=role)
    told = answer.json()
    assert (answer.status_code, told["type"], told["error"]) == (403, "/problems/role-not-open", "unauthorized_client")
    assert "agent, citizen, group_leader, producer" in told["detail"]
    assert told["error_description"] == told["detail"]


async def test_a_phone_of_another_role_says_so_to_oauth_clients_too(
    client: httpx.AsyncClient, db: Database, sms: Phones
) -> None:
    await sign_in(client, sms, role="producer")
    async with db.transaction() as session:
        await session.execute(text("UPDATE codes SET sent_at = sent_at - interval '61 s'"))
    told = (await sign_in(client, sms, role="agent")).json()
    assert (told["status"], told["type"], told["error"]) == (409, "/problems/another-role", "invalid_request")


@pytest.mark.parametrize("body", [{"phone": "1"}, {"phone": 13812345678}, {}, {"phone": PHONE, "more": 1}])
async def test_a_body_that_is_wrong_is_422(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await client.post("/v1/auth/otp", json=body)).status_code == 422


async def test_me_needs_a_token_of_a_known_account(client: httpx.AsyncClient, signer: Signer) -> None:
    assert (await client.get("/v1/me")).status_code == 401
    assert (await client.get("/v1/me", headers=bearer(signer))).status_code == 401


async def test_the_published_keys_verify_an_issued_token(client: httpx.AsyncClient, sms: Phones) -> None:
    token = (await sign_in(client, sms)).json()["access_token"]
    published = jwt.PyJWKSet.from_dict((await client.get("/.well-known/jwks.json")).json())
    kid = jwt.get_unverified_header(token)["kid"]
    claims = jwt.decode(token, published[kid].key, algorithms=["EdDSA"], audience="duijie", issuer="duijie")
    assert set(claims) == {"iss", "aud", "sub", "role", "iat", "exp", "sid"}


@pytest.fixture
def heard_logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that is logged, as a service logs it."""
    heard = io.StringIO()
    monkeypatch.setattr(sys, "stderr", heard)
    configure_logging("DEBUG")
    yield heard
    configure_logging()


async def test_a_phone_goes_in_and_never_comes_out(
    client: httpx.AsyncClient, db: Database, sms: Phones, heard_logs: io.StringIO
) -> None:
    canary = "13987654321"
    answers = [
        await sign_in(client, sms, canary),
        await client.post("/v1/auth/token", data={"grant_type": "otp", "phone": canary, "code": "x"}),
        await client.post("/v1/auth/token", data={"grant_type": "otp", "phone": f"{canary}9", "code": "x"}),
        await client.post("/v1/auth/otp", json={"phone": f"{canary}0"}),
        await client.post("/v1/auth/otp", json={"phone": {"number": canary}}),
        await client.post("/v1/auth/otp", content=f'{{"phone": "{canary}"'.encode()),
        await client.get("/metrics"),
    ]
    sms.down = True
    answers.append(await client.post("/v1/auth/otp", json={"phone": "13987654320"}))
    assert answers[-1].status_code == 503
    async with db.reading() as session:
        events = (await session.execute(OUTBOX.select())).all()
    assert len(events) == 1
    assert "code_not_sent" in heard_logs.getvalue()
    said = "".join([*(answer.text + str(answer.headers) for answer in answers), str(events), heard_logs.getvalue()])
    assert "1398765432" not in said
