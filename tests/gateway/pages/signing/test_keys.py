"""Signing in on the pages with a key: for whoever has no phone here, by the checks of `/v1/auth/token`."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update
from structlog.testing import capture_logs

from chassis.db import Database
from chassis.vault import Vault
from contracts.accounts import Role
from gateway.accounts import hashing
from gateway.app import create_gateway
from gateway.clients.service import create_for, revoke_any, rotate_any
from gateway.limits import SIGN_IN
from gateway.pages.cookies import ACCESS, SESSION
from gateway.sessions.models import Session
from gateway.tokens import FOR_MACHINES, FOR_PEOPLE, Lives, Signer
from tests.gateway.support import bearer, slow
from tests.support.services import client_of

Credentials = dict[str, str]


async def a_key(db: Database, vault: Vault, role: Role = "programme_officer") -> Credentials:
    async with db.transaction() as session:
        client_id, secret = await create_for(session, vault, role, "张经办")
    return {"client_id": client_id, "client_secret": secret}


@pytest.fixture
async def key(db: Database, vault: Vault) -> Credentials:
    return await a_key(db, vault)


async def enter(client: httpx.AsyncClient, key: Credentials, to: str = "") -> httpx.Response:
    answer = await client.post("/sign-in/key", data={**key, "to": to})
    assert answer.status_code == 303, answer.text
    return answer


async def is_in(client: httpx.AsyncClient) -> bool:
    return 'action="/sign-out"' in (await client.get("/docs")).text


async def test_a_key_lets_its_account_in_and_leads_to_where_its_work_is(
    client: httpx.AsyncClient, key: Credentials
) -> None:
    asked = await client.get("/sign-in?next=/docs&lang=en")
    assert '/sign-in/key?next=%2Fdocs&amp;lang=en"' in asked.text
    form = await client.get("/sign-in/key?next=/docs")
    assert (form.status_code, 'name="to" value="/docs"' in form.text) == (200, True)
    answer = await enter(client, key, "/docs")
    assert answer.headers["location"] == "/docs"
    told = {each.partition("=")[0]: each for each in answer.headers.get_list("set-cookie")}
    assert told.keys() == {ACCESS, SESSION}
    assert all({"HttpOnly", "SameSite=Lax"} <= set(each.split("; ")) for each in told.values())
    assert "Max-Age=900" in told[ACCESS]
    assert "Max-Age=86400" in told[SESSION]
    assert (await client.get("/welcome")).headers["location"] == "/programmes"
    assert (await enter(client, key)).headers["location"] == "/welcome"


async def test_blanks_around_what_was_pasted_do_no_harm(client: httpx.AsyncClient, key: Credentials) -> None:
    await enter(client, {name: f" {value}\n" for name, value in key.items()})
    assert await is_in(client)


@pytest.mark.parametrize(
    "wrong",
    [{"client_secret": "geheim-1"}, {"client_id": "dj_unknown"}, {"client_id": ""}],
    ids=["wrong secret", "unknown", "no id"],
)
async def test_an_unknown_key_and_a_wrong_secret_are_told_the_same(
    client: httpx.AsyncClient, key: Credentials, monkeypatch: pytest.MonkeyPatch, wrong: Credentials
) -> None:
    compared: list[str | None] = []
    matches = hashing.matches

    async def counted(hashed: str | None, secret: str) -> bool:
        compared.append(secret)
        return await matches(hashed, secret)

    monkeypatch.setattr(hashing, "matches", counted)
    tried = key | wrong
    with capture_logs() as logs:
        refused = await client.post("/sign-in/key?lang=en", data=tried)
    assert refused.status_code == 401
    assert "The client_id or the client_secret is wrong." in refused.text
    assert "www-authenticate" not in refused.headers, "a browser would ask by a window of its own"
    assert compared == [tried["client_secret"]], "each costs the time of a comparison"
    assert f'value="{tried["client_id"]}"' in refused.text
    assert tried["client_secret"] not in refused.text
    assert tried["client_secret"] not in str(logs)
    assert SESSION not in client.cookies
    assert not await is_in(client)


@pytest.mark.parametrize("secret", ["x" * 201, "a\0b"])
async def test_what_no_secret_can_be_is_said_on_the_form_and_not_shown_again(
    client: httpx.AsyncClient, key: Credentials, secret: str
) -> None:
    refused = await client.post("/sign-in/key", data=key | {"client_secret": secret})
    assert (refused.status_code, secret in refused.text) == (422, False)
    assert 'role="alert"' in refused.text


async def test_no_other_site_signs_a_reader_in(client: httpx.AsyncClient, key: Credentials) -> None:
    answer = await client.post("/sign-in/key", data=key, headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, SESSION in client.cookies) == (403, False)


async def test_a_revoked_key_is_out_at_once_though_its_token_lasts_on(
    client: httpx.AsyncClient, db: Database, key: Credentials
) -> None:
    await enter(client, key)
    assert await is_in(client)
    async with db.transaction() as session:
        await revoke_any(session, key["client_id"])
    assert not await is_in(client)
    assert SESSION not in client.cookies
    assert (await client.get("/programmes")).headers["location"] == "/sign-in?next=%2Fprogrammes"


async def test_so_is_a_rotated_one_and_the_new_secret_lets_in_again(
    client: httpx.AsyncClient, db: Database, key: Credentials
) -> None:
    await enter(client, key)
    async with db.transaction() as session:
        secret = await rotate_any(session, key["client_id"])
    assert not await is_in(client)
    assert (await client.post("/sign-in/key", data=key)).status_code == 401
    await enter(client, key | {"client_secret": secret})
    assert await is_in(client)


async def test_while_the_sessions_cant_be_read_a_sound_token_is_good(
    client: httpx.AsyncClient, key: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enter(client, key)

    async def lost(*_: Any) -> bool:
        raise ConnectionError

    monkeypatch.setattr("gateway.sessions.service.lasts", lost)
    with capture_logs() as logs:
        assert await is_in(client)
    assert [each["event"] for each in logs if each["log_level"] == "warning"] == ["session_not_read"]


async def test_what_a_key_let_in_is_listed_with_it_and_makes_no_keys(
    client: httpx.AsyncClient, db: Database, vault: Vault
) -> None:
    key = await a_key(db, vault, "platform")
    await enter(client, key)
    by_cookie = {"Authorization": f"Bearer {client.cookies[ACCESS]}"}
    (shown,) = (await client.get("/v1/me/sessions", headers=by_cookie)).json()["items"]
    assert (shown["client_id"], shown["current"]) == (key["client_id"], True)
    assert key["client_id"] in (await client.get("/account")).text
    refused = await client.post("/v1/clients", headers=by_cookie)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/person-needed")


async def is_renewed(client: httpx.AsyncClient) -> bool:
    before = client.cookies[SESSION]
    await client.get("/docs")
    return client.cookies.get(SESSION, before) != before


class TestRenewal:
    """With access tokens that are over at once: every page renews them, or forgets a session that has ended."""

    @pytest.fixture
    async def client(self, db: Database, signer: Signer, vault: Vault) -> Any:
        short = Lives(timedelta(seconds=-1), FOR_PEOPLE.idle, FOR_PEOPLE.whole)
        async with client_of(create_gateway(db, signer, vault, {}, for_people=short)) as client:
            yield client

    async def test_a_page_renews_what_a_key_began_there_without_its_secret(
        self, client: httpx.AsyncClient, key: Credentials
    ) -> None:
        await enter(client, key)
        for _ in range(3):
            assert await is_renewed(client)

    async def test_the_api_renews_it_for_nobody_who_has_not_the_secret(
        self, client: httpx.AsyncClient, key: Credentials
    ) -> None:
        await enter(client, key)
        form = {"grant_type": "refresh_token", "refresh_token": client.cookies[SESSION]}
        assert (await client.post("/v1/auth/token", data=form)).json()["error"] == "invalid_client"
        assert (await client.post("/v1/auth/token", data=form | key)).status_code == 200

    async def test_a_programs_refresh_token_is_no_cookie(self, client: httpx.AsyncClient, key: Credentials) -> None:
        form = {"grant_type": "client_credentials", **key}
        stolen = (await client.post("/v1/auth/token", data=form)).json()["refresh_token"]
        client.cookies.set(SESSION, stolen)
        assert not await is_renewed(client)

    async def test_it_ends_as_a_machines_does(self, client: httpx.AsyncClient, db: Database, key: Credentials) -> None:
        await enter(client, key)
        async with db.transaction() as session:
            older = Session.created_at - (FOR_MACHINES.whole - timedelta(hours=1))
            await session.execute(update(Session).values(created_at=older))
        assert await is_renewed(client)
        async with db.reading() as session:
            left = await session.scalar(select(Session.expires_at - func.now()))
        assert left is not None
        assert timedelta(minutes=59) < left <= timedelta(hours=1)


async def test_tries_are_braked_as_those_of_the_api_are_with_or_without_an_account(
    db: Database, signer: Signer, vault: Vault, key: Credentials
) -> None:
    async with client_of(create_gateway(db, signer, vault, {}, limits=slow)) as client:
        wrong = key | {"client_secret": "wrong"}
        tried = [await client.post("/sign-in/key", data=wrong, headers=bearer(signer)) for _ in range(SIGN_IN.burst)]
        assert {each.status_code for each in tried} == {401}
        for path in ("/sign-in/key", "/sign-in/code", "/sign-in", "/v1/auth/token"):
            assert (await client.post(path, data=key)).status_code == 429, path
        assert (await client.get("/sign-in/key")).status_code == 200
