"""A statement as a table: the same lines in every form, and a head that says whose they are."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4
from zipfile import ZipFile

import pytest

from services.logistics.settlements import queries
from services.logistics.settlements.models import Settlement
from services.logistics.settlements.sheets import Head
from tests.services.logistics.settlements.settling import Settling, today
from tests.support.subsidies import RATE_FEN


async def test_the_same_lines_come_as_pages_csv_and_xlsx(settling: Settling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "STATEMENT_PAGE", 2)
    waybills = {"=1+1", "SF2", "运单3", "+4", "SF5"}
    match = await settling.courier.claimed()
    await settling.courier.register(*(settling.courier.parcel(match, waybill=each) for each in waybills))
    await settling.courier.tell(*((each, "delivered") for each in waybills))
    made = await settling.freezes()
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = (await settling.reads(made, f"?limit=2{after}")).json()
        seen += [line["waybill"] for line in page["items"]]
        after = page["next"] and f"&after={page['next']}"
    assert (set(seen), len(seen)) == (waybills, 5)
    as_csv = await settling.reads(made, Accept="text/csv")
    assert as_csv.headers["content-type"].startswith("text/csv")
    period = f"{today()}-{today()}"
    assert f'"settlement-{period}-{made["id"]}.csv"' in as_csv.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(as_csv.content.decode("utf-8-sig"))))
    assert [row["waybill"] for row in rows] == [f"'{each}" if each[0] in "=+" else each for each in seen]
    assert sum(int(row["amount_fen"]) for row in rows) == made["amount_fen"]
    head = (made["id"], "爱心助农", str(settling.courier.account_id), today(), today())
    names = ("settlement_id", "programme", "payee_id", "from", "to")
    assert {tuple(row[name] for name in names) for row in rows} == {head}
    form = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    as_xlsx = await settling.reads(made, Accept=form)
    assert as_xlsx.headers["content-disposition"].endswith('.xlsx"')
    sheet = ZipFile(io.BytesIO(as_xlsx.content)).read("xl/worksheets/sheet2.xml").decode()
    assert sheet.count("<row ") == 6
    assert "<f>" not in sheet, "no waybill is a formula"
    assert all(each in sheet for each in waybills)


def test_two_statements_of_one_day_do_not_pass_for_one() -> None:
    midnight = datetime(2026, 11, 21, 16, tzinfo=UTC)
    bounds = [midnight, midnight + timedelta(hours=12), midnight + timedelta(days=1)]
    morning, afternoon, whole = (
        Head(settlement(begins_at, ends_at), "爱心助农", "平台")
        for begins_at, ends_at in (*pairwise(bounds), (bounds[0], bounds[2]))
    )
    noon = "2026-11-22T12:00:00+08:00"
    assert [each.columns[-2:] for each in (morning, afternoon, whole)] == [
        ["2026-11-22", noon], [noon, "2026-11-22"], ["2026-11-22", "2026-11-22"],
    ]  # fmt: skip
    assert morning.file_name("settlement", "csv").startswith("settlement-2026-11-22-2026-11-22T120000-")
    assert afternoon.file_name("settlement", "csv").startswith("settlement-2026-11-22T120000-2026-11-22-")
    labels = [{english: value for _, english, value in each.rows()} for each in (morning, afternoon)]
    assert labels[0]["To, not included"] == labels[1]["From (Asia/Shanghai)"] == noon
    assert (labels[1]["To, included"], "To, included" in labels[0]) == ("2026-11-22", False)


def settlement(begins_at: datetime, ends_at: datetime) -> Settlement:
    ids = {name: uuid4() for name in ("id", "programme_id", "payee_id", "frozen_by")}
    counts = {"lines": 1, "amount_fen": RATE_FEN}
    return Settlement(party="carrier", begins_at=begins_at, ends_at=ends_at, frozen_at=ends_at, **ids, **counts)


async def test_a_workbook_begins_with_whose_it_is_of_what_and_for_when(settling: Settling) -> None:
    await settling.delivers(3)
    made = await settling.freezes()

    async def head() -> dict[str, str]:
        """The first sheet: its English labels, and what stands beside each."""
        form = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        book = ZipFile(io.BytesIO((await settling.reads(made, Accept=form)).content))
        assert "结算单 Statement" in book.read("xl/workbook.xml").decode()
        rows = re.findall(r"<row .*?</row>", book.read("xl/worksheets/sheet1.xml").decode())
        cells = [re.findall(r"<c [^>]*>.*?<(?:t|v)[^>]*>(.*?)</(?:t|v)>", row) for row in rows]
        return {english: value for _, english, value in cells}

    frozen = await head()
    assert (
        frozen.items()
        >= {
            "Statement": made["id"],
            "Programme": "爱心助农",
            "Funder": "平台",
            "Carrier": str(settling.courier.account_id),
            "From (Asia/Shanghai)": today(),
            "To, included": today(),
            "Lines": "3",
            "Amount, fen": str(3 * RATE_FEN),
            "Amount, CNY": str(3 * RATE_FEN // 100),
            "Status": "frozen",
        }.items()
    )
    assert "Transferred, fen" not in frozen
    assert (await settling.pays(made, "B-77")).status_code == 200
    assert (await head()).items() >= {
        "Status": "paid",
        "Reference of the payment": "B-77",
        "Owed when it was paid, fen": str(3 * RATE_FEN),
        "Kept for clawbacks, fen": "0",
        "Transferred, fen": str(3 * RATE_FEN),
    }.items()
