"""Proposing and activating policies. Nothing that was decided by one is ever decided anew."""

from datetime import datetime

from sqlalchemy import delete, func, insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import database_now
from chassis.db import Database, WriteSession
from services.matching.free import WITH_BOTH_SIDES
from services.matching.markets import MARKET_CHANGES
from services.matching.optimiser.policy import Policy
from services.matching.policies import queries
from services.matching.policies.models import (
    POLICY_PERIODS,
    POLICY_STARTS,
    InThePast,
    Period,
    PolicyVersion,
    UnknownVersion,
    weights_of,
)

ONE_AT_A_TIME = text("LOCK TABLE policies IN SHARE ROW EXCLUSIVE MODE")  # who reads waits for nobody

MARK_MARKETS = insert(MARKET_CHANGES).from_select(["produce"], WITH_BOTH_SIDES)


async def find(session: AsyncSession, version: int) -> PolicyVersion:
    """Raises UnknownVersion."""
    found = await queries.version_of(session, version)
    if found is None:
        raise UnknownVersion(version, await queries.newest(session))
    return found


async def propose(session: WriteSession, policy: Policy, *, why: str, by: str) -> int:
    """Keep these numbers as the next version, whatever version they say they are; nothing is decided by it yet."""
    await session.execute(ONE_AT_A_TIME)
    version = await queries.newest(session) + 1
    session.add(PolicyVersion(version=version, weights=weights_of(policy), why=why, proposed_by=by))
    await session.flush()
    return version


async def activate(session: WriteSession, version: int, *, starts_at: datetime | None, by: str) -> Period:
    """Put this version in force from now, or from an instant to come. Raises UnknownVersion and InThePast.

    What starts at the same instant as one activated before takes its place.
    """
    await find(session, version)
    now = await database_now(session)
    if starts_at is not None and starts_at < now:
        raise InThePast(starts_at, now)
    entry = insert(POLICY_PERIODS).values(version=version, starts_at=starts_at or now, activated_by=by)
    period = Period(*(await session.execute(entry.returning(*POLICY_PERIODS.c))).one())
    await session.execute(insert(POLICY_STARTS).values(period_id=period.id, starts_at=period.starts_at))
    await _begin(session)
    return period


async def begin_due(db: Database) -> None:
    """Mark every market with two sides as changed when a period has begun, so that the next rounds use its policy."""
    async with db.transaction() as session:
        await _begin(session)


async def _begin(session: WriteSession) -> None:
    started = delete(POLICY_STARTS).where(POLICY_STARTS.c.starts_at <= func.clock_timestamp())
    if (await session.execute(started.returning(POLICY_STARTS.c.period_id))).all():
        await session.execute(MARK_MARKETS)
