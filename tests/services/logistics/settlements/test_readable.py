"""A statement as a file for people: in their language, to the fen, with the payee by the name that they gave."""

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import uuid4
from zipfile import ZipFile

import pytest

from chassis.db import Database
from chassis.problems import Language
from services.logistics.settlements import queries, readable, tables
from services.logistics.settlements.models import Due
from services.logistics.settlements.queries import Line
from services.logistics.settlements.readable import Readable
from services.logistics.settlements.sheets import Head
from services.logistics.settlements.tables import CSV, XLSX
from tests.services.logistics.settlements.settling import Settling, today
from tests.services.logistics.settlements.test_sheets import settlement
from tests.support.subsidies import RATE_FEN

MIDNIGHT = datetime(2026, 11, 30, 16, tzinfo=UTC)
FEN = (200, 1, 99, 123_456_789, 30, 7)
"""Of each line: together no whole yuan."""
REVERSED = FEN[3]
NO_DATABASE = cast("Database", None)


def a_line(at: int) -> Line:
    return Line(
        subject_id=uuid4(),
        waybill=None if at == 1 else ("=1+1" if at == 2 else f"SF{at}"),
        match_id=uuid4(),
        posted_at=datetime(2026, 11, 30, 16, 30, 5, tzinfo=UTC),
        amount_fen=FEN[at],
        rule_version=1,
        state="reversed" if at == 3 else "owed",
    )


@pytest.fixture(autouse=True)
def _lines(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those lines, two a page, but for tests that settle some of their own."""
    if "settling" in request.fixturenames:
        return

    async def pages(_db: Any, _settlement_id: Any) -> AsyncIterator[list[Line]]:
        for first in range(0, len(FEN), 2):
            yield [a_line(at) for at in range(first, first + 2)]

    monkeypatch.setattr(readable, "pages_of", pages)


def of(language: Language, payee: str = "") -> Readable:
    made = settlement(MIDNIGHT, MIDNIGHT + timedelta(days=1))
    made.lines, made.amount_fen = len(FEN), sum(FEN)
    due = Due(owed_fen=sum(FEN) - REVERSED, recovered_fen=37)
    return Readable(Head(made, "助农<快递>", "供销社"), due, language, payee)


async def rows_of(statement: Readable) -> list[list[str]]:
    written = b"".join([chunk async for chunk in statement.as_csv(NO_DATABASE)])
    return list(csv.reader(io.StringIO(written.decode("utf-8-sig"))))


async def test_the_lines_come_to_the_statement_to_the_fen() -> None:
    rows = await rows_of(of("zh-CN"))
    parted = rows.index([])
    head, columns, lines, totals = dict(rows[:parted]), rows[parted + 1], rows[parted + 2 : -2], rows[-2:]
    assert columns == ["面单号", "匹配编号", "记账时间（北京时间）", "金额（元）", "版本", "状态"]
    assert len(lines) == len(FEN)
    amounts = [Decimal(line[3]) for line in lines]
    assert [amount * 100 for amount in amounts] == list(FEN)
    assert all(re.fullmatch(r"\d+\.\d\d", line[3]) for line in lines)
    assert sum(amounts) == Decimal(head["金额（元）"]) == Decimal(sum(FEN)) / 100
    told = [(total[0], Decimal(total[3]) * 100, total[5]) for total in totals]
    assert told == [("合计", sum(FEN) - REVERSED, "应付"), ("合计", REVERSED, "已冲正")], "never in one sum"
    owed = {
        "已冲正，不付（元）": REVERSED,
        "现应付（元）": sum(FEN) - REVERSED,
        "其中抵扣追回（元）": 37,
        "应转账（元）": sum(FEN) - REVERSED - 37,
    }
    assert {name: Decimal(head[name]) * 100 for name in owed} == owed
    assert (head["笔数"], head["期间"]) == (str(len(FEN)), "2026-12-01")
    assert {line[2] for line in lines} == {"2026-12-01 00:30:05"}
    assert [line[5] for line in lines] == ["应付"] * 3 + ["已冲正"] + ["应付"] * 2
    assert lines[2][0] == "'=1+1", "no waybill is a formula"


async def test_the_workbook_has_amounts_as_numbers_that_come_to_the_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "SHEET_ROWS", 4)
    book = ZipFile(io.BytesIO(b"".join([chunk async for chunk in of("en").as_xlsx(NO_DATABASE)])))
    sheets = [book.read(f"xl/worksheets/sheet{number}.xml").decode() for number in (2, 3)]
    amounts = [Decimal(found) for sheet in sheets for found in re.findall(r'<c r="D\d+" s="\d+"><v>([^<]*)</v>', sheet)]
    assert [amount * 100 for amount in amounts] == [*FEN, sum(FEN) - REVERSED, REVERSED]
    assert all("Posted at (China&apos;s time)" in sheet.replace("'", "&apos;") for sheet in sheets), "on each"
    assert not any("<f>" in sheet for sheet in sheets)


async def test_it_names_its_payee_and_programme_in_the_language_that_was_asked_for() -> None:
    rows = await rows_of(of("en", "=顺丰"))
    head = dict(rows[: rows.index([])])
    assert head["Payee"] == "'=顺丰"
    assert (head["Programme"], head["Funder"], head["State"]) == ("助农<快递>", "供销社", "to be paid")
    assert rows[-1][0] == "Total"
    assert "Payee" not in {row[0] for row in await rows_of(of("en")) if row}, "of no name nothing is said"


async def test_the_api_writes_it_for_who_names_a_language(settling: Settling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "STATEMENT_PAGE", 2)
    await settling.delivers(3)
    made = await settling.freezes()
    answer = await settling.reads(made, "?language=en&payee_name=%E9%A1%BA%E4%B8%B0", Accept=CSV)
    assert answer.headers["content-type"].startswith(CSV)
    assert f'"statement-{today()}-{today()}-{made["id"]}.csv"' in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    head, total = dict(rows[: rows.index([])]), rows[-1]
    assert (head["Payee"], head["Programme"], head["Lines"]) == ("顺丰", "爱心助农", "3")
    assert Decimal(head["To transfer (CNY)"]) * 100 == 3 * RATE_FEN
    assert (total[0], Decimal(total[3]) * 100, total[5]) == ("Total", 3 * RATE_FEN, "owed")
    assert (await settling.pays(made, "B-77")).status_code == 200
    paid = await settling.reads(made, "?language=zh-CN", Accept=XLSX)
    assert paid.headers["content-disposition"].endswith('.xlsx"')
    book = ZipFile(io.BytesIO(paid.content))
    assert '"结算单"' in book.read("xl/workbook.xml").decode()
    head_sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "B-77" in head_sheet
    assert "实付（元）" in head_sheet
    assert "应转账（元）" not in head_sheet
    refused = await settling.reads(made, "?language=fr", Accept=CSV)
    assert refused.status_code == 422
