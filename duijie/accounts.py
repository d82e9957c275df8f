"""Accounts and tokens from the command line, whether the platform runs now or not."""

from collections.abc import Iterable
from datetime import timedelta

from contracts.accounts import Role
from duijie.datafolder import DataFolder
from duijie.store import Secrets, gateway_database
from gateway.accounts.service import account_for, create_client, issue_token


async def token_of(folder: DataFolder, role: Role, name: str, ttl: timedelta) -> str:
    """A token of the account of that role and name, which is made if need be."""
    async with gateway_database(folder) as db:
        secrets = Secrets.of(folder)
        async with db.transaction() as session:
            account = await account_for(session, secrets.vault, role, name)
        return issue_token(secrets.signer, account, ttl)


async def tokens_of(folder: DataFolder, accounts: Iterable[tuple[Role, str]], ttl: timedelta) -> dict[str, str]:
    """Tokens of many accounts by their names, which must differ."""
    secrets = Secrets.of(folder)
    tokens: dict[str, str] = {}
    async with gateway_database(folder) as db, db.transaction() as session:
        for role, name in sorted(accounts):
            account = await account_for(session, secrets.vault, role, name)
            tokens[name] = issue_token(secrets.signer, account, ttl)
    return tokens


async def new_client(folder: DataFolder, role: Role, name: str) -> tuple[str, str]:
    """A client id and its secret for the account of that role and name."""
    async with gateway_database(folder) as db, db.transaction() as session:
        return await create_client(session, Secrets.of(folder).vault, role, name)
