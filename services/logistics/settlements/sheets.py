"""A statement as a table for programs and books: CSV and XLSX, in fen and UTC.

An accountant wants to see whose it is, of what and for when. The workbook says so on a sheet of its own before the
lines. A CSV is read by programs and stays one table: each of its lines says so, and so does the file's name.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Final

from catalogue.days import CHINA, local_day
from chassis.db import Database
from services.logistics.settlements import tables
from services.logistics.settlements.models import Settlement
from services.logistics.settlements.queries import Line, pages_of

COLUMNS: Final = ("waybill", "match_id", "posted_at", "amount_fen", "rule_version", "state")
HEAD_COLUMNS: Final = ("settlement_id", "programme", "payee_id", "from", "to")
HEAD_SHEET, LINES_SHEET = "结算单 Statement", "明细 Lines"
HEAD_WIDTHS: Final = (18, 24, 44)
FEN_PER_YUAN: Final = 100


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above the lines of a statement."""

    settlement: Settlement
    programme: str
    funder: str

    @property
    def begins(self) -> str:
        """The first day; or from which instant on, where that is in the middle of one."""
        return _bound(self.settlement.begins_at, self.settlement.begins_at)

    @property
    def ends(self) -> str:
        """The last day, included; or before which instant."""
        return _bound(self.settlement.ends_at, self.settlement.ends_at - timedelta(microseconds=1))

    @property
    def columns(self) -> list[str]:
        """`HEAD_COLUMNS` of every line."""
        settlement = self.settlement
        return [str(settlement.id), self.programme, str(settlement.payee_id), self.begins, self.ends]

    def file_name(self, kind: str, suffix: str) -> str:
        begins, ends = (each.partition("+")[0].replace(":", "") for each in (self.begins, self.ends))
        return f"{kind}-{begins}-{ends}-{self.settlement.id}.{suffix}"

    def rows(self) -> list[tuple[str, str, str | int | Decimal]]:
        """In Chinese, in English, and what it is; of what was not paid yet nothing about that."""
        settlement = self.settlement
        payee = ("承运商", "Carrier") if settlement.party == "carrier" else ("生产者", "Producer")
        till = ("止（含）", "To, included") if _is_midnight(settlement.ends_at) else ("止（不含）", "To, not included")
        rows: list[tuple[str, str, str | int | Decimal | None]] = [
            ("结算单号", "Statement", str(settlement.id)),
            ("补贴项目", "Programme", self.programme),
            ("项目标识", "Programme id", str(settlement.programme_id)),
            ("出资方", "Funder", self.funder),
            (*payee, str(settlement.payee_id)),
            ("起（含，北京时间）", "From (Asia/Shanghai)", self.begins),
            (*till, self.ends),
            ("冻结时间", "Frozen at", settlement.frozen_at.isoformat()),
            ("行数", "Lines", settlement.lines),
            ("金额，分", "Amount, fen", settlement.amount_fen),
            ("金额，元", "Amount, CNY", _yuan(settlement.amount_fen)),
            ("状态", "Status", settlement.status),
            ("拨付凭证号", "Reference of the payment", settlement.reference),
            ("拨付时间", "Paid at", settlement.paid_at.isoformat() if settlement.paid_at else None),
            ("拨付时应付，分", "Owed when it was paid, fen", settlement.owed_fen),
            ("扣作追回，分", "Kept for clawbacks, fen", settlement.recovered_fen),
            ("实付，分", "Transferred, fen", settlement.paid_fen),
            ("实付，元", "Transferred, CNY", _yuan(settlement.paid_fen)),
        ]
        return [(zh, en, value) for zh, en, value in rows if value is not None]


def as_csv(db: Database, head: Head) -> AsyncIterator[bytes]:
    """One table, each line with what the statement is."""
    return tables.as_csv([[*COLUMNS, *HEAD_COLUMNS]], _rows(db, head, head.columns))


def as_xlsx(db: Database, head: Head) -> AsyncIterator[bytes]:
    """What the statement is on a sheet of its own, then its lines."""
    sheets = tables.Sheets(HEAD_SHEET, head.rows(), LINES_SHEET, COLUMNS, head_widths=HEAD_WIDTHS)
    return tables.as_xlsx(sheets, _rows(db, head, ()))


async def _rows(db: Database, head: Head, more: Sequence[str]) -> tables.Pages:
    async for page in pages_of(db, head.settlement.id):
        yield ([*_cells(line), *more] for line in page)


def _cells(line: Line) -> list[str | int]:
    return [
        line.waybill or "",
        str(line.match_id),
        line.posted_at.isoformat(),
        line.amount_fen,
        line.rule_version,
        line.state,
    ]


def _bound(instant: datetime, on: datetime) -> str:
    """The day that it is `on`, where it is a midnight of China's; else itself, in China's time."""
    return local_day(on).isoformat() if _is_midnight(instant) else instant.astimezone(CHINA).isoformat()


def _is_midnight(instant: datetime) -> bool:
    return instant.astimezone(CHINA).time() == time()


def _yuan(fen: int | None) -> Decimal | None:
    return None if fen is None else Decimal(fen) / FEN_PER_YUAN
