"""Keys of one's own account: made, rotated and revoked by a person, and by nothing that a key let in."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest
from sqlalchemy import text

from chassis.db import Database
from chassis.vault import Vault
from contracts.accounts import Role
from gateway.accounts import hashing
from gateway.accounts.models import Account
from gateway.accounts.service import SignIn, account_for
from gateway.app import create_gateway
from gateway.clients.models import CLIENTS_MAX
from gateway.limits import SIGN_IN
from gateway.sessions import service as sessions
from gateway.tokens import Signer
from tests.gateway.support import Phones, bearer, slow
from tests.support.services import client_of


async def opened(db: Database, vault: Vault, role: Role = "platform", name: str = "拼好货") -> Account:
    async with db.transaction() as session:
        return await account_for(session, vault, role, name)


@pytest.fixture
async def person(db: Database, vault: Vault, desk: SignIn) -> dict[str, str]:
    """The headers of a platform's person who is signed in."""
    account = await opened(db, vault)
    async with db.transaction() as session:
        granted = await sessions.begin(session, desk, account.id)
    return {"Authorization": f"Bearer {granted.token}"}


async def made(client: httpx.AsyncClient, headers: dict[str, str]) -> dict[str, str]:
    answer = await client.post("/v1/clients", headers=headers)
    assert answer.status_code == 201, answer.text
    credentials: dict[str, str] = answer.json()
    return credentials


async def token(client: httpx.AsyncClient, credentials: dict[str, str]) -> httpx.Response:
    return await client.post("/v1/auth/token", data={"grant_type": "client_credentials", **credentials})


async def listed(client: httpx.AsyncClient, headers: dict[str, str]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await client.get("/v1/clients", headers=headers)).json()["items"]
    return items


async def test_a_key_signs_its_account_in_at_once_and_its_secret_is_shown_no_more(
    client: httpx.AsyncClient, person: dict[str, str]
) -> None:
    credentials = await made(client, person)
    assert (await listed(client, person))[0]["last_used_at"] is None
    granted = (await token(client, credentials)).json()
    me = (await client.get("/v1/me", headers={"Authorization": f"Bearer {granted['access_token']}"})).json()
    assert (me["role"], me["name"]) == ("platform", "拼好货")
    shown = await client.get("/v1/clients", headers=person)
    (key,) = shown.json()["items"]
    assert key["client_id"] == credentials["client_id"]
    assert key["last_used_at"] > key["created_at"]
    assert credentials["client_secret"] not in shown.text


async def test_a_double_tap_makes_one_key_and_shows_its_secret_both_times(
    client: httpx.AsyncClient, person: dict[str, str]
) -> None:
    once = person | {"Idempotency-Key": "tap"}
    assert await made(client, once) == await made(client, once)
    assert len(await listed(client, person)) == 1


async def test_a_rotated_keys_old_secret_and_what_it_let_in_are_good_no_more(
    client: httpx.AsyncClient, person: dict[str, str]
) -> None:
    old = await made(client, person)
    granted = (await token(client, old)).json()
    new = (await client.post(f"/v1/clients/{old['client_id']}/rotate", headers=person)).json()
    assert (await token(client, old)).status_code == 401
    let_in = {"Authorization": f"Bearer {granted['access_token']}"}
    assert (await client.get("/v1/me", headers=let_in)).status_code == 401
    renewal = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"], **new}
    assert (await client.post("/v1/auth/token", data=renewal)).status_code == 400
    assert (await token(client, new)).status_code == 200


@pytest.mark.parametrize("how", ["rotate", "revoke"])
async def test_a_key_that_is_taken_back_while_its_secret_is_checked_lets_nobody_in(
    client: httpx.AsyncClient, person: dict[str, str], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    key = await made(client, person)
    granted = (await token(client, key)).json()
    matches = hashing.matches

    async def slow(secret_hash: str | None, secret: str) -> bool:
        good = await matches(secret_hash, secret)
        of_it = f"/v1/clients/{key['client_id']}"
        method, path = ("POST", f"{of_it}/rotate") if how == "rotate" else ("DELETE", of_it)
        await client.request(method, path, headers=person)
        return good

    monkeypatch.setattr(hashing, "matches", slow)
    assert (await token(client, key)).status_code == 401
    renewal = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"], **key}
    assert (await client.post("/v1/auth/token", data=renewal)).status_code in {400, 401}
    let_in = {"Authorization": f"Bearer {granted['access_token']}"}
    assert (await client.get("/v1/me", headers=let_in)).status_code == 401


async def test_a_revoked_key_lets_nobody_in(client: httpx.AsyncClient, person: dict[str, str]) -> None:
    credentials = await made(client, person)
    let_in = {"Authorization": f"Bearer {(await token(client, credentials)).json()['access_token']}"}
    revoked = await client.delete(f"/v1/clients/{credentials['client_id']}", headers=person)
    assert revoked.json()["client_id"] == credentials["client_id"]
    assert (await token(client, credentials)).status_code == 401
    assert (await client.get("/v1/me", headers=let_in)).status_code == 401
    assert await listed(client, person) == []


async def test_what_a_key_let_in_reads_keys_and_manages_none(client: httpx.AsyncClient, person: dict[str, str]) -> None:
    credentials = await made(client, person)
    machine = {"Authorization": f"Bearer {(await token(client, credentials)).json()['access_token']}"}
    of_it = f"/v1/clients/{credentials['client_id']}"
    for method, path in (("POST", "/v1/clients"), ("POST", f"{of_it}/rotate"), ("DELETE", of_it)):
        refused = await client.request(method, path, headers=machine)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/person-needed")
    assert len(await listed(client, machine)) == 1


async def test_who_signed_out_makes_no_key_with_the_token_that_was_left(
    client: httpx.AsyncClient, person: dict[str, str]
) -> None:
    await client.delete("/v1/me/sessions", headers=person)
    assert (await client.post("/v1/clients", headers=person)).status_code == 401


async def test_a_session_over_its_time_makes_no_key_though_nobody_has_swept_it_yet(
    client: httpx.AsyncClient, db: Database, person: dict[str, str]
) -> None:
    async with db.transaction() as session:
        await session.execute(text("UPDATE sessions SET expires_at = now() - interval '1 second'"))
    assert (await client.post("/v1/clients", headers=person)).json()["type"] == "/problems/person-needed"


async def test_a_token_that_says_not_where_it_came_from_manages_no_keys_and_an_operators_does(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer
) -> None:
    headers = bearer(signer, "platform", (await opened(db, vault)).id)
    claims = jwt.decode(headers["Authorization"].split()[1], options={"verify_signature": False})
    of_an_older_gateway = {name: value for name, value in claims.items() if name != "by"}
    key = signer._ring().signing
    unsaid = jwt.encode(of_an_older_gateway, key, "EdDSA", headers={"kid": signer.kid})
    refused = await client.post("/v1/clients", headers={"Authorization": f"Bearer {unsaid}"})
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/person-needed")
    assert (await client.get("/v1/me", headers={"Authorization": f"Bearer {unsaid}"})).status_code == 200
    await made(client, headers)


async def test_anothers_key_is_a_missing_one(
    client: httpx.AsyncClient, person: dict[str, str], db: Database, vault: Vault, signer: Signer
) -> None:
    key = (await made(client, person))["client_id"]
    stranger = bearer(signer, "carrier", (await opened(db, vault, "carrier", "顺丰")).id)
    for method, path in (("DELETE", ""), ("POST", "/rotate")):
        theirs = await client.request(method, f"/v1/clients/{key}{path}", headers=stranger)
        missing = await client.request(method, f"/v1/clients/dj_none{path}", headers=stranger)
        assert (theirs.status_code, missing.status_code) == (404, 404)
        assert theirs.json() == missing.json()


async def test_an_account_has_ten_keys_at_most(client: httpx.AsyncClient, person: dict[str, str]) -> None:
    for _ in range(CLIENTS_MAX):
        await made(client, person)
    refused = await client.post("/v1/clients", headers=person)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/too-many-clients")


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The secrets that were hashed, each at the cost of a seventh of a second."""
    secrets: list[str] = []

    async def hashed(secret: str) -> str:
        secrets.append(secret)
        return "hash"

    monkeypatch.setattr(hashing, "hashed", hashed)
    return secrets


@pytest.fixture
async def limited(db: Database, signer: Signer, vault: Vault, sms: Phones) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway whose buckets gain next to nothing while a test runs."""
    async with client_of(create_gateway(db, signer, vault, {}, send_code=sms.send, limits=slow)) as client:
        yield client


@pytest.mark.parametrize("path", ["/v1/clients", "/v1/clients/dj_none/rotate"])
async def test_a_burst_is_braked_before_its_secrets_are_hashed(
    limited: httpx.AsyncClient, person: dict[str, str], hashed: list[str], path: str
) -> None:
    for _ in range(SIGN_IN.burst):
        assert (await limited.post(path, headers=person)).status_code in {201, 404, 409}
    assert len(hashed) == SIGN_IN.burst
    refused = await limited.post(path, headers=person)
    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/rate-limited")
    assert len(hashed) == SIGN_IN.burst


async def test_what_a_key_let_in_has_nothing_hashed_and_keeps_no_person_from_rotating_it(
    limited: httpx.AsyncClient, person: dict[str, str], request: pytest.FixtureRequest
) -> None:
    leaked = await made(limited, person)
    thief = {"Authorization": f"Bearer {(await token(limited, leaked)).json()['access_token']}"}
    hashed: list[str] = request.getfixturevalue("hashed")
    for _ in range(SIGN_IN.burst + 1):
        assert (await limited.post("/v1/clients", headers=thief)).status_code == 403
    assert hashed == []
    assert (await limited.post(f"/v1/clients/{leaked['client_id']}/rotate", headers=person)).status_code == 200


async def test_a_key_does_not_prove_what_a_phone_has_to(client: httpx.AsyncClient, sms: Phones) -> None:
    await client.post("/v1/auth/otp", json={"phone": "13800000000"})
    form = {"grant_type": "otp", "phone": "13800000000", "code": sms.last_code(), "role": "group_leader"}
    granted = (await client.post("/v1/auth/token", data=form)).json()
    person = {"Authorization": f"Bearer {granted['access_token']}"}
    refused = await client.post("/v1/me/erase", json=await made(client, person), headers=person)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-proven")
