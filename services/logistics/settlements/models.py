"""A settlement: what a programme owes to one carrier (or producer) for a period, frozen, and then paid once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Index, Integer, Table, Uuid
from sqlalchemy import Text as SqlText
from sqlalchemy.orm import Mapped, mapped_column

from chassis.problems import Problem, Text
from contracts.programmes import ProgrammeKind
from services.logistics.programmes.models import ByTwoOfficers, Programme
from services.logistics.subsidy.models import SUBSIDIES
from services.logistics.tables import Base

Party = Literal["carrier", "producer"]
Status = Literal["frozen", "paid"]

PARTY_PAID: dict[ProgrammeKind, Party] = {"courier_parcel": "carrier", "produce_support": "producer"}


class AlreadyPaid(Problem):
    slug, status = "already-paid", 409
    title = Text("已拨付", "It has been paid")
    detail = Text("此结算单已按凭证号 {reference} 拨付。", "This settlement was paid with the reference {reference}.")


class CorrectionPending(Problem):
    slug, status = "correction-pending", 409
    title = Text("更正待决定", "A correction is pending")
    detail = Text("有 {count} 项更正待另一名经办决定。", "Corrections that wait for another officer: {count}.")


class NothingToSettle(Problem):
    slug, status = "nothing-to-settle", 409
    title = Text("没有可结算的补贴", "There is nothing to settle")
    detail = Text(
        "此期间没有为其记账而未入结算单的补贴。",
        "Nothing was posted for them in this period that is in no statement yet.",
    )


class NothingToPay(Problem):
    slug, status = "nothing-to-pay", 409
    title = Text("没有应付金额", "There is nothing to pay")
    detail = Text("结算单中没有仍应付的补贴。", "None of the statement's subsidies is still owed.")


class ReferenceTaken(Problem):
    slug, status = "reference-taken", 409
    title = Text("凭证号已被使用", "The reference is taken")
    detail = Text("另一张结算单已用此凭证号拨付。", "Another settlement was paid with this reference.")


@dataclass(frozen=True, slots=True)
class Due:
    """What the payment of a statement would come to now: `recovered_fen` of it would be kept for clawbacks."""

    owed_fen: int
    recovered_fen: int

    @property
    def paid_fen(self) -> int:
        """What the bank is to transfer."""
        return self.owed_fen - self.recovered_fen


class Settlement(Base):
    """The lines of its statement are the subsidies that bear its id: those that were posted from `begins_at` on and
    before `ends_at`, and were in no statement yet. They, `lines` and `amount_fen` stay as they were frozen; what came
    back since is a transfer of its own, and is not paid.
    """

    __tablename__ = "settlements"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    programme_id: Mapped[UUID] = mapped_column(ForeignKey(Programme.id))
    party: Mapped[Party] = mapped_column(SqlText)
    payee_id: Mapped[UUID] = mapped_column(Uuid)
    begins_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ends_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    lines: Mapped[int] = mapped_column(Integer)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    frozen_by: Mapped[UUID] = mapped_column(Uuid)
    frozen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    reference: Mapped[str | None] = mapped_column(SqlText, unique=True)
    owed_fen: Mapped[int | None] = mapped_column(BigInteger)
    recovered_fen: Mapped[int | None] = mapped_column(BigInteger)
    paid_by: Mapped[UUID | None] = mapped_column(Uuid)
    paid_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (Index(None, "payee_id", "id"), Index(None, "programme_id", "id"))

    @property
    def status(self) -> Status:
        return "frozen" if self.paid_at is None else "paid"

    @property
    def paid_fen(self) -> int | None:
        """What the bank transferred."""
        return None if self.owed_fen is None or self.recovered_fen is None else self.owed_fen - self.recovered_fen

    def pay(self, reference: str, owed_fen: int, recovered_fen: int, officer_id: UUID, now: datetime) -> None:
        """`owed_fen` of it was owed by now, of which so much was kept for clawbacks. Raises NothingToPay."""
        if owed_fen == 0:
            raise NothingToPay()
        self.owed_fen, self.recovered_fen = owed_fen, recovered_fen
        self.reference, self.paid_by, self.paid_at = reference, officer_id, now


class Correction(ByTwoOfficers, Base):
    """Lines of a frozen statement that one officer holds to be wrong, and another decides on. Approved, what was posted
    for them is reversed, so that it is not paid; `lines` and `amount_fen` are then what was reversed.
    """

    __tablename__ = "settlement_corrections"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    settlement_id: Mapped[UUID] = mapped_column(ForeignKey(Settlement.id))
    reason: Mapped[str] = mapped_column(SqlText)
    lines: Mapped[int] = mapped_column(Integer)
    amount_fen: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (Index(None, "settlement_id", "id"),)


CORRECTION_LINES = Table(
    "settlement_correction_lines",
    Base.metadata,
    Column("correction_id", Uuid, ForeignKey(Correction.id), primary_key=True),
    Column("subject_id", Uuid, ForeignKey(SUBSIDIES.c.subject_id), primary_key=True),
    Index("ix_settlement_correction_lines_subject_id", "subject_id"),
)
"""Which subsidies a correction is about."""
