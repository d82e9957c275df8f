"""What the data folder keeps: secrets made once, every database at its newest version, accounts."""

from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from sqlalchemy import func, select, text

from chassis.auth import LocalKeys, verify
from chassis.db import Database
from duijie.accounts import known_clients, new_client_beside, token_of, token_of_known, tokens_of
from duijie.databases import DATABASES
from duijie.datafolder import DataFolder
from duijie.problems import CannotStart, FolderInUse, NoSuchAccount
from duijie.store import TRANSPORT_DATABASE, Secrets, database_of, database_server, webhook_vault
from gateway.accounts.models import Account
from tests.support.postgres import temporary_folder


def test_secrets_are_made_on_first_use_and_kept(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    first, again = Secrets.of(folder), Secrets.of(folder)
    assert first.signer.kid == again.signer.kid
    assert again.vault.open(first.vault.seal("草莓园", "name"), "name") == "草莓园"
    sealed = webhook_vault(folder).seal("whsec_x", "webhook")
    assert webhook_vault(folder).open(sealed, "webhook") == "whsec_x"
    other = DataFolder(tmp_path / "other")
    other.create()
    assert Secrets.of(other).signer.kid != first.signer.kid


async def test_every_service_has_its_database_at_the_newest_version_also_the_second_time() -> None:
    with temporary_folder() as parent:
        folder = DataFolder(parent / "data")
        folder.take()
        for _ in range(2):
            async with database_server(folder) as server:
                for name, database in DATABASES.items():
                    db = Database(server.url(name), source="/test")
                    async with db.reading() as session:
                        (version,) = (await session.execute(text("SELECT version_num FROM alembic_version"))).one()
                    await db.close()
                    assert version == max(file.name[:4] for file in database.folder.glob("[0-9]*.py"))
                assert TRANSPORT_DATABASE in server.url(TRANSPORT_DATABASE)
        folder.give_back()


async def test_accounts_are_made_once_by_role_and_name_and_their_tokens_are_sound() -> None:
    with temporary_folder() as parent:
        folder = DataFolder(parent / "data")
        token = await token_of(folder, "producer", "Siyang", timedelta(minutes=5))
        keys = LocalKeys(Secrets.of(folder).signer.jwks)
        caller = await verify(token, keys)
        assert caller.role == "producer"
        several = await tokens_of(folder, {("producer", "Siyang"), ("carrier", "Sufeng")}, timedelta(minutes=5))
        assert (await verify(several["Siyang"], keys)).account_id == caller.account_id
        assert (await verify(several["Sufeng"], keys)).role == "carrier"
        (client_id, secret), _ = await new_client_beside(folder, "producer", "Siyang")
        (another_id, _), _ = await new_client_beside(folder, "producer", "Siyang")
        assert client_id != another_id
        assert len(secret) >= 32
        lasting = jwt.decode(token, options={"verify_signature": False})
        assert lasting["exp"] - lasting["iat"] == 300


async def test_an_account_by_name_is_found_never_made() -> None:
    with temporary_folder() as parent:
        folder, life = DataFolder(parent / "data"), timedelta(minutes=5)
        with pytest.raises(CannotStart, match="There is no platform in"):
            await token_of_known(folder, "Siyang", None, life)
        with pytest.raises(CannotStart, match="There is no platform in"):
            await known_clients(folder)
        assert not folder.path.exists(), "who only looks makes nothing"
        await token_of(folder, "producer", "Siyang", life)
        keys = LocalKeys(Secrets.of(folder).signer.jwks)
        caller = await verify(await token_of_known(folder, "Siyang", None, life), keys)
        assert caller.role == "producer"
        (_, _), others = await new_client_beside(folder, "platform", "Siyang")
        assert others == ["producer"]
        for name, role, said in (
            ("Siyng", None, "There is no account 'Siyng'"),
            ("Siyang", "carrier", "no carrier 'Siyang'; the account of that name is of role platform, producer"),
            ("Siyang", None, "of the roles platform, producer: say which with --role"),
        ):
            with pytest.raises(NoSuchAccount, match=said):
                await token_of_known(folder, name, role, life)  # type: ignore[arg-type]
        chosen = await verify(await token_of_known(folder, "Siyang", "producer", life), keys)
        assert chosen.account_id == caller.account_id
        async with database_of(folder, "gateway") as db, db.reading() as session:
            assert await session.scalar(select(func.count()).select_from(Account)) == 2


async def test_a_folder_that_another_process_starts_up_is_not_touched() -> None:
    with temporary_folder() as parent:
        owner = DataFolder(parent / "data")
        owner.take()  # taken, but its platform does not answer yet
        try:
            with pytest.raises(FolderInUse):
                async with database_of(DataFolder(parent / "data"), "gateway"):
                    pass
        finally:
            owner.give_back()
