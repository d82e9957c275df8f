"""A programme: a budget with dated, versioned rules; and what two officers change of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Boolean, DateTime, ForeignKey, Index, Integer, Uuid, func
from sqlalchemy import Text as SqlText
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from chassis.problems import Problem, Text
from contracts.programmes import ProgrammeKind
from services.logistics.subsidy.eligibility import Caps, Conditions, Rule
from services.logistics.tables import Base

SECONDS_PER_DAY = 86_400

Standing = Literal["active", "paused", "closed"]
Status = Literal["scheduled", "active", "paused", "ended", "closed"]
ChangeKind = Literal["rules", "topup", "pause", "resume", "close"]
Decision = Literal["pending", "approved", "rejected"]

LEADS_TO: dict[ChangeKind, Standing] = {"pause": "paused", "resume": "active", "close": "closed"}


class ClosedProgramme(Problem):
    slug, status = "programme-closed", 409
    title = Text("项目已关闭", "The programme is closed")
    detail = Text("关闭的项目不再更改。", "A closed programme is changed no more.")


class NothingToChange(Problem):
    slug, status = "nothing-to-change", 409
    title = Text("无需更改", "There is nothing to change")
    detail = Text("项目已是 {standing}。", "The programme is {standing} already.")
    members = ("standing",)


class BudgetTooLarge(Problem):
    slug, status = "budget-too-large", 409
    title = Text("预算过大", "The budget would be too large")
    detail = Text("最多还可追加 {most_fen} 分。", "It can grow by {most_fen} fen at most.")
    members = ("most_fen",)


class AlreadyDecided(Problem):
    slug, status = "already-decided", 409
    title = Text("已有决定", "It has been decided")
    detail = Text("此申请已是 {state}。", "This request is {state} already.")
    members = ("state",)


class SecondOfficerNeeded(Problem):
    slug, status = "second-officer-needed", 403
    title = Text("须由另一名经办决定", "Another officer has to decide")
    detail = Text(
        "提出、发起或复核的人，不能自己批准、裁定或付款。",
        "An officer who asked, opened or reviewed does not also approve, decide or pay.",
    )


class Programme(Base):
    """What was opened. Its money stands in the ledger, what it pays for in its rule versions, and whether it pays at
    all in its standings. `changes` counts what its officers changed since; the ledger's head has the same number.
    """

    __tablename__ = "programmes"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(SqlText)
    funder: Mapped[str] = mapped_column(SqlText)
    kind: Mapped[ProgrammeKind] = mapped_column(SqlText)
    starts_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ends_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_by: Mapped[UUID] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())
    changes: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    rules: Mapped[list["RuleVersion"]] = relationship(order_by="RuleVersion.version", lazy="raise")
    standings: Mapped[list["StandingFrom"]] = relationship(order_by="StandingFrom.effective_at", lazy="raise")

    __table_args__ = (Index(None, "kind", "ends_at"),)

    def active_at(self, moment: datetime) -> bool:
        return self.status_at(moment) == "active"

    def standing_at(self, moment: datetime) -> Standing:
        in_effect = [each.standing for each in self.standings if each.effective_at <= moment]
        return in_effect[-1] if in_effect else "active"

    def status_at(self, moment: datetime) -> Status:
        standing = self.standing_at(moment)
        if standing == "closed":
            return "closed"
        if moment >= self.ends_at:
            return "ended"
        if standing == "paused":
            return "paused"
        return "scheduled" if moment < self.starts_at else "active"

    def must_allow(self, kind: ChangeKind, now: datetime) -> None:
        """Raises ClosedProgramme once it is, and NothingToChange where it stands so already."""
        standing = self.standing_at(now)
        if standing == "closed":
            raise ClosedProgramme()
        if LEADS_TO.get(kind) == standing:
            raise NothingToChange(standing=standing)

    @property
    def has_caps(self) -> bool:
        """Whether any version of its rules has."""
        return any(rule.per_producer_per_day or rule.per_carrier_per_day for rule in self.rules)

    def least_rate_fen(self, now: datetime) -> int:
        """The least of the rates that are in force now, or will be."""
        to_come = [self.version_at(each.effective_at).rate_fen for each in self.rules if each.effective_at > now]
        return min([self.version_at(now).rate_fen, *to_come])

    def version_at(self, moment: datetime) -> "RuleVersion":
        """The rules of that moment: of those in effect the last to take effect, of two at once the later decided;
        before the first ones take effect, those of then."""
        since = max(moment, self.rules[0].effective_at)
        in_effect = [version for version in self.rules if version.effective_at <= since]
        return max(in_effect, key=lambda each: (each.effective_at, each.version))

    def rule_at(self, moment: datetime) -> Rule:
        return self.version_at(moment).rule(self.kind)


class RuleVersion(Base):
    """One version of what a programme pays for, and how much; never changed. `rate_fen` is per parcel or per kg."""

    __tablename__ = "programme_rules"

    programme_id: Mapped[UUID] = mapped_column(ForeignKey(Programme.id), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    effective_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    rate_fen: Mapped[int] = mapped_column(BigInteger)
    poverty_832: Mapped[bool | None] = mapped_column(Boolean)
    watch_52: Mapped[bool | None] = mapped_column(Boolean)
    adcodes: Mapped[list[str]] = mapped_column(ARRAY(SqlText))
    produce: Mapped[list[str]] = mapped_column(ARRAY(SqlText))
    per_producer_per_day: Mapped[int | None] = mapped_column(BigInteger)
    per_carrier_per_day: Mapped[int | None] = mapped_column(BigInteger)

    def says_the_same_as(self, other: "RuleVersion") -> bool:
        mine, theirs = self.rule("courier_parcel"), other.rule("courier_parcel")
        return replace(mine, version=0) == replace(theirs, version=0)

    def rule(self, kind: ProgrammeKind) -> Rule:
        return Rule(
            version=self.version,
            kind=kind,
            rate_fen=self.rate_fen,
            conditions=Conditions(self.poverty_832, self.watch_52, frozenset(self.adcodes), frozenset(self.produce)),
            caps=Caps(self.per_producer_per_day, self.per_carrier_per_day),
        )


class StandingFrom(Base):
    """From when on it is paused, active again, or closed; never changed."""

    __tablename__ = "programme_standings"

    programme_id: Mapped[UUID] = mapped_column(ForeignKey(Programme.id), primary_key=True)
    effective_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    standing: Mapped[Standing] = mapped_column(SqlText)
    approval_id: Mapped[UUID] = mapped_column(Uuid)


class ByTwoOfficers:
    """What one officer asks for and another decides on; who asked may take it back."""

    status: Mapped[Decision] = mapped_column(SqlText)
    asked_by: Mapped[UUID] = mapped_column(Uuid)
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    decided_by: Mapped[UUID | None] = mapped_column(Uuid)
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def decide(self, decision: Decision, officer_id: UUID, now: datetime) -> None:
        """Raises AlreadyDecided, and SecondOfficerNeeded for who asked, but to reject it."""
        if self.status != "pending":
            raise AlreadyDecided(state=self.status)
        if officer_id == self.asked_by and decision == "approved":
            raise SecondOfficerNeeded()
        self.status, self.decided_by, self.decided_at = decision, officer_id, now


class Approval(ByTwoOfficers, Base):
    """A change that one officer asked for and another decides on. `wanted` is what was asked, as it was sent."""

    __tablename__ = "programme_approvals"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    programme_id: Mapped[UUID] = mapped_column(ForeignKey(Programme.id))
    kind: Mapped[ChangeKind] = mapped_column(SqlText)
    wanted: Mapped[dict[str, Any]] = mapped_column(JSONB)

    __table_args__ = (Index(None, "programme_id", "id"),)


@dataclass(frozen=True, slots=True)
class Money:
    """A programme's row of the ledger's heads, as one statement read it."""

    budget_fen: int
    available_fen: int
    reserved_fen: int
    posted_fen: int
    paid_fen: int
    reserved: int
    posted: int
    voided: int
    reversed: int
    refused: int
    exhausted_at: datetime | None
    version: int
    read_at: datetime

    def days_left(self, since: datetime) -> float | None:
        """Days until nothing is left, when it goes on as it went `since` then; None while nothing was spent."""
        spent_fen = self.budget_fen - self.available_fen
        days = (self.read_at - since).total_seconds() / SECONDS_PER_DAY
        if spent_fen <= 0 or days <= 0:
            return None
        return round(self.available_fen / spent_fen * max(days, 1), 2)  # of its first day, what that took so far
