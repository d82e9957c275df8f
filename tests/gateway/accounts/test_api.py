"""Signing in over HTTP, and what of a person ever leaves."""

import io
import sys
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest

from chassis.db import Database
from chassis.tables import OUTBOX
from chassis.telemetry import configure_logging
from chassis.vault import Vault
from gateway.accounts import service
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


async def test_the_answer_is_the_same_for_a_known_and_an_unknown_phone(client: httpx.AsyncClient, sms: Phones) -> None:
    await sign_in(client, sms)
    known = await client.post("/v1/auth/otp", json={"phone": PHONE})
    unknown = await client.post("/v1/auth/otp", json={"phone": "13900000000"})
    assert known.status_code == unknown.status_code == 202
    assert known.content == unknown.content


async def test_a_machine_signs_in_by_form_and_by_http_basic(
    client: httpx.AsyncClient, db: Database, vault: Vault
) -> None:
    async with db.transaction() as session:
        client_id, secret = await service.create_client(session, vault, "carrier", "顺达物流")
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


async def test_a_form_that_can_not_be_read_is_an_invalid_request(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await client.post("/v1/auth/token", content=b"--b\r\nno header--b--\r\n", headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_wrong_code_says_so_in_the_readers_language(client: httpx.AsyncClient) -> None:
    form = {"grant_type": "otp", "phone": PHONE, "code": "000000"}
    answer = await client.post("/v1/auth/token", data=form, headers={"Accept-Language": "zh-CN"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert answer.json()["title"] == "验证码无效"


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
    assert set(claims) == {"iss", "aud", "sub", "role", "iat", "exp"}


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
