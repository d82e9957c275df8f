"""Opening programmes and reading their money and transfers."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from chassis.db import Database
from contracts.programmes import ProgrammeExhausted, ProgrammeOpened
from services.logistics.subsidy import ledger
from tests.support.services import Issuer, told
from tests.support.subsidies import RATE_FEN, Courier, Office, programme


async def test_an_opened_programme_has_its_budget_available_and_was_told(
    office: Office, client: httpx.AsyncClient, db: Database
) -> None:
    body = programme(eligibility={"adcodes": ["3213"], "produce": ["strawberry"]}, caps={"per_carrier_per_day": 5})
    answer = await client.post("/v1/programmes", json=body, headers=office.headers)
    assert answer.status_code == 201, answer.text
    shown = answer.json()
    assert await office.read(shown["id"]) == shown
    assert (shown["budget_fen"], shown["available_fen"], shown["rule_version"]) == (2000, 2000, 1)
    assert shown["eligibility"] == {
        "poverty_832": None,
        "watch_52": None,
        "adcodes": ["3213"],
        "produce": ["strawberry"],
    }
    assert shown["caps"] == {"per_producer_per_day": None, "per_carrier_per_day": 5}
    assert (shown["exhausted_at"], shown["days_left_at_this_rate"]) == (None, None)
    (event,) = await told(db)
    assert isinstance(event, ProgrammeOpened)
    assert (event.budget_fen, event.available_fen, event.rate_fen) == (2000, 2000, RATE_FEN)
    (fund,) = (await office.read(shown["id"], "/transfers"))["items"]
    assert fund.keys() == {
        "seq", "id", "kind", "debit", "credit", "amount_fen", "rule_version", "at", "prev", "hash",
    }  # fmt: skip
    assert (fund["prev"], fund["kind"], fund["amount_fen"]) == (shown["id"], "fund", 2000)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"budget_fen": 0}, "#/budget_fen"),
        ({"budget_fen": 1.5}, "#/budget_fen"),
        ({"budget_fen": 2**53}, "#/budget_fen"),
        ({"rate_fen": 0}, "#/rate_fen"),
        ({"kind": "charity"}, "#/kind"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "#/ends_at"),
        ({"starts_at": "2026-11-22T04:00:00"}, "#/starts_at"),
        ({"name": " "}, "#/name"),
        ({"eligibility": {"adcodes": ["99"]}}, "#/eligibility/adcodes/0"),
        ({"eligibility": {"produce": ["unobtainium"]}}, "#/eligibility/produce/0"),
        ({"eligibility": {"poverty_832": "yes"}}, "#/eligibility/poverty_832"),
        ({"caps": {"per_producer_per_day": 0}}, "#/caps/per_producer_per_day"),
        ({"available_fen": 5}, "#/available_fen"),
    ],
)
async def test_bad_input_is_named_and_opens_nothing(office: Office, changes: dict[str, Any], pointer: str) -> None:
    answer = await office.client.post("/v1/programmes", json=programme(**changes), headers=office.headers)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await office.client.get("/v1/programmes", headers=office.headers)).json()["items"] == []


async def test_an_auditor_reads_all_and_writes_nothing(
    office: Office, client: httpx.AsyncClient, issuer: Issuer
) -> None:
    fund = await office.open()
    auditor = issuer.caller("auditor")
    for under in ("", "/transfers", "/verify"):
        assert (await client.get(f"/v1/programmes/{fund}{under}", headers=auditor)).status_code == 200
        assert (await client.get(f"/v1/programmes/{uuid4()}{under}", headers=auditor)).status_code == 404
        assert (await client.get(f"/v1/programmes/{fund}{under}", headers=issuer.caller("carrier"))).status_code == 403
    assert (await client.post("/v1/programmes", json=programme(), headers=auditor)).status_code == 403


async def test_programmes_are_listed_newest_first_by_pages(office: Office) -> None:
    opened = [await office.open() for _ in range(5)]
    seen: list[str] = []
    after = ""
    while True:
        answer = await office.client.get(f"/v1/programmes?limit=2{after}", headers=office.headers)
        page = answer.json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == opened[::-1]


async def test_transfers_come_by_pages_in_the_order_of_the_chain(courier: Courier, office: Office) -> None:
    fund = await office.open()
    match = await courier.claimed()
    parcels = [courier.parcel(match) for _ in range(6)]
    await courier.register(*parcels)
    await courier.tell((parcels[0]["waybill"], "delivered"), (parcels[1]["waybill"], "lost"))
    chain: list[dict[str, Any]] = []
    after: str | None = "0"
    while after is not None:
        page = await office.read(fund, f"/transfers?after={after}&limit=3")
        chain += page["items"]
        after = page["next"]
    assert [each["seq"] for each in chain] == list(range(1, 10))
    assert chain[1]["match_id"] == str(match.match_id)
    verified = ledger.verify(map(ledger.Transfer.from_json, chain), ledger.Head.genesis(fund))
    assert verified.ok
    assert await office.read(fund, "/verify") == {
        "ok": True,
        "transfers": 9,
        "head": verified.head.hash,
        "first_bad_seq": None,
    }
    standing, shown = verified.head.balances, await office.read(fund)
    assert (standing.available, standing.reserved, standing.posted) == (
        shown["available_fen"],
        shown["reserved_fen"],
        shown["posted_fen"],
    )


async def test_what_runs_out_says_since_when_and_how_long_it_lasts(
    courier: Courier, office: Office, db: Database
) -> None:
    fund = await office.open(budget_fen=3 * RATE_FEN - 1)
    match = await courier.claimed()
    await courier.register(courier.parcel(match))
    assert (await office.read(fund))["days_left_at_this_rate"] >= 0
    await courier.register(courier.parcel(match), courier.parcel(match))
    shown = await office.read(fund)
    (event,) = [each for each in await told(db) if isinstance(each, ProgrammeExhausted)]
    assert datetime.fromisoformat(shown["exhausted_at"]) == event.at
    assert (event.version, event.available_fen) == (shown["version"], RATE_FEN - 1)
