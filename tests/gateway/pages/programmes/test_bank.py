"""A bank's list on its page: what fits and what does not, to the fen; and which line can't be read."""

import re
from datetime import datetime, tzinfo
from typing import Any, Self

import httpx
import pytest
from fastapi import Request

from gateway.pages.programmes import bank
from gateway.pages.programmes.bank import LISTED_MAX
from gateway.tokens import Signer
from tests.gateway.pages.played import Asked, Played
from tests.gateway.pages.programmes.test_programmes import EN
from tests.gateway.support import bearer

HERE, API = "/programmes/bank", "/v1/settlements/reconcile"
DAYS = {"from": "2026-12-01", "to": "2026-12-31"}
LISTS = ("matched", "off", "doubled", "missing", "unknown")
NOTHING: dict[str, Any] = {
    "is_clean": True,
    "counts": dict.fromkeys(LISTS, 0),
    "matched_fen": 0,
    **{name: [] for name in LISTS},
}
FILE = "凭证号,金额\nB-1,550.00\n".encode("gb18030")


@pytest.fixture
def brought() -> list[bytes]:
    """The files that logistics was brought."""
    return []


@pytest.fixture
def logistics(brought: list[bytes]) -> Played:
    played = Played(takes=brought)
    played.say(API, NOTHING, method="POST")
    return played


@pytest.fixture
def auditor(signer: Signer) -> dict[str, str]:
    return bearer(signer, "auditor") | EN


async def sent(client: httpx.AsyncClient, headers: dict[str, str], file: bytes = FILE) -> httpx.Response:
    return await client.post(HERE, data=DAYS, files={"file": ("bank.csv", file, "text/csv")}, headers=headers)


async def test_the_file_goes_on_as_it_is_with_the_days(
    client: httpx.AsyncClient, auditor: dict[str, str], logistics: Played, brought: list[bytes]
) -> None:
    page = await sent(client, auditor)
    assert (page.status_code, "All of it matches." in page.text) == (200, True)
    (asked,) = logistics.requests("POST", API)
    days = {name: [day] for name, day in DAYS.items()}
    assert (asked.query, asked.headers["content-type"]) == (days | {"limit": [str(LISTED_MAX)]}, "text/csv")
    assert brought == [FILE]


async def test_what_does_not_fit_is_listed_to_the_fen(
    client: httpx.AsyncClient, auditor: dict[str, str], logistics: Played
) -> None:
    off = {"reference": "B-2", "expected_fen": 123_456, "bank_fen": 123_455, "off_by_fen": -1, "line": 3}
    found = {
        "is_clean": False,
        "counts": {"matched": 2, "off": 1, "doubled": 2, "missing": 1, "unknown": 0},
        "matched_fen": 55_001,
        "matched": [{"reference": "B-1", "amount_fen": 55_000}, {"reference": "B-0", "amount_fen": 1}],
        "off": [off],
        "doubled": [{"reference": "B-<3>", "amount_fen": 100, "line": line} for line in (4, 5)],
        "missing": [{"reference": "B-6", "amount_fen": 700}],
        "unknown": [],
    }
    logistics.say(API, found, method="POST")
    page = (await sent(client, auditor)).text
    for shown in (
        "matched 2 · 550.01 CNY",
        "1,234.56",
        "1,234.55",
        "-0.01",
        "B-&lt;3&gt;",
        "Paid more than once (2)",
        "7.00",
    ):
        assert shown in page
    assert "Not ours" not in page, "there is none"
    assert "are listed" not in page, "all of them are"


async def test_of_a_long_list_the_first_are_shown_and_all_are_counted(
    client: httpx.AsyncClient, auditor: dict[str, str], logistics: Played
) -> None:
    unknown = [{"reference": f"X-{line}", "amount_fen": 100, "line": line} for line in range(2, 2 + LISTED_MAX)]
    counts = NOTHING["counts"] | {"matched": 1_500, "unknown": 100_000}
    told = {"is_clean": False, "counts": counts, "matched_fen": 150_001, "unknown": unknown}
    logistics.say(API, NOTHING | told, method="POST")
    page = (await sent(client, auditor)).text
    assert "matched 1,500 · 1,500.01 CNY" in page
    assert "Not ours (100,000)" in page
    assert "Only the first 200 are listed." in page
    assert page.count("<code>X-") == LISTED_MAX


async def test_a_line_that_cant_be_read_is_named_beside_the_file(
    client: httpx.AsyncClient, auditor: dict[str, str], logistics: Played
) -> None:
    errors = [{"pointer": "#/12", "detail": "Whole fen."}, {"pointer": "#/query/to", "detail": "Backwards."}]
    logistics.refuse(API, "invalid-input", 422, errors=errors)
    page = await sent(client, auditor)
    assert page.status_code == 422
    assert 'id="file-fault">Line 12: Whole fen.<' in page.text
    assert 'id="to-fault">Backwards.<' in page.text
    assert 'value="2026-12-01"' in page.text, "as it was typed"


async def test_no_file_is_asked_for(client: httpx.AsyncClient, auditor: dict[str, str], logistics: Played) -> None:
    def refused(asked: Asked) -> dict[str, Any]:
        errors = [{"pointer": "#", "detail": "Missing."}]
        return {"type": "/problems/invalid-input", "title": "no", "detail": "no", "status": 422, "errors": errors}

    logistics.say(API, refused, method="POST", status=422)
    page = (await sent(client, auditor, b"")).text
    assert 'id="file-fault">Choose the bank' in page
    assert "Missing." not in page


async def test_the_form_begins_with_this_month_by_the_clocks_of_china(
    client: httpx.AsyncClient, auditor: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls(2026, 12, 16, 16, 30, tzinfo=tz)  # half past midnight, the next day

    monkeypatch.setattr(bank, "datetime", Clock)
    page = (await client.get(HERE, headers=auditor)).text
    assert 'enctype="multipart/form-data"' in page
    dates = re.findall(r'<input id="(\w+)" name="\w+" type="date" value="([^"]*)" required', page)
    assert dates == [("from", "2026-12-01"), ("to", "2026-12-17")]


async def test_nobody_but_the_office_compares(client: httpx.AsyncClient, signer: Signer, logistics: Played) -> None:
    refused = await sent(client, bearer(signer, "carrier") | EN)
    assert (refused.status_code, logistics.asked) == (403, [])


async def test_its_fields_are_read_as_those_of_any_form() -> None:
    sent = httpx.Request("POST", "http://t/", data={"from": "  ", "to": " x "}, files={"file": ("bank.csv", FILE)})
    headers = [(name.lower(), value) for name, value in sent.headers.raw]
    body = {"type": "http.request", "body": sent.read(), "more_body": False}

    async def receive() -> dict[str, Any]:
        return body

    sheet = await bank.sheet_of(Request({"type": "http", "method": "POST", "headers": headers}, receive))
    assert (sheet.typed, sheet.typed.many, sheet.file) == ({"to": "x"}, {"to": ["x"]}, FILE), (
        "what is empty is not there"
    )
