"""Reading accounts, clients and codes."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.accounts import Role
from gateway.accounts.models import Account, Client, Code


async def account(session: AsyncSession, account_id: UUID) -> Account | None:
    return await session.get(Account, account_id)


async def accounts(session: AsyncSession, ids: Collection[UUID]) -> Sequence[Account]:
    return (await session.scalars(select(Account).where(Account.id.in_(ids)))).all()


async def account_by_name(session: AsyncSession, role: Role, name_hash: bytes) -> Account | None:
    wanted = select(Account).where(Account.role == role, Account.name_hash == name_hash)
    return (await session.scalars(wanted)).one_or_none()


async def account_by_phone(session: AsyncSession, phone_hash: bytes) -> Account | None:
    return (await session.scalars(select(Account).where(Account.phone_hash == phone_hash))).one_or_none()


async def client_and_account(session: AsyncSession, client_id: str) -> tuple[Client, Account] | None:
    wanted = select(Client, Account).join(Account).where(Client.client_id == client_id)
    row = (await session.execute(wanted)).one_or_none()
    return None if row is None else (row[0], row[1])


async def code_for_update(session: AsyncSession, phone_hash: bytes) -> Code | None:
    """The phone's code, locked: guesses are counted one after the other."""
    return await session.get(Code, phone_hash, with_for_update=True)


async def database_now(session: AsyncSession) -> tuple[datetime, date]:
    """The database's clock, and what day that is in China."""
    row = (await session.execute(select(func.now(), func.date(func.timezone("Asia/Shanghai", func.now()))))).one()
    return row[0], row[1]
