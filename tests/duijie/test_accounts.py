"""Accounts and tokens from the command line, of the gateway that the environment tells of."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from chassis.auth import LocalKeys, verify
from chassis.vault import Vault, new_vault_key
from duijie.accounts import known_clients, new_client_beside, revoke, rotate, token_of
from duijie.postgres import EmbeddedPostgres
from duijie.problems import NoSuchClient, SettingMissing
from gateway.accounts.console import print_code
from gateway.accounts.models import Account
from gateway.accounts.service import SignIn
from gateway.oauth import OAuthError
from gateway.sessions.schemas import TokenForm
from gateway.sessions.service import grant
from gateway.tokens import FOR_MACHINES, FOR_PEOPLE, Signer, new_signing_key
from tests.support.services import service_database

KEY, PERSONAL = new_signing_key(), new_vault_key()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("DUIJIE_GATEWAY_SIGNING_KEY", KEY)
    monkeypatch.setenv("DUIJIE_GATEWAY_PERSONAL_DATA_KEY", PERSONAL)
    for service in ("LISTING", "MATCHING", "LOGISTICS"):
        monkeypatch.setenv(f"DUIJIE_GATEWAY_{service}_URL", "http://127.0.0.1:1")
    return monkeypatch


async def test_the_first_account_is_made_where_the_environment_says(
    told: pytest.MonkeyPatch, postgres: EmbeddedPostgres
) -> None:
    async with service_database(postgres, "gateway") as db:
        told.setenv("DUIJIE_GATEWAY_DATABASE_URL", db.engine.url.render_as_string(hide_password=False))
        (client_id, secret), _ = await new_client_beside(None, "admin", "operations")
        token = await token_of(None, "admin", "operations", timedelta(minutes=1))
        async with db.reading() as session:
            accounts = await session.scalar(select(func.count()).select_from(Account))
    caller = await verify(token, LocalKeys(Signer.from_pem(KEY).jwks))
    assert (caller.role, accounts) == ("admin", 1)
    assert client_id
    assert secret


async def test_told_too_little_it_names_the_variable(told: pytest.MonkeyPatch) -> None:
    told.delenv("DUIJIE_GATEWAY_DATABASE_URL", raising=False)
    with pytest.raises(SettingMissing, match="DUIJIE_GATEWAY_DATABASE_URL"):
        await new_client_beside(None, "admin", "operations")


async def test_a_key_that_is_none_is_one_sentence(told: pytest.MonkeyPatch) -> None:
    told.setenv("DUIJIE_GATEWAY_DATABASE_URL", "postgresql+asyncpg://nobody@127.0.0.1:1/gateway")
    told.setenv("DUIJIE_GATEWAY_PERSONAL_DATA_KEY", "short")
    with pytest.raises(SettingMissing, match="can't be used"):
        await new_client_beside(None, "admin", "operations")


async def test_a_client_is_listed_given_another_secret_and_taken_back(
    told: pytest.MonkeyPatch, postgres: EmbeddedPostgres
) -> None:
    async with service_database(postgres, "gateway") as db:
        told.setenv("DUIJIE_GATEWAY_DATABASE_URL", db.engine.url.render_as_string(hide_password=False))
        (client_id, old), _ = await new_client_beside(None, "platform", "拼好货")
        known = await known_clients(None)
        listed = [(each.client_id, each.role, each.name) for each in known]
        token = await token_of(None, "platform", "拼好货", timedelta(minutes=1))
        caller = await verify(token, LocalKeys(Signer.from_pem(KEY).jwks))
        assert [each.account_id for each in known] == [caller.account_id]
        assert listed == [(client_id, "platform", "拼好货")]
        desk = SignIn(Vault.from_base64(PERSONAL), Signer.from_pem(KEY), print_code, FOR_PEOPLE, FOR_MACHINES)
        signed_in = await grant(db, desk, credentials(client_id, old))
        new = await rotate(None, client_id)
        for form in (credentials(client_id, old), TokenForm.model_validate(renewing(signed_in.refresh_token))):
            with pytest.raises(OAuthError):
                await grant(db, desk, form)
        signed_in = await grant(db, desk, credentials(client_id, new))
        await revoke(None, client_id)
        for form in (credentials(client_id, new), TokenForm.model_validate(renewing(signed_in.refresh_token))):
            with pytest.raises(OAuthError):
                await grant(db, desk, form)
        assert await known_clients(None) == []
        for act in (rotate, revoke):
            with pytest.raises(NoSuchClient, match=client_id):
                await act(None, client_id)


def credentials(client_id: str, secret: str) -> TokenForm:
    return TokenForm(grant_type="client_credentials", client_id=client_id, client_secret=secret)


def renewing(token: str) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": token}
