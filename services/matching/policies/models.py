"""Policies: their versions, which are never changed, and from when each is in force.

At any instant exactly one is: that of the period with the greatest `starts_at` not after it, and of two that start
together the one entered last. A migration put policy 1 in, from 1970 on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Identity, Integer, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.matching.optimiser.policy import Policy
from services.matching.tables import Base


class Refused(Exception):
    """What can't be done with a policy; the text is one sentence for the person at the terminal."""


class UnknownVersion(Refused):
    def __init__(self, version: int, newest: int) -> None:
        super().__init__(f"There is no policy {version}; the newest is {newest}.")


class InThePast(Refused):
    def __init__(self, starts_at: datetime, now: datetime) -> None:
        super().__init__(
            f"A policy can't begin at {starts_at.isoformat()}: it is {now.isoformat()} by the database's clock,"
            " and what was in force before stands."
        )


class PolicyVersion(Base):
    """One version of the numbers, in the engine's own integers. Rows are never changed: a trigger refuses it."""

    __tablename__ = "policies"

    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    weights: Mapped[dict[str, Any]] = mapped_column(JSONB)
    why: Mapped[str] = mapped_column(Text)
    proposed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    proposed_by: Mapped[str] = mapped_column(Text)

    @property
    def policy(self) -> Policy:
        return policy_of(self.version, self.weights)


POLICY_PERIODS = Table(
    "policy_periods",
    Base.metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("version", Integer, ForeignKey("policies.version"), nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("activated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("activated_by", Text, nullable=False),
)
"""Append-only, by a trigger. Until when a period lasts follows from the others."""

POLICY_STARTS = Table(
    "policy_starts",
    Base.metadata,
    Column("period_id", BigInteger, ForeignKey("policy_periods.id"), primary_key=True),
    Column("starts_at", DateTime(timezone=True), nullable=False),
)
"""Periods that the markets have yet to be marked as changed for; a row goes when that is done."""


@dataclass(frozen=True, slots=True)
class Period:
    """One activation: which version, from when, and who decided it when."""

    id: int
    version: int
    starts_at: datetime
    activated_at: datetime
    activated_by: str


@dataclass(frozen=True, slots=True)
class Span:
    """From when until when a version is in force; None: until another is activated."""

    version: int
    starts_at: datetime
    until: datetime | None
    activated_by: str


def spans_of(periods: Iterable[Period]) -> list[Span]:
    """Who is in force when, in the order of time: these follow each other without a gap and never overlap."""
    winners = {each.starts_at: each for each in sorted(periods, key=lambda each: (each.starts_at, each.id))}
    return [
        Span(one.version, one.starts_at, following.starts_at if following else None, one.activated_by)
        for one, following in pairwise([*winners.values(), None])
        if one is not None
    ]


def weights_of(policy: Policy) -> dict[str, Any]:
    """All of a policy but its version, as it is stored."""
    weights = asdict(policy)
    del weights["version"]
    return weights


def policy_of(version: int, weights: Mapping[str, Any]) -> Policy:
    """The policy that was stored so: JSON has no tuples."""
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in weights.items()
    }
    return Policy(version=version, **fields)
