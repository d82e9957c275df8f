"""Parcels by many hands at once: one waybill, one order, one cap, one fund, and what is told of them."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from chassis.db import Database
from contracts.matches import MatchReleased
from contracts.parcels import ParcelEvent
from services.logistics.parcels.models import DELIVERY_DEADLINE, LOADS, PARCELS, SCANS
from services.logistics.parcels.service import void_overdue
from tests.support.logistics import hear, later
from tests.support.services import Issuer, told
from tests.support.subsidies import RATE_FEN, Courier, Office, waybill


async def test_of_two_carriers_with_one_waybill_one_has_it_and_the_other_is_told(
    courier: Courier, office: Office, issuer: Issuer, db: Database
) -> None:
    fund = await office.open()
    carriers = [courier, *(Courier(courier.client, issuer, db) for _ in range(5))]
    parcels = [each.parcel(await each.claimed(), waybill=f"sf 99{' ' * n}") for n, each in enumerate(carriers)]
    answers = await asyncio.gather(*(each.send([one]) for each, one in zip(carriers, parcels, strict=True)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    assert await office.kinds(fund) == ["fund", "reserve"]


async def test_of_an_order_sent_by_many_at_once_one_parcel_has_the_subsidy(courier: Courier, office: Office) -> None:
    fund = await office.open(budget_fen=100 * RATE_FEN)
    buyer_id = uuid4()  # of many matches, so that nothing but the fund's lock brings them into an order
    matches = [await courier.claimed(buyer_id=buyer_id) for _ in range(12)]
    sent = [[courier.parcel(match, order_ref="A-1"), courier.parcel(match)] for match in matches]
    answers = await asyncio.gather(*(courier.register(*two) for two in sent))
    outcomes = Counter((items[0]["subsidy"], items[0].get("reason")) for items in answers)
    assert outcomes == {("reserved", None): 1, ("not_eligible", "duplicate_order"): 11}
    assert all(items[1]["subsidy"] == "reserved" for items in answers)
    assert (await office.read(fund))["parcels"]["reserved"] == 13


@pytest.mark.parametrize("cap", ["per_producer_per_day", "per_carrier_per_day"])
async def test_a_cap_holds_however_many_come_at_once(courier: Courier, office: Office, cap: str) -> None:
    fund = await office.open(budget_fen=100 * RATE_FEN, caps={cap: 7})
    producer_id = uuid4()
    matches = [await courier.claimed(producer_id=producer_id) for _ in range(10)]
    await asyncio.gather(*(courier.register(courier.parcel(match), courier.parcel(match)) for match in matches))
    assert (await office.read(fund))["parcels"] == {
        "reserved": 7,
        "posted": 0,
        "voided": 0,
        "reversed": 0,
        "refused": 13,
    }


async def test_no_more_than_a_tenth_over_its_match_is_subsidised_however_many_come_at_once(
    courier: Courier, office: Office, db: Database
) -> None:
    fund = await office.open(budget_fen=100 * RATE_FEN)
    match = await courier.claimed(quantity_g=10_000)
    answers = await asyncio.gather(*(courier.register(courier.parcel(match, weight_g=999)) for _ in range(20)))
    reasons = Counter(items[0].get("reason") for items in answers)
    assert reasons == {None: 11, "match_mass": 9}
    async with db.reading() as session:
        assert await session.scalar(select(LOADS.c.parcels_g)) == 11 * 999
    assert (await office.money(fund))[1] == 11 * RATE_FEN


async def test_delivered_by_many_scans_at_once_it_is_posted_once(courier: Courier, office: Office) -> None:
    fund = await office.open()
    parcel = courier.parcel(await courier.claimed())
    await courier.register(parcel)
    await asyncio.gather(*(courier.tell((parcel["waybill"], "delivered")) for _ in range(16)))
    assert await office.kinds(fund) == ["fund", "reserve", "post"]


async def test_a_scan_and_the_deadline_at_once_end_in_one_of_the_two(
    courier: Courier, office: Office, db: Database
) -> None:
    fund = await office.open(budget_fen=100 * RATE_FEN)
    match = await courier.claimed()
    parcels = [courier.parcel(match) for _ in range(30)]
    await courier.register(*parcels)
    async with db.transaction() as session:
        await session.execute(update(PARCELS).values(deadline_at=PARCELS.c.deadline_at - DELIVERY_DEADLINE))
    await asyncio.gather(
        *(courier.tell((parcel["waybill"], "delivered")) for parcel in parcels), void_overdue(db), void_overdue(db)
    )
    ends = Counter([(await courier.read(parcel["waybill"]))["subsidy"] for parcel in parcels])
    assert ends.keys() <= {"posted", "voided"}
    assert await office.money(fund) == ((100 - ends["posted"]) * RATE_FEN, 0, ends["posted"] * RATE_FEN)
    assert (await office.read(fund))["parcels"]["voided"] == ends["voided"]


async def test_versions_of_a_parcel_are_told_without_gap_or_repeat(
    courier: Courier, office: Office, db: Database
) -> None:
    await office.open()
    match = await courier.claimed()
    parcels = [courier.parcel(match) for _ in range(4)]
    await courier.register(*parcels)
    await asyncio.gather(
        *(
            courier.tell((parcel["waybill"], scan))
            for parcel in parcels
            for scan in ("accepted", "in_transit", "lost", "delivered", "returned")
        )
    )
    versions: dict[Any, list[int]] = {}
    last: dict[Any, str] = {}
    for event in await told(db):
        if isinstance(event, ParcelEvent):
            versions.setdefault(event.parcel_id, []).append(event.version)
            last[event.parcel_id] = event.status
    assert len(versions) == 4
    assert all(found == list(range(1, len(found) + 1)) for found in versions.values())
    assert set(last.values()) == {"returned"}


async def test_every_scan_is_kept_once_with_its_time_and_place(courier: Courier, db: Database) -> None:
    parcel = courier.parcel(await courier.claimed())
    await courier.register(parcel)
    scan = {"waybill": parcel["waybill"], "type": "in_transit", "at": "2026-11-22T04:00:00Z", "adcode": "320102"}
    same_moment = scan | {"at": "2026-11-22T12:00:00+08:00"}
    elsewhere, another_time = scan | {"adcode": "321323"}, scan | {"at": "2026-11-22T05:00:00Z"}
    body = [scan, scan, same_moment, elsewhere, another_time]
    for _ in range(2):
        answer = await courier.client.post("/v1/parcels/scans", json=body, headers=courier.headers)
        assert [item["status"] for item in answer.json()["items"]] == ["in_transit"] * 5
    async with db.reading() as session:
        assert len((await session.execute(select(SCANS))).all()) == 3


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"type": "eaten"}, "#/1/type"),
        ({"at": "yesterday"}, "#/1/at"),
        ({"at": "2026-11-22T04:00:00"}, "#/1/at"),
        ({"at": 1_700_000_000}, "#/1/at"),
        ({"at": "1999-12-31T00:00:00Z"}, "#/1/at"),
        ({"at": "2099-01-01T00:00:00Z"}, "#/1/at"),  # it would post money for what has not happened
        ({"adcode": "99"}, "#/1/adcode"),
        ({"waybill": ""}, "#/1/waybill"),
        ({"waybill": 7}, "#/1/waybill"),
        ({"status": "delivered"}, "#/1/status"),
    ],
)
async def test_a_scan_that_is_wrong_is_named_and_none_is_taken(
    courier: Courier, changes: dict[str, Any], pointer: str
) -> None:
    parcel = courier.parcel(await courier.claimed())
    await courier.register(parcel)
    good = {"waybill": parcel["waybill"], "type": "delivered", "at": "2026-11-22T04:00:00Z", "adcode": "320102"}
    answer = await courier.client.post("/v1/parcels/scans", json=[good, good | changes], headers=courier.headers)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await courier.read(parcel["waybill"]))["status"] == "registered"


async def test_scans_come_a_thousand_at_most(courier: Courier) -> None:
    parcel = courier.parcel(await courier.claimed())
    await courier.register(parcel)
    scan = {"waybill": parcel["waybill"], "type": "accepted", "at": "2026-11-22T04:00:00Z", "adcode": "320102"}
    for count, status in ((0, 200), (1000, 200), (1001, 422)):
        answer = await courier.client.post("/v1/parcels/scans", json=[scan] * count, headers=courier.headers)
        assert answer.status_code == status, answer.text


async def test_no_parcel_is_taken_of_a_match_that_was_released(courier: Courier, db: Database) -> None:
    match = await courier.claimed()
    before = courier.parcel(match)
    await courier.register(before)
    await hear(db, later(match, MatchReleased, status="released", reason="listing_withdrawn"))
    assert (await courier.send([courier.parcel(match)])).status_code == 404
    assert await courier.tell((before["waybill"], "delivered")) == ["delivered"], "what was on its way goes on"


async def test_an_admin_acts_for_whichever_carrier_it_is(courier: Courier, issuer: Issuer) -> None:
    admin = issuer.caller("admin")
    parcel = courier.parcel(await courier.claimed())
    made = await courier.client.post("/v1/parcels", json=[parcel], headers=admin)
    assert made.status_code == 200, made.text
    assert (await courier.read(parcel["waybill"]))["parcel_id"] == made.json()["items"][0]["parcel_id"]
    seen = await courier.client.get(f"/v1/parcels/{parcel['waybill']}", headers=admin)
    assert seen.json() == await courier.read(parcel["waybill"])


async def test_the_deadline_is_30_days_after_registration_and_ends_with_the_journey(
    courier: Courier, db: Database
) -> None:
    match = await courier.claimed()
    numbers = {scan: waybill() for scan in ("accepted", "in_transit", "lost", "delivered", "returned")}
    await courier.register(*(courier.parcel(match, waybill=number) for number in numbers.values()))
    for scan, number in numbers.items():
        await courier.tell((number, scan))
    async with db.reading() as session:
        rows = (await session.execute(select(PARCELS))).all()
    waiting = {row.waybill for row in rows if row.deadline_at is not None}
    assert waiting == {numbers["accepted"], numbers["in_transit"], numbers["lost"]}
    assert all(row.deadline_at - row.registered_at == timedelta(days=30) for row in rows if row.deadline_at is not None)
