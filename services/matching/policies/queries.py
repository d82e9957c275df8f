"""Reading policies: the one in force, any version, and the periods."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.matching.optimiser.policy import Policy
from services.matching.policies.models import POLICY_PERIODS, Period, PolicyVersion, policy_of


def in_force_at(instant: ColumnElement[datetime] | datetime) -> Select[tuple[int, dict[str, Any]]]:
    """`version` and `weights` of the policy in force at this instant: exactly one row from 1970 on."""
    period = POLICY_PERIODS.c
    return (
        select(PolicyVersion.version, PolicyVersion.weights)
        .join(POLICY_PERIODS, period.version == PolicyVersion.version)
        .where(period.starts_at <= instant)
        .order_by(period.starts_at.desc(), period.id.desc())
        .limit(1)
    )


# The clock of the statement, one moment for all its rows; the transaction's may have waited for a lock.
IN_FORCE = in_force_at(func.statement_timestamp())


async def in_force(session: AsyncSession) -> Policy:
    """The policy in force by the database's clock."""
    version, weights = (await session.execute(IN_FORCE)).one()
    return policy_of(version, weights)


async def version_of(session: AsyncSession, version: int) -> PolicyVersion | None:
    return (await session.scalars(select(PolicyVersion).where(PolicyVersion.version == version))).one_or_none()


async def versions(session: AsyncSession) -> Sequence[PolicyVersion]:
    """All of them, the oldest first."""
    return (await session.scalars(select(PolicyVersion).order_by(PolicyVersion.version))).all()


async def newest(session: AsyncSession) -> int:
    version: int = (await session.execute(select(func.max(PolicyVersion.version)))).scalar_one()
    return version


async def periods(session: AsyncSession) -> list[Period]:
    """Every activation, in the order of their entry."""
    rows = await session.execute(select(*POLICY_PERIODS.c).order_by(POLICY_PERIODS.c.id))
    return [Period(*row) for row in rows]
