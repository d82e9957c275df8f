"""Tables as CSV and XLSX, of any length, written a page of rows at a time: whatever they say, and to whom."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, Final

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MARK: Final = "\ufeff"
"""The byte order mark, by which spreadsheets know that it is UTF-8."""
SHEET_ROWS: Final = 1_000_000
"""A sheet holds no more than 1,048,576."""
CHUNK_B: Final = 1 << 16
MONEY: Final = "#,##0.00"
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""

Cell = str | int | Decimal
Row = Sequence[Cell]
Pages = AsyncIterator[Iterable[Row]]
"""Each is gone through once, in a thread."""


@dataclass(frozen=True, slots=True)
class Sheets:
    """A workbook: a sheet of what stands above the rows, labels and a value each, then as many as the rows need."""

    head_name: str
    head: Sequence[Row]
    rows_name: str
    columns: Row
    widths: Sequence[int] = ()
    """In characters, of the columns; and of the head's."""
    head_widths: Sequence[int] = ()


async def as_csv(above: Sequence[Row], pages: Pages) -> AsyncIterator[bytes]:
    """What stands above the rows, their names last, and then the rows."""
    yield (MARK + _csv_of(above)).encode()
    async for page in pages:
        yield (await asyncio.to_thread(_csv_of, page)).encode()


async def as_xlsx(sheets: Sheets, pages: Pages) -> AsyncIterator[bytes]:
    """Kept in a folder until it is whole, never in memory; whoever hangs up leaves nothing there."""
    with TemporaryDirectory() as folder, TemporaryFile() as file:
        book = _Book(file, folder, sheets)
        async for page in pages:
            await asyncio.to_thread(book.write, page)
        await asyncio.to_thread(book.close)
        file.seek(0)
        while chunk := file.read(CHUNK_B):
            yield chunk


class _Book:
    def __init__(self, file: Any, folder: str, sheets: Sheets) -> None:
        from xlsxwriter import Workbook

        self._book = Workbook(file, {"constant_memory": True, "tmpdir": folder})
        self._bold = self._book.add_format({"bold": True})
        self._money = self._book.add_format({"num_format": MONEY})
        self._told, self._sheets = sheets, 0
        self._write_head()
        self._begin()

    def write(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if self._row > SHEET_ROWS:
                self._begin()
            self._put(self._sheet, self._row, row)
            self._row += 1

    def close(self) -> None:
        self._book.close()

    def _write_head(self) -> None:
        sheet = self._added(self._told.head_name, self._told.head_widths)
        for number, (*labels, value) in enumerate(self._told.head):
            self._put(sheet, number, labels, style=self._bold)
            self._put(sheet, number, (value,), len(labels))

    def _begin(self) -> None:
        self._sheets += 1
        name = self._told.rows_name
        self._sheet = self._added(name if self._sheets == 1 else f"{name} {self._sheets}", self._told.widths)
        self._sheet.freeze_panes(1, 0)
        self._put(self._sheet, 0, self._told.columns, style=self._bold)
        self._row = 1

    def _added(self, name: str, widths: Sequence[int]) -> Any:
        sheet = self._book.add_worksheet(name)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        return sheet

    def _put(self, sheet: Any, number: int, row: Row, first: int = 0, style: Any = None) -> None:
        for column, cell in enumerate(row, first):
            if isinstance(cell, str):  # and stays text: what looks like a formula, a number or an address is none
                sheet.write_string(number, column, cell, style)
            else:
                sheet.write_number(number, column, cell, self._money if isinstance(cell, Decimal) else style)


def _csv_of(rows: Iterable[Row]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(list(map(_harmless, row)) for row in rows)
    return text.getvalue()


def _harmless(cell: Cell) -> Cell:
    """A text that a spreadsheet would take for a formula has an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
