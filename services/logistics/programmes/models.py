"""A programme: a budget with dated, versioned rules."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Boolean, DateTime, ForeignKey, Index, Integer, Text, Uuid, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.programmes import ProgrammeKind
from services.logistics.subsidy.eligibility import Caps, Conditions, Rule
from services.logistics.tables import Base

SECONDS_PER_DAY = 86_400


class Programme(Base):
    """What was opened. Its money stands in the ledger, what it pays for in its rule versions."""

    __tablename__ = "programmes"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    funder: Mapped[str] = mapped_column(Text)
    kind: Mapped[ProgrammeKind] = mapped_column(Text)
    starts_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ends_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_by: Mapped[UUID] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())
    rules: Mapped[list["RuleVersion"]] = relationship(order_by="RuleVersion.version", lazy="raise")

    __table_args__ = (Index(None, "kind", "ends_at"),)

    def active_at(self, moment: datetime) -> bool:
        return self.starts_at <= moment < self.ends_at

    def version_at(self, moment: datetime) -> "RuleVersion":
        """The rules of that moment; before the first ones take effect, the first."""
        in_effect = [version for version in self.rules if version.effective_at <= moment]
        return in_effect[-1] if in_effect else self.rules[0]

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
    adcodes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    produce: Mapped[list[str]] = mapped_column(ARRAY(Text))
    per_producer_per_day: Mapped[int | None] = mapped_column(BigInteger)
    per_carrier_per_day: Mapped[int | None] = mapped_column(BigInteger)

    def rule(self, kind: ProgrammeKind) -> Rule:
        return Rule(
            version=self.version,
            kind=kind,
            rate_fen=self.rate_fen,
            conditions=Conditions(self.poverty_832, self.watch_52, frozenset(self.adcodes), frozenset(self.produce)),
            caps=Caps(self.per_producer_per_day, self.per_carrier_per_day),
        )


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
        seconds = (self.read_at - since).total_seconds()
        if spent_fen <= 0 or seconds <= 0:
            return None
        return round(self.available_fen / spent_fen * seconds / SECONDS_PER_DAY, 2)
