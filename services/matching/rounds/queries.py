"""Reading rounds and their timer."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.matching.rounds.models import INTERVAL_DEFAULT_S, Round, RoundTimer


async def round_of(session: AsyncSession, round_id: UUID) -> Round | None:
    return await session.get(Round, round_id)


async def rounds(session: AsyncSession, *, produce: str | None, before: UUID | None, limit: int) -> Sequence[Round]:
    """Newest first: ids are version 7, in the order of their making."""
    wanted = select(Round).order_by(Round.id.desc()).limit(limit)
    if produce is not None:
        wanted = wanted.where(Round.produce == produce)
    if before is not None:
        wanted = wanted.where(Round.id < before)
    return (await session.scalars(wanted)).all()


async def interval_s(session: AsyncSession) -> float:
    set_s = (await session.scalars(select(RoundTimer.interval_s))).one_or_none()
    return INTERVAL_DEFAULT_S if set_s is None else set_s
