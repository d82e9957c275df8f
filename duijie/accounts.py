"""Accounts and tokens from the command line, whether the platform runs now or not.

They are those of a data folder; without one those of the gateway that the environment tells of, as it is told to its
API: `duijie serve gateway`.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chassis.db import Database
from chassis.problems import NotFound
from chassis.vault import Vault
from contracts.accounts import Role
from duijie.datafolder import DataFolder
from duijie.problems import CannotStart, NoSuchAccount, NoSuchClient, SettingMissing
from duijie.store import Secrets, database_of
from gateway.accounts import queries
from gateway.accounts.models import Account
from gateway.accounts.service import account_for, issue_token
from gateway.clients.service import create_for, revoke_any, rotate_any
from gateway.tokens import Signer


async def token_of(folder: DataFolder | None, role: Role, name: str, ttl: timedelta) -> str:
    """A token of the account of that role and name, which is made if need be."""
    async with _gateway(folder) as (db, secrets):
        async with db.transaction() as session:
            account = await account_for(session, secrets.vault, role, name)
        return issue_token(secrets.signer, account, ttl)


async def token_of_known(folder: DataFolder, name: str, role: Role | None, ttl: timedelta) -> str:
    """A token of the account of that name that there is already; `role` chooses among several. Raises NoSuchAccount."""
    _must_be_used(folder)
    async with _gateway(folder) as (db, secrets):
        async with db.reading() as session:
            named = await queries.accounts_by_name(session, secrets.vault.fingerprint("name", name))
        account = _the_one(name, role, named)
        return issue_token(secrets.signer, account, ttl)


def _the_one(name: str, role: Role | None, named: Sequence[Account]) -> Account:
    roles = ", ".join(each.role for each in named)
    fitting = [each for each in named if role in {None, each.role}]
    if not named:
        raise NoSuchAccount(f"There is no account {name!r}; `duijie token` or `duijie client create` make one.")
    if not fitting:
        raise NoSuchAccount(f"There is no {role} {name!r}; the account of that name is of role {roles}.")
    if len(fitting) > 1:
        raise NoSuchAccount(f"There are accounts {name!r} of the roles {roles}: say which with --role.")
    return fitting[0]


async def tokens_of(folder: DataFolder, accounts: Iterable[tuple[Role, str]], ttl: timedelta) -> dict[str, str]:
    """Tokens of many accounts by their names, which must differ."""
    tokens: dict[str, str] = {}
    async with _gateway(folder) as (db, secrets), db.transaction() as session:
        for role, name in sorted(accounts):
            account = await account_for(session, secrets.vault, role, name)
            tokens[name] = issue_token(secrets.signer, account, ttl)
    return tokens


async def new_client_beside(folder: DataFolder | None, role: Role, name: str) -> tuple[tuple[str, str], list[Role]]:
    """A client id and its secret for the account of that role and name, which is made if need be; and the other roles
    in which there are accounts of that name."""
    async with _gateway(folder) as (db, secrets), db.transaction() as session:
        made = await create_for(session, secrets.vault, role, name)
        named = await queries.accounts_by_name(session, secrets.vault.fingerprint("name", name))
        return made, [each.role for each in named if each.role != role]


@dataclass(frozen=True, slots=True)
class Known:
    """A client, and whose it is."""

    client_id: str
    account_id: UUID
    role: Role
    name: str
    created_at: datetime


async def known_clients(folder: DataFolder | None) -> list[Known]:
    """Every client, by role, the oldest first. Raises CannotStart for a folder that holds no platform."""
    _must_be_used(folder)
    async with _gateway(folder) as (db, secrets), db.reading() as session:
        found = await queries.clients(session)
        return [
            Known(client.client_id, account.id, account.role, account.name(secrets.vault), client.created_at)
            for client, account in found
        ]


async def rotate(folder: DataFolder | None, client_id: str) -> str:
    """A new secret of that client; what was signed in with the old one ends. Raises NoSuchClient."""
    _must_be_used(folder)
    async with _gateway(folder) as (db, _), _known(client_id), db.transaction() as session:
        return await rotate_any(session, client_id)


async def revoke(folder: DataFolder | None, client_id: str) -> None:
    """Take that client's way in, and end what was signed in by it. Raises NoSuchClient."""
    _must_be_used(folder)
    async with _gateway(folder) as (db, _), _known(client_id), db.transaction() as session:
        await revoke_any(session, client_id)


def _must_be_used(folder: DataFolder | None) -> None:
    """Who only looks something up makes no platform: a folder that is mistyped is not there."""
    if folder is not None and not folder.is_used():
        raise CannotStart(f"There is no platform in {folder.path}.")


@asynccontextmanager
async def _known(client_id: str) -> AsyncIterator[None]:
    try:
        yield
    except NotFound as error:
        raise NoSuchClient(f"There is no client {client_id}.") from error


@asynccontextmanager
async def _gateway(folder: DataFolder | None) -> AsyncIterator[tuple[Database, Secrets]]:
    """The accounts' database and the keys. Raises SettingMissing."""
    if folder is not None:
        async with database_of(folder, "gateway") as db:
            yield db, Secrets.of(folder)
        return
    from duijie.wiring import told
    from gateway.settings import GatewaySettings

    settings = told(GatewaySettings)
    try:
        signer = Signer.from_pem(settings.signing_key.get_secret_value(), settings.verifying_keys.get_secret_value())
        vault = Vault.from_base64(settings.personal_data_key.get_secret_value())
    except ValueError as error:
        raise SettingMissing(f"A key of the gateway can't be used: {error}.") from error
    db = Database(settings.database_url.get_secret_value(), source="/duijie/gateway", pool_size=1)
    try:
        yield db, Secrets(signer, vault)
    finally:
        await db.close()
