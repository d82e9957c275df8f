"""A statement as a file: for people in their language, to the fen; for programs as the API has it."""

import csv
import io
import re
from decimal import Decimal
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import httpx
import pytest

from chassis.db import Database
from chassis.vault import Vault
from gateway.accounts.service import account_for
from gateway.pages import statements
from gateway.tokens import Signer
from tests.gateway.pages.played import Asked, Played
from tests.gateway.pages.programmes.test_programmes import (
    ID,
    OFFICER,
    OTHER,
    SETTLEMENT,
    a_programme,
    a_settlement,
)
from tests.gateway.support import bearer

HERE, API = f"/programmes/settlements/{SETTLEMENT}", f"/v1/settlements/{SETTLEMENT}"
ZH, EN = {"Accept-Language": "zh-CN"}, {"Accept-Language": "en"}
FEN = (200, 1, 99, 123_456_789, 30, 7)
"""Of each line: together no whole yuan."""
REVERSED = FEN[3]


def a_line(at: int) -> dict[str, Any]:
    return {
        "waybill": None if at == 1 else ("=1+1" if at == 2 else f"SF{at}"),
        "match_id": str(uuid4()),
        "posted_at": "2026-11-30T16:30:05Z",
        "amount_fen": FEN[at],
        "rule_version": 1,
        "state": "reversed" if at == 3 else "owed",
    }


@pytest.fixture
def logistics(monkeypatch: pytest.MonkeyPatch) -> Played:
    monkeypatch.setattr(statements, "LINES_A_PAGE", 2)
    played, lines = Played(), [a_line(at) for at in range(len(FEN))]
    frozen = {"lines": len(FEN), "amount_fen": sum(FEN), "frozen_at": "2026-12-01T16:00:00Z", "owed_fen": None}
    frozen |= {"due": {"owed_fen": sum(FEN) - REVERSED, "recovered_fen": 37, "paid_fen": 300}}
    frozen |= {"begins_at": "2026-11-30T16:00:00Z", "ends_at": "2026-12-01T16:00:00Z"}

    def told(asked: Asked) -> dict[str, Any]:
        after, limit = int(asked.query.get("after", ["0"])[0]), int(asked.query["limit"][0])
        following = str(after + limit) if after + limit < len(lines) else None
        return a_settlement() | frozen | {"items": lines[after : after + limit], "next": following}

    played.say(API, told)
    played.say(f"/v1/programmes/{ID}", a_programme())
    return played


@pytest.fixture
def upstreams(logistics: Played) -> dict[str, Any]:
    return {"logistics": logistics.upstream}


@pytest.fixture
def officer(signer: Signer) -> dict[str, str]:
    return bearer(signer, "programme_officer", OFFICER)


async def rows_of(client: httpx.AsyncClient, headers: dict[str, str]) -> list[list[str]]:
    answer = await client.get(f"{HERE}/statement.csv", headers=headers)
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def test_the_lines_for_people_come_to_the_statement_to_the_fen(
    client: httpx.AsyncClient, officer: dict[str, str]
) -> None:
    rows = await rows_of(client, officer | ZH)
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
        "应转账（元）": 300,
    }
    assert {name: Decimal(head[name]) * 100 for name in owed} == owed
    assert (head["笔数"], head["期间"]) == (str(len(FEN)), "2026-12-01")
    assert {line[2] for line in lines} == {"2026-12-01 00:30:05"}
    assert [line[5] for line in lines] == ["应付"] * 3 + ["已冲正"] + ["应付"] * 2
    assert lines[2][0] == "'=1+1", "no waybill is a formula"


async def test_the_workbook_has_amounts_as_numbers_that_come_to_the_statement(
    client: httpx.AsyncClient, officer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "SHEET_ROWS", 4)
    answer = await client.get(f"{HERE}/statement.xlsx", headers=officer | EN)
    assert answer.headers["content-disposition"].endswith('.xlsx"')
    book = ZipFile(io.BytesIO(answer.content))
    sheets = [book.read(f"xl/worksheets/sheet{number}.xml").decode() for number in (2, 3)]
    amounts = [Decimal(found) for sheet in sheets for found in re.findall(r'<c r="D\d+" s="\d+"><v>([^<]*)</v>', sheet)]
    assert [amount * 100 for amount in amounts] == [*FEN, sum(FEN) - REVERSED, REVERSED]
    assert all("Posted at (China&apos;s time)" in sheet.replace("'", "&apos;") for sheet in sheets), "on each"
    assert not any("<f>" in sheet for sheet in sheets)
    assert "statement-2026-12-01-2026-12-01" in answer.headers["content-disposition"]


async def test_a_file_names_its_payee_and_programme_in_the_language_of_the_page(
    client: httpx.AsyncClient, officer: dict[str, str], db: Database, vault: Vault, logistics: Played
) -> None:
    async with db.transaction() as session:
        carrier = await account_for(session, vault, "carrier", "=顺丰")
    told = logistics.answers["GET", API][1]
    logistics.say(API, lambda asked: told(asked) | {"carrier_id": str(carrier.id)})
    rows = await rows_of(client, officer | EN)
    head = dict(rows[: rows.index([])])
    assert (head["Payee"], head["Payee's id"]) == ("'=顺丰", str(carrier.id))
    assert (head["Programme"], head["Funder"], head["State"]) == ("助农<快递>", "供销社", "to be paid")
    assert rows[-1][0] == "Total"


async def test_a_carrier_has_the_same_without_the_programme_that_it_may_not_read(
    client: httpx.AsyncClient, signer: Signer, logistics: Played
) -> None:
    logistics.refuse(f"/v1/programmes/{ID}", "forbidden", 403, method="GET")
    path = f"/carrier/settlements/{SETTLEMENT}/statement.csv"
    answer = await client.get(path, headers=bearer(signer, "carrier", OTHER) | ZH)
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [Decimal(total[3]) * 100 for total in rows[-2:]] == [sum(FEN) - REVERSED, REVERSED]
    assert "补贴项目" not in {row[0] for row in rows if row}


async def test_programs_have_the_file_of_the_api_and_the_page_says_which_is_which(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    for path in ("/v1/flags", f"{API}/corrections"):
        logistics.say(path, {"items": [], "next": None})
    told = logistics.answers["GET", API][1]
    logistics.say(API, lambda asked: told(Asked("GET", API, {"limit": ["2"]}, {}, None)))
    page = (await client.get(HERE, headers=officer | EN)).text
    assert "For programs, in fen and UTC" in page
    for kind in ("xlsx", "csv", "data.csv"):
        assert f'href="{HERE}/statement.{kind}"' in page
    await client.get(f"{HERE}/statement.data.csv", headers=officer)
    assert logistics.requests("GET", API)[-1].headers["accept"] == "text/csv"


async def test_what_is_none_of_the_readers_is_not_found(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    del logistics.answers["GET", API]
    for kind in ("xlsx", "csv", "data.csv"):
        assert (await client.get(f"{HERE}/statement.{kind}", headers=officer)).status_code == 404, kind
    assert (await client.get(f"{HERE}/statement.exe", headers=officer)).status_code == 404
