"""Reading the keys of an account."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import WriteSession
from gateway.accounts.models import Client
from gateway.sessions.models import Session


class Known(NamedTuple):
    client_id: str
    created_at: datetime
    last_used_at: datetime | None


async def clients_of(session: AsyncSession, account_id: UUID) -> Sequence[Known]:
    """All of them, newest first."""
    wanted = (
        select(Client.client_id, Client.created_at, func.max(Session.used_at))
        .join(Session, Session.client_id == Client.client_id, isouter=True)
        .where(Client.account_id == account_id)
        .group_by(Client.client_id)
        .order_by(Client.created_at.desc(), Client.client_id)
    )
    return [Known(*row) for row in await session.execute(wanted)]


async def locked_client(session: WriteSession, client_id: str, account_id: UUID | None) -> Client | None:
    """The client of that id, locked; where an account is named, that account's."""
    wanted = select(Client).where(Client.client_id == client_id)
    if account_id is not None:
        wanted = wanted.where(Client.account_id == account_id)
    return (await session.scalars(wanted.with_for_update())).one_or_none()
