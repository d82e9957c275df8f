"""Reading accounts, clients and codes."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import WriteSession
from contracts.accounts import Role
from gateway.accounts.models import Account, Client, Code


async def account(session: AsyncSession, account_id: UUID) -> Account | None:
    return await session.get(Account, account_id)


async def locked_account(session: WriteSession, account_id: UUID) -> Account | None:
    """The same as it is now: who signs in waits for who erases, and the other way round."""
    wanted = select(Account).where(Account.id == account_id).with_for_update()
    return (await session.scalars(wanted.execution_options(populate_existing=True))).one_or_none()


async def accounts(session: AsyncSession, ids: Collection[UUID]) -> Sequence[Account]:
    return (await session.scalars(select(Account).where(Account.id.in_(ids)))).all()


async def account_by_name(session: AsyncSession, role: Role, name_hash: bytes) -> Account | None:
    wanted = select(Account).where(Account.role == role, Account.name_hash == name_hash)
    return (await session.scalars(wanted)).one_or_none()


async def accounts_by_name(session: AsyncSession, name_hash: bytes) -> Sequence[Account]:
    """Of every role, in the order of these."""
    return (await session.scalars(select(Account).where(Account.name_hash == name_hash).order_by(Account.role))).all()


async def account_by_phone(session: AsyncSession, phone_hash: bytes) -> Account | None:
    return (await session.scalars(select(Account).where(Account.phone_hash == phone_hash))).one_or_none()


async def client(session: AsyncSession, client_id: str) -> Client | None:
    return await session.get(Client, client_id)


async def kept_client(session: WriteSession, client_id: str) -> Client | None:
    """The client, which stays until this transaction ends."""
    wanted = select(Client).where(Client.client_id == client_id).with_for_update(read=True, key_share=True)
    return (await session.scalars(wanted)).one_or_none()


async def clients(session: AsyncSession) -> Sequence[tuple[Client, Account]]:
    """All of them with their accounts, by role, the oldest first."""
    rows = select(Client, Account).join(Account).order_by(Account.role, Client.created_at, Client.client_id)
    return [(client, account) for client, account in await session.execute(rows)]


async def code_for_update(session: AsyncSession, phone_hash: bytes) -> Code | None:
    """The phone's code, locked: guesses are counted one after the other."""
    return await session.get(Code, phone_hash, with_for_update=True)
