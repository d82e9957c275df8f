"""A fraud flag: a suspicion about a statement, which holds its payout until an officer has looked."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import DateTime, Index, Uuid
from sqlalchemy import Text as SqlText
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from chassis.problems import Problem, Text
from services.logistics.flags.rules import Rule
from services.logistics.tables import Base

Status = Literal["open", "cleared", "confirmed"]


class ReviewedAlready(Problem):
    slug, status = "reviewed-already", 409
    title = Text("已复核", "It has been reviewed")
    detail = Text("此疑点已是 {state}。", "This flag is {state}.")
    members = ("state",)


class PayoutHeld(Problem):
    slug, status = "payout-held", 409
    title = Text("拨付待复核", "The payout is held")
    detail = Text("有 {count} 个疑点尚未复核。", "Flags not reviewed yet: {count}.")


class Flag(Base):
    """`subject`: the waybill, match or payee; `evidence`: the numbers that the rule looked at. It refuses nothing by
    itself. `programme_id` is its statement's: kept here too, so that a programme's flags lie together."""

    __tablename__ = "fraud_flags"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    settlement_id: Mapped[UUID] = mapped_column(Uuid)
    programme_id: Mapped[UUID | None] = mapped_column(Uuid)
    rule: Mapped[Rule] = mapped_column(SqlText)
    subject: Mapped[str] = mapped_column(SqlText)
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB)
    status: Mapped[Status] = mapped_column(SqlText)
    raised_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    reviewed_by: Mapped[UUID | None] = mapped_column(Uuid)
    reviewed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    note: Mapped[str | None] = mapped_column(SqlText)

    __table_args__ = (
        Index(None, "settlement_id", "id"),
        Index(None, "programme_id", "id"),
        Index("ix_fraud_flags_open", "settlement_id", postgresql_where="status = 'open'"),
    )

    def review(self, verdict: Literal["clear", "confirm"], note: str | None, officer_id: UUID, now: datetime) -> None:
        """Raises ReviewedAlready."""
        if self.status != "open":
            raise ReviewedAlready(state=self.status)
        self.status = "cleared" if verdict == "clear" else "confirmed"
        self.reviewed_by, self.reviewed_at, self.note = officer_id, now, note
