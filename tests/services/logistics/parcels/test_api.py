"""Registering parcels: who may, what is answered, and that a waybill is one however it is written."""

from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from chassis.db import Database
from contracts.parcels import ParcelEvent, ParcelRegistered
from tests.support.logistics import agreed, hear
from tests.support.services import Issuer, told
from tests.support.subsidies import RATE_FEN, Courier, Office, waybill


async def test_a_registered_parcel_is_there_and_was_told(courier: Courier, office: Office, db: Database) -> None:
    fund = await office.open()
    match = await courier.claimed()
    (item,) = await courier.register(courier.parcel(match, waybill="SF 0001", order_ref="A-1"))
    assert item == {
        "waybill": "SF 0001",
        "parcel_id": item["parcel_id"],
        "subsidy": "reserved",
        "programme_id": fund,
        "subsidy_fen": RATE_FEN,
    }
    assert await courier.read("sf0001") == {
        **item,
        "match_id": str(match.match_id),
        "status": "registered",
        "rule_version": 1,
    }
    (event,) = [each for each in await told(db) if isinstance(each, ParcelRegistered)]
    assert (event.match_id, event.carrier_id, event.weight_g) == (match.match_id, courier.account_id, 1000)
    assert (event.version, event.status, event.subsidy, event.subsidy_fen) == (1, "registered", "reserved", RATE_FEN)


async def test_answers_come_in_the_order_sent_and_money_goes_by_it(courier: Courier, office: Office) -> None:
    await office.open(budget_fen=2 * RATE_FEN)
    match = await courier.claimed()
    sent = [courier.parcel(match, waybill=number) for number in ("Z9", "A1", "M5")]
    items = await courier.register(*sent)
    assert [item["waybill"] for item in items] == ["Z9", "A1", "M5"]
    assert [item["subsidy"] for item in items] == ["reserved", "reserved", "fund_exhausted"]


async def test_a_waybill_written_differently_gets_the_first_answer(courier: Courier, office: Office) -> None:
    fund = await office.open()
    match, other = await courier.claimed(), await courier.claimed()
    (first, within) = await courier.register(
        courier.parcel(match, waybill="SF12 ab"), courier.parcel(match, waybill="ＳＦ１２ＡＢ", weight_g=5)
    )
    (again,) = await courier.register(courier.parcel(other, waybill=" sf12AB ", weight_g=7000))
    assert first == within == again
    await courier.tell(("SF12AB", "delivered"))
    assert await courier.register(courier.parcel(match, waybill="SF12AB")) == [first]
    assert await office.kinds(fund) == ["fund", "reserve", "post"]


async def test_a_parcel_may_be_repeated_after_its_shipment_went_to_another(courier: Courier, issuer: Issuer) -> None:
    match = await courier.claimed()
    parcel = courier.parcel(match)
    first = await courier.register(parcel)
    (shipment,) = (await courier.client.get("/v1/shipments", headers=courier.headers)).json()["items"]
    await courier.client.post(f"/v1/shipments/{shipment['id']}/release", headers=courier.headers)
    assert await courier.register(parcel) == first
    assert (await courier.send([courier.parcel(match)])).status_code == 404


async def test_only_the_carrier_that_claimed_the_shipment_registers_and_nothing_is_changed(
    courier: Courier, issuer: Issuer, db: Database
) -> None:
    mine, unclaimed = await courier.claimed(), agreed()
    await hear(db, unclaimed)
    theirs = await Courier(courier.client, issuer, db).claimed()
    good = courier.parcel(mine)
    answers = []
    for match_id in (unclaimed.match_id, theirs.match_id, uuid4()):
        answer = await courier.send([good, {**courier.parcel(mine, waybill="X1"), "match_id": str(match_id)}])
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (404, "#/1/match_id")
        answers.append(answer.json())
    assert answers[0] == answers[1] == answers[2]
    missing = await courier.client.get(f"/v1/parcels/{good['waybill']}", headers=courier.headers)
    assert missing.status_code == 404


async def test_another_carriers_waybill_is_refused_with_its_place(courier: Courier, issuer: Issuer) -> None:
    rival = Courier(courier.client, issuer, courier.db)
    mine, theirs = await courier.claimed(), await rival.claimed()
    await courier.register(courier.parcel(mine, waybill="SF777"))
    answer = await rival.send([rival.parcel(theirs), rival.parcel(theirs, waybill="sf 777")])
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/waybill-taken")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["#/1/waybill"]
    seen_by_rival = await rival.client.get("/v1/parcels/SF777", headers=rival.headers)
    assert seen_by_rival.json() == (await rival.client.get("/v1/parcels/SF778", headers=rival.headers)).json()


async def test_who_claimed_nothing_is_not_told_that_a_waybill_is_there(courier: Courier, issuer: Issuer) -> None:
    await courier.register(courier.parcel(await courier.claimed(), waybill="SF777"))
    rival = Courier(courier.client, issuer, courier.db)
    there, missing = [await rival.send([rival.parcel(agreed(), waybill=number)]) for number in ("SF777", "SF778")]
    assert (there.status_code, there.json()) == (404, missing.json())


@pytest.mark.parametrize("written", ["SF/1", "sf / 1", "ＳＦ／１"])
async def test_a_waybill_with_a_slash_is_read_too(courier: Courier, written: str) -> None:
    await courier.register(courier.parcel(await courier.claimed(), waybill="SF/1"))
    assert (await courier.read(quote(written, safe="")))["waybill"] == "SF/1"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"waybill": "  "}, "#/0/waybill"),
        ({"waybill": "SF\u200b1"}, "#/0/waybill"),
        ({"waybill": "1" * 65}, "#/0/waybill"),
        ({"weight_g": 0}, "#/0/weight_g"),
        ({"weight_g": 1.5}, "#/0/weight_g"),
        ({"recipient_adcode": "999999"}, "#/0/recipient_adcode"),
        ({"match_id": "1"}, "#/0/match_id"),
        ({"order_ref": ""}, "#/0/order_ref"),
        ({"carrier_id": str(uuid4())}, "#/0/carrier_id"),
    ],
)
async def test_bad_input_is_named(courier: Courier, changes: dict[str, Any], pointer: str) -> None:
    answer = await courier.send([courier.parcel(agreed()) | changes])
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_an_array_has_at_most_a_thousand(courier: Courier) -> None:
    match = await courier.claimed(quantity_g=2_000_000)
    assert (await courier.send([courier.parcel(match) for _ in range(1001)])).status_code == 422
    assert await courier.register() == []
    assert len(await courier.register(*[courier.parcel(match) for _ in range(1000)])) == 1000


async def test_the_key_of_a_registration_repeats_it_byte_for_byte(courier: Courier, office: Office) -> None:
    await office.open()
    body, key = [courier.parcel(await courier.claimed())], {"Idempotency-Key": "morning"}
    first = await courier.client.post("/v1/parcels", json=body, headers=courier.headers | key)
    again = await courier.client.post("/v1/parcels", json=body, headers=courier.headers | key)
    assert (first.status_code, again.content) == (200, first.content)


async def test_others_than_carriers_are_not_let_in(client: httpx.AsyncClient, issuer: Issuer) -> None:
    for role in ("producer", "platform", "programme_officer", "auditor"):
        assert (await client.post("/v1/parcels", json=[], headers=issuer.caller(role))).status_code == 403
        assert (await client.get("/v1/parcels", headers=issuer.caller(role))).status_code == 403
    for role in ("producer", "platform"):
        assert (await client.get("/v1/parcels/SF1", headers=issuer.caller(role))).status_code == 403
    assert (await client.post("/v1/parcels/scans", json=[])).status_code == 401


async def test_the_office_reads_any_parcel_that_a_flag_may_be_about(
    courier: Courier, office: Office, issuer: Issuer
) -> None:
    await office.open()
    await courier.register(courier.parcel(await courier.claimed(), waybill="SF 7"))
    for who in (office.headers, issuer.caller("auditor")):
        answer = await courier.client.get("/v1/parcels/sf7", headers=who)
        assert (answer.status_code, answer.json()) == (200, await courier.read("SF7"))
        assert (await courier.client.get("/v1/parcels/SF8", headers=who)).status_code == 404
    stranger = issuer.caller("carrier")
    assert (await courier.client.get("/v1/parcels/SF7", headers=stranger)).status_code == 404


async def test_no_programme_no_subsidy(courier: Courier, office: Office) -> None:
    await office.open(starts_at="2026-01-01T00:00:00Z", ends_at="2026-01-02T00:00:00Z")
    await office.open(kind="produce_support")
    number = waybill()
    (item,) = await courier.register(courier.parcel(await courier.claimed(), waybill=number))
    assert item == {"waybill": number, "parcel_id": item["parcel_id"], "subsidy": "none"}


async def test_a_parcel_too_heavy_for_its_match_is_registered_and_counts_for_nothing(
    courier: Courier, db: Database
) -> None:
    """Without any programme, too: what moves the match on must not hang on who pays."""
    match = await courier.claimed(quantity_g=10_000)
    sent = [courier.parcel(match, weight_g=weight) for weight in (6000, 10**9, 5000, 1)]
    await courier.register(*sent)
    await courier.tell(*((each["waybill"], "delivered") for each in sent))
    events = [each for each in await told(db) if isinstance(each, ParcelEvent)]
    assert {(each.weight_g, each.counted_g) for each in events} == {(6000, 6000), (10**9, 0), (5000, 5000), (1, 0)}
    assert len(events) == 8
