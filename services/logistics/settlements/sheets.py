"""A statement as a table: CSV and XLSX, made a page at a time."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, Final

from chassis.db import Database
from services.logistics.settlements.models import Settlement
from services.logistics.settlements.queries import Line, pages_of

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
COLUMNS: Final = ("waybill", "match_id", "posted_at", "amount_fen", "rule_version", "state")
SHEET_ROWS: Final = 1_000_000
"""A sheet holds no more than 1,048,576."""
CHUNK_B: Final = 1 << 16
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


async def as_csv(db: Database, settlement: Settlement) -> AsyncIterator[bytes]:
    """With a byte order mark, by which spreadsheets know that it is UTF-8."""
    yield _csv_of([list(COLUMNS)]).encode("utf-8-sig")
    async for page in pages_of(db, settlement.id):
        yield (await asyncio.to_thread(_csv_of, [_cells(line) for line in page])).encode()


async def as_xlsx(db: Database, settlement: Settlement) -> AsyncIterator[bytes]:
    """Kept in a folder until it is whole, never in memory; whoever hangs up leaves nothing there."""
    with TemporaryDirectory() as folder, TemporaryFile() as file:
        book = _Book(file, folder)
        async for page in pages_of(db, settlement.id):
            await asyncio.to_thread(book.write, page)
        await asyncio.to_thread(book.close)
        file.seek(0)
        while chunk := file.read(CHUNK_B):
            yield chunk


class _Book:
    def __init__(self, file: Any, folder: str) -> None:
        from xlsxwriter import Workbook

        # what is text stays text: a waybill that looks like a formula, a number or an address is none
        guess = dict.fromkeys(("strings_to_numbers", "strings_to_formulas", "strings_to_urls"), False)
        self._book = Workbook(file, {"constant_memory": True, "tmpdir": folder, **guess})
        self._begin()

    def write(self, lines: Sequence[Line]) -> None:
        for line in lines:
            if self._row > SHEET_ROWS:
                self._begin()
            self._sheet.write_row(self._row, 0, _cells(line))
            self._row += 1

    def close(self) -> None:
        self._book.close()

    def _begin(self) -> None:
        self._sheet = self._book.add_worksheet()
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


def _csv_of(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(list(map(_harmless, row)) for row in rows)
    return text.getvalue()


def _harmless(cell: object) -> object:
    """A text that a spreadsheet would take for a formula has an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
