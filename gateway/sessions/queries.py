"""Reading sessions."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import WriteSession
from gateway.sessions.models import Session


async def locked_session(session: WriteSession, session_id: UUID) -> Session | None:
    """The session, locked: of two who rotate at once the second sees what the first did."""
    return await session.get(Session, session_id, with_for_update=True)


async def is_there(session: AsyncSession, session_id: UUID) -> bool:
    wanted = select(Session.id).where(Session.id == session_id, Session.expires_at > func.now())
    return await session.scalar(wanted) is not None


async def lasting(session: AsyncSession, account_id: UUID, session_id: UUID) -> Session | None:
    """The account's session of that id, if it has not ended."""
    wanted = select(Session).where(Session.id == session_id, Session.account_id == account_id)
    return (await session.scalars(wanted.where(Session.expires_at > func.now()))).one_or_none()


async def sessions_of(session: AsyncSession, account_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Session]:
    """Those that have not ended, newest first."""
    wanted = select(Session).where(Session.account_id == account_id, Session.expires_at > func.now())
    if before is not None:
        wanted = wanted.where(Session.id < before)
    return (await session.scalars(wanted.order_by(Session.id.desc()).limit(limit))).all()
