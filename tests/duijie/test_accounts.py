"""Accounts and tokens from the command line, of the gateway that the environment tells of."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from chassis.auth import LocalKeys, verify
from chassis.vault import new_vault_key
from duijie.accounts import new_client, token_of
from duijie.postgres import EmbeddedPostgres
from duijie.problems import SettingMissing
from gateway.accounts.models import Account
from gateway.tokens import Signer, new_signing_key
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
        client_id, secret = await new_client(None, "admin", "operations")
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
        await new_client(None, "admin", "operations")


async def test_a_key_that_is_none_is_one_sentence(told: pytest.MonkeyPatch) -> None:
    told.setenv("DUIJIE_GATEWAY_DATABASE_URL", "postgresql+asyncpg://nobody@127.0.0.1:1/gateway")
    told.setenv("DUIJIE_GATEWAY_PERSONAL_DATA_KEY", "short")
    with pytest.raises(SettingMissing, match="can't be used"):
        await new_client(None, "admin", "operations")
