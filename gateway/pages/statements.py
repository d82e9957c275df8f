"""A statement as a file. For people: in the language of the page, yuan, the clocks of China, the payee by name. For
programs: as the API has it, in fen and UTC. Both by the reader's own right."""

import asyncio
import csv
import io
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, Literal
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from chassis.problems import NotFound
from gateway.fetch import Sent, fetch
from gateway.pages.naming import names_of
from gateway.pages.reader import Reader
from gateway.pages.render import reader_language
from gateway.pages.shown import at, last_day, period
from gateway.pages.shown import day as day_of
from gateway.pages.texts import texts
from gateway.proxy import ServiceUnavailable

FileKind = Literal["xlsx", "csv", "data.csv"]
CSV = "text/csv"
TYPES: Mapping[str, str] = {
    "csv": f"{CSV}; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
WAIT_S = 30.0
HANDED_ON = ("content-type", "content-disposition")
LINES_A_PAGE = 500
SHEET_ROWS = 1_000_000
"""A sheet holds no more than 1,048,576."""
CHUNK_B = 1 << 16
MARK = "\ufeff"
"""Without it Excel takes UTF-8 for something else."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""
COLUMNS = ("settlements.waybill", "settlements.match", "settlements.posted.china", "settlements.amount")
COLUMNS_MORE = ("programmes.version", "settlements.status")
AMOUNT = len(COLUMNS) - 1
STATES = ("owed", "paid", "reversed", "came_back")
"""Of lines, in the order of their totals."""
WIDTHS = (24, 40, 22, 14, 10, 14)

Cell = str | int | Decimal
Row = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A statement to write: what stands above its lines, their columns, and what their total is called."""

    head: Sequence[tuple[str, Cell]]
    columns: Sequence[str]
    total: str
    t: Callable[[str], str]


async def statement_file(request: Request, reader: Reader, settlement_id: UUID, kind: FileKind) -> Response:
    """Raises Refused, NotFound, ServiceUnavailable."""
    if kind == "data.csv":
        return await _for_programs(request, settlement_id)
    said = await reader.api.get(f"/v1/settlements/{settlement_id}", limit=LINES_A_PAGE)
    payee = said["carrier_id"] or said["producer_id"]
    names = await names_of(request, [payee])
    programme = await reader.api.ask(f"/v1/programmes/{said['programme_id']}")  # which the payee may not read
    t = texts(reader.language)
    head = _head(said, programme.said if programme.ok else {}, names.get(payee, ""), t)
    columns = [t(name) for name in (*COLUMNS, *COLUMNS_MORE)]
    sheet = Sheet(head, columns, t("settlements.total"), t)
    written = (as_csv if kind == "csv" else as_xlsx)(sheet, _pages(reader, said))
    days = f"{day_of(said['begins_at'])}-{last_day(said['ends_at'])}"
    disposition = f'attachment; filename="statement-{days}-{settlement_id}.{kind}"'
    headers = {"Content-Disposition": disposition, "Cache-Control": "private, no-store"}
    return StreamingResponse(written, media_type=TYPES[kind], headers=headers)


async def as_csv(sheet: Sheet, pages: AsyncIterator[Sequence[Mapping[str, Any]]]) -> AsyncIterator[bytes]:
    """The head, an empty line, then the lines and what they come to."""
    yield (MARK + _csv_of([*sheet.head, (), sheet.columns])).encode()
    fen: Counter[str] = Counter()
    async for lines in pages:
        _add(fen, lines)
        yield _csv_of(_cells(line, sheet.t) for line in lines).encode()
    yield _csv_of(_totals(sheet, fen)).encode()


async def as_xlsx(sheet: Sheet, pages: AsyncIterator[Sequence[Mapping[str, Any]]]) -> AsyncIterator[bytes]:
    """The head on a sheet of its own. It is kept in a folder until it is whole, never in memory."""
    with TemporaryDirectory() as folder, TemporaryFile() as file:
        book, fen = _Book(file, folder, sheet), Counter[str]()
        async for lines in pages:
            _add(fen, lines)
            await asyncio.to_thread(book.write, [_cells(line, sheet.t) for line in lines])
        book.write(_totals(sheet, fen))
        await asyncio.to_thread(book.close)
        file.seek(0)
        while chunk := file.read(CHUNK_B):
            yield chunk


class _Book:
    def __init__(self, file: Any, folder: str, sheet: Sheet) -> None:
        from xlsxwriter import Workbook

        # what is text stays text: a waybill that looks like a formula, a number or an address is none
        guess = dict.fromkeys(("strings_to_numbers", "strings_to_formulas", "strings_to_urls"), False)
        self._book = Workbook(file, {"constant_memory": True, "tmpdir": folder, **guess})
        self._money = self._book.add_format({"num_format": "#,##0.00"})
        self._bold = self._book.add_format({"bold": True})
        self._sheet_of, self._sheets = sheet, 0
        head = self._book.add_worksheet(sheet.t("settlements.statement"))
        head.set_column(0, 0, 24, self._bold)
        head.set_column(1, 1, 44)
        for number, (label, value) in enumerate(sheet.head):
            head.write_string(number, 0, label, self._bold)
            self._put(head, number, 1, value)
        self._begin()

    def write(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if self._row > SHEET_ROWS:
                self._begin()
            for column, cell in enumerate(row):
                self._put(self._sheet, self._row, column, cell)
            self._row += 1

    def close(self) -> None:
        self._book.close()

    def _put(self, sheet: Any, row: int, column: int, cell: Cell) -> None:
        sheet.write(row, column, cell, self._money if isinstance(cell, Decimal) else None)

    def _begin(self) -> None:
        self._sheets += 1
        name = self._sheet_of.t("settlements.items")
        self._sheet = self._book.add_worksheet(name if self._sheets == 1 else f"{name} {self._sheets}")
        for column, width in enumerate(WIDTHS):
            self._sheet.set_column(column, column, width)
        self._sheet.freeze_panes(1, 0)
        self._sheet.write_row(0, 0, self._sheet_of.columns, self._bold)
        self._row = 1


async def _pages(reader: Reader, said: Mapping[str, Any]) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
    """Its lines, beginning with those that are there. Raises Refused and ServiceUnavailable, which break a file off."""
    while True:
        yield said["items"]
        if said["next"] is None:
            return
        said = await reader.api.get(f"/v1/settlements/{said['id']}", after=said["next"], limit=LINES_A_PAGE)


def _head(
    said: Mapping[str, Any], programme: Mapping[str, Any], payee: str, t: Callable[[str], str]
) -> list[tuple[str, Cell]]:
    """What it is about; of what is not known, or was not paid yet, nothing."""
    due = said["due"] or {}
    told: list[tuple[str, Cell | None]] = [
        (t("settlements.number"), said["id"]),
        (t("settlements.programme"), programme.get("name")),
        (t("programmes.funder"), programme.get("funder")),
        (t("settlements.payee"), payee),
        (t("settlements.payee.id"), said["carrier_id"] or said["producer_id"]),
        (t("settlements.period"), period(said["begins_at"], said["ends_at"])),
        (t("settlements.frozen"), _clock(said["frozen_at"])),
        (t("settlements.count"), said["lines"]),
        (t("settlements.amount"), _yuan(said["amount_fen"])),
        (t("settlements.status"), t(f"settlements.status.{said['status']}")),
        (t("settlements.reference"), said["reference"]),
        (t("settlements.paid_at"), said["paid_at"] and _clock(said["paid_at"])),
        (t("settlements.reversed"), _yuan(said["amount_fen"] - (said["due"] or said)["owed_fen"])),
        (t("settlements.owed.now"), _yuan_if_any(due.get("owed_fen"))),
        (t("settlements.recovered.now"), _yuan_if_any(due.get("recovered_fen"))),
        (t("settlements.to_pay"), _yuan_if_any(due.get("paid_fen"))),
        (t("settlements.owed"), _yuan_if_any(said["owed_fen"])),
        (t("settlements.recovered"), _yuan_if_any(said["recovered_fen"])),
        (t("settlements.paid"), _yuan_if_any(said["paid_fen"])),
    ]
    return [(label, value) for label, value in told if value not in (None, "")]


def _cells(line: Mapping[str, Any], t: Callable[[str], str]) -> Row:
    amount, state = _yuan(line["amount_fen"]), t(f"settlements.line.{line['state']}")
    return line["waybill"] or "", line["match_id"], _clock(line["posted_at"]), amount, line["rule_version"], state


def _add(fen: Counter[str], lines: Sequence[Mapping[str, Any]]) -> None:
    """Count what these lines come to, by their state."""
    for line in lines:
        fen[line["state"]] += line["amount_fen"]


def _totals(sheet: Sheet, fen: Mapping[str, int]) -> list[Row]:
    """Of each state that there is: what is reversed, or came back, is never added to what is owed."""
    blank = [""] * (AMOUNT - 1)
    return [
        (sheet.total, *blank, _yuan(fen[each]), "", sheet.t(f"settlements.line.{each}"))
        for each in STATES
        if each in fen
    ]


def _yuan(fen: int) -> Decimal:
    """Exact, with two decimals."""
    return Decimal(fen).scaleb(-2)


def _yuan_if_any(fen: int | None) -> Decimal | None:
    return None if fen is None else _yuan(fen)


def _clock(instant: str) -> str:
    return at(instant).strftime("%Y-%m-%d %H:%M:%S")


def _csv_of(rows: Iterable[Sequence[Cell]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(list(map(_harmless, row)) for row in rows)
    return text.getvalue()


def _harmless(cell: Cell) -> Cell:
    """A text that a spreadsheet would take for a formula has an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


async def _for_programs(request: Request, settlement_id: UUID) -> Response:
    """The CSV as the API gives it. Raises NotFound, ServiceUnavailable."""
    logistics = request.app.state.upstreams.get("logistics")
    if logistics is None:
        raise ServiceUnavailable()
    answer = await fetch(
        logistics,
        f"/v1/settlements/{settlement_id}",
        accept=CSV,
        language=reader_language(request),
        sent=Sent(request.headers.get("authorization", "")),
        wait_s=WAIT_S,
    )
    if answer.status in {403, 404}:
        raise NotFound()
    if answer.status != 200:
        raise ServiceUnavailable()
    headers = {name: answer.headers[name] for name in HANDED_ON if name in answer.headers}
    return Response(bytes(answer.body), headers=headers)
