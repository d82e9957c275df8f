"""A clawback (追回): money that was paid to someone not entitled to it, from the notice to the last fen recovered."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, DateTime, ForeignKey, Index, Table, Uuid
from sqlalchemy import Text as SqlText
from sqlalchemy.orm import Mapped, mapped_column

from chassis.problems import Problem, Text
from services.logistics.programmes.models import Programme, SecondOfficerNeeded
from services.logistics.subsidy.models import SUBSIDIES
from services.logistics.tables import Base

RecoveryKind = Literal["netted", "repaid"]
Cause = Literal["returned_after_payment", "not_delivered", "false_weight", "duplicate", "other"]
Status = Literal["noticed", "objected", "upheld", "dismissed", "recovered"]


class ClaimedBackAlready(Problem):
    slug, status = "claimed-back-already", 409
    title = Text("已在追回之中", "It is being claimed back already")
    detail = Text("所列补贴已在另一追回案中。", "The subsidies listed are part of another clawback.")


class ObjectionPeriod(Problem):
    slug, status = "objection-period", 409
    title = Text("仍在申诉期内", "The objection period runs")
    detail = Text(
        "至 {until} 可以申诉；收到申诉后即可决定。",
        "Objections may come until {until}; once one has come it can be decided.",
    )
    members = ("until",)


class NoObjection(Problem):
    slug, status = "no-objection", 409
    title = Text("不能再申诉", "There is no objecting any more")
    detail = Text("此案现为 {state}，或申诉期已过。", "It is {state}, or the objection period is over.")


class DecidedClawback(Problem):
    slug, status = "clawback-decided", 409
    title = Text("此案已有决定", "The clawback has been decided")
    detail = Text("此案现为 {state}。", "It is {state}.")
    members = ("state",)


class NotRecoverable(Problem):
    slug, status = "not-recoverable", 409
    title = Text("不能如此追回", "So much can't be recovered")
    detail = Text("此案现为 {state}，尚余 {left_fen} 分。", "It is {state}, with {left_fen} fen left to recover.")
    members = ("state", "left_fen")


class RepaidOtherwise(Problem):
    slug, status = "repaid-otherwise", 409
    title = Text("此凭证号已记另一金额", "The reference stands with another amount")
    detail = Text("此凭证号已记 {amount_fen} 分。", "With this reference {amount_fen} fen were recovered.")
    members = ("amount_fen",)


class Clawback(Base):
    """`opened_by` None: the platform opened it, for parcels that came back after they were paid for. Its subsidies are
    in `CLAWBACK_LINES`, each part of what was recovered in `RECOVERIES`.
    """

    __tablename__ = "clawbacks"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    programme_id: Mapped[UUID] = mapped_column(ForeignKey(Programme.id))
    payee_id: Mapped[UUID] = mapped_column(Uuid)
    cause: Mapped[Cause] = mapped_column(SqlText)
    evidence: Mapped[str] = mapped_column(SqlText)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    recovered_fen: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[Status] = mapped_column(SqlText)
    opened_by: Mapped[UUID | None] = mapped_column(Uuid)
    noticed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    objection_until: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    objection: Mapped[str | None] = mapped_column(SqlText)
    objected_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decided_by: Mapped[UUID | None] = mapped_column(Uuid)
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    note: Mapped[str | None] = mapped_column(SqlText)

    __table_args__ = (
        CheckConstraint("recovered_fen BETWEEN 0 AND amount_fen", name="recovered"),
        Index(None, "payee_id", "id"),
        Index("ix_clawbacks_upheld", "programme_id", "payee_id", postgresql_where="status = 'upheld'"),
    )

    @property
    def left_fen(self) -> int:
        return self.amount_fen - self.recovered_fen

    def object(self, text: str, now: datetime) -> None:
        """Raises NoObjection once it is too late, or there was one."""
        if self.status != "noticed" or now >= self.objection_until:
            raise NoObjection(state=self.status)
        self.status, self.objection, self.objected_at = "objected", text, now

    def decide(self, decision: Literal["uphold", "dismiss"], note: str | None, officer_id: UUID, now: datetime) -> None:
        """Who opened it may only take it back (`dismiss`), and that at any time before.

        Raises DecidedClawback, SecondOfficerNeeded for who opened it, and ObjectionPeriod while none came.
        """
        if self.status not in {"noticed", "objected"}:
            raise DecidedClawback(state=self.status)
        takes_back = officer_id == self.opened_by and decision == "dismiss"
        if officer_id == self.opened_by and not takes_back:
            raise SecondOfficerNeeded()
        if self.status == "noticed" and now < self.objection_until and not takes_back:
            raise ObjectionPeriod(until=self.objection_until.isoformat())
        self.status = "upheld" if decision == "uphold" else "dismissed"
        self.decided_by, self.decided_at, self.note = officer_id, now, note

    def recover(self, amount_fen: int) -> None:
        """Raises NotRecoverable where it is not upheld, or less is left."""
        if self.status != "upheld" or not 0 < amount_fen <= self.left_fen:
            raise NotRecoverable(state=self.status, left_fen=self.left_fen)
        self.recovered_fen += amount_fen
        if self.left_fen == 0:
            self.status = "recovered"


CLAWBACK_LINES = Table(
    "clawback_lines",
    Base.metadata,
    Column("clawback_id", Uuid, ForeignKey(Clawback.id), primary_key=True),
    Column("subject_id", Uuid, ForeignKey(SUBSIDIES.c.subject_id), primary_key=True),
    Column("is_live", Boolean, nullable=False),
    Index("ix_clawback_lines_subject_id", "subject_id"),
    Index("uq_clawback_lines_subject_id", "subject_id", unique=True, postgresql_where="is_live"),
)
"""Which subsidies a clawback is about; of one that was dismissed they are live no more. A subsidy is live in one."""

RECOVERIES = Table(
    "clawback_recoveries",
    Base.metadata,
    Column("clawback_id", Uuid, ForeignKey(Clawback.id), primary_key=True),
    Column("kind", SqlText, primary_key=True),
    Column("reference", SqlText, primary_key=True),
    Column("amount_fen", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("uq_clawback_recoveries_repaid", "reference", unique=True, postgresql_where="kind = 'repaid'"),
)
"""What was recovered of a clawback: `netted` from the payment of a settlement (`reference` is its id), or `repaid` by a
transfer of the bank, which recovers once, of whatever clawback."""


def recovery_subject(clawback_id: UUID, kind: RecoveryKind, reference: str) -> str:
    """The business fact of a recovery, for the ledger: which clawback, by which payment."""
    return f"{clawback_id}\n{reference}" if kind == "netted" else f"{clawback_id}\n{kind}\n{reference}"
