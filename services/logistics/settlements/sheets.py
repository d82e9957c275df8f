"""A statement as a table: CSV and XLSX, made a page at a time.

An accountant wants to see whose it is, of what and for when. The workbook says so on a sheet of its own before the
lines. A CSV is read by programs and stays one table: each of its lines says so, and so does the file's name.
"""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, Final

from catalogue.days import CHINA, local_day
from chassis.db import Database
from services.logistics.settlements.models import Settlement
from services.logistics.settlements.queries import Line, pages_of

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
COLUMNS: Final = ("waybill", "match_id", "posted_at", "amount_fen", "rule_version", "state")
HEAD_COLUMNS: Final = ("settlement_id", "programme", "payee_id", "from", "to")
HEAD_SHEET, LINES_SHEET = "结算单 Statement", "明细 Lines"
HEAD_WIDTHS: Final = (18, 24, 44)
FEN_PER_YUAN: Final = 100
SHEET_ROWS: Final = 1_000_000
"""A sheet holds no more than 1,048,576."""
CHUNK_B: Final = 1 << 16
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


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

    def file_name(self, suffix: str) -> str:
        begins, ends = (each.partition("+")[0].replace(":", "") for each in (self.begins, self.ends))
        return f"settlement-{begins}-{ends}-{self.settlement.id}.{suffix}"

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


async def as_csv(db: Database, head: Head) -> AsyncIterator[bytes]:
    """With a byte order mark, by which spreadsheets know that it is UTF-8."""
    yield _csv_of([[*COLUMNS, *HEAD_COLUMNS]]).encode("utf-8-sig")
    async for page in pages_of(db, head.settlement.id):
        yield (await asyncio.to_thread(_csv_of, [[*_cells(line), *head.columns] for line in page])).encode()


async def as_xlsx(db: Database, head: Head) -> AsyncIterator[bytes]:
    """Kept in a folder until it is whole, never in memory; whoever hangs up leaves nothing there."""
    with TemporaryDirectory() as folder, TemporaryFile() as file:
        book = _Book(file, folder, head)
        async for page in pages_of(db, head.settlement.id):
            await asyncio.to_thread(book.write, page)
        await asyncio.to_thread(book.close)
        file.seek(0)
        while chunk := file.read(CHUNK_B):
            yield chunk


class _Book:
    def __init__(self, file: Any, folder: str, head: Head) -> None:
        from xlsxwriter import Workbook

        # what is text stays text: a waybill that looks like a formula, a number or an address is none
        guess = dict.fromkeys(("strings_to_numbers", "strings_to_formulas", "strings_to_urls"), False)
        self._book = Workbook(file, {"constant_memory": True, "tmpdir": folder, **guess})
        self._sheets = 0
        self._write_head(head)
        self._begin()

    def write(self, lines: Sequence[Line]) -> None:
        for line in lines:
            if self._row > SHEET_ROWS:
                self._begin()
            self._sheet.write_row(self._row, 0, _cells(line))
            self._row += 1

    def close(self) -> None:
        self._book.close()

    def _write_head(self, head: Head) -> None:
        sheet = self._book.add_worksheet(HEAD_SHEET)
        for column, width in enumerate(HEAD_WIDTHS):
            sheet.set_column(column, column, width)
        for number, row in enumerate(head.rows()):
            sheet.write_row(number, 0, row)

    def _begin(self) -> None:
        self._sheets += 1
        self._sheet = self._book.add_worksheet(LINES_SHEET if self._sheets == 1 else f"{LINES_SHEET} {self._sheets}")
        self._sheet.write_row(0, 0, COLUMNS)
        self._row = 1


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


def _csv_of(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(list(map(_harmless, row)) for row in rows)
    return text.getvalue()


def _harmless(cell: object) -> object:
    """A text that a spreadsheet would take for a formula has an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
