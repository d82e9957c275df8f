"""What scans do to parcels and to the money: posted, voided, reversed, and one new try."""

from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import func, update

from chassis.db import Database
from contracts.parcels import ParcelScanned, ParcelSettled
from contracts.programmes import ProgrammeExhausted
from services.logistics.parcels.models import DELIVERY_DEADLINE, PARCELS
from services.logistics.parcels.service import void_overdue
from services.logistics.programmes.models import Programme
from services.logistics.subsidy.models import LEDGER_HEADS
from tests.support.services import Issuer, told
from tests.support.subsidies import RATE_FEN, Courier, Office, waybill


async def registered(courier: Courier, number: str) -> str:
    await courier.register(courier.parcel(await courier.claimed(), waybill=number))
    return number


async def test_a_delivered_parcel_is_posted_and_told(courier: Courier, office: Office, db: Database) -> None:
    fund = await office.open()
    number = await registered(courier, "SF1")
    assert await courier.tell((number, "accepted")) == ["accepted"]
    assert await courier.tell((number, "delivered"), (number, "in_transit")) == ["delivered", "delivered"]
    parcel = await courier.read(number)
    assert (parcel["status"], parcel["subsidy"], parcel["rule_version"]) == ("delivered", "posted", 1)
    assert await office.money(fund) == (9 * RATE_FEN, 0, RATE_FEN)
    events = [each for each in await told(db) if isinstance(each, ParcelScanned | ParcelSettled)]
    assert [(each.version, each.status, each.subsidy) for each in events] == [
        (2, "accepted", "reserved"),
        (3, "delivered", "posted"),
        (4, "delivered", "posted"),
    ]
    assert isinstance(events[-1], ParcelSettled)


async def test_a_repeated_scan_changes_and_tells_nothing(courier: Courier, office: Office, db: Database) -> None:
    fund = await office.open()
    number = await registered(courier, "SF2")
    await courier.tell((number, "delivered"))
    events, kinds = len(await told(db)), await office.kinds(fund)
    await courier.tell((number, "delivered"), (" sf2 ", "delivered"))
    assert (len(await told(db)), await office.kinds(fund)) == (events, kinds)


@pytest.mark.parametrize("scan", ["returned", "lost"])
async def test_voided_money_is_free_for_the_next_comer(courier: Courier, office: Office, scan: str) -> None:
    fund = await office.open(budget_fen=RATE_FEN)
    match = await courier.claimed()
    first, second, third = (courier.parcel(match) for _ in range(3))
    assert [item["subsidy"] for item in await courier.register(first, second)] == ["reserved", "fund_exhausted"]
    assert (await office.read(fund))["exhausted_at"] is not None
    await courier.tell((first["waybill"], scan))
    assert await office.money(fund) == (RATE_FEN, 0, 0)
    assert (await office.read(fund))["exhausted_at"] is None
    assert [item["subsidy"] for item in await courier.register(third)] == ["reserved"]
    assert (await courier.read(first["waybill"]))["subsidy"] == "voided"
    assert await office.kinds(fund) == ["fund", "reserve", "void", "reserve"]


async def test_what_comes_back_after_delivery_is_reversed(courier: Courier, office: Office) -> None:
    fund = await office.open()
    number = await registered(courier, "SF3")
    await courier.tell((number, "delivered"))
    await courier.tell((number, "returned"))
    assert (await courier.read(number))["subsidy"] == "reversed"
    assert await office.kinds(fund) == ["fund", "reserve", "post", "reverse"]
    assert (await office.read(fund))["parcels"] == {
        "reserved": 0,
        "posted": 0,
        "voided": 0,
        "reversed": 1,
        "refused": 0,
    }


async def test_a_delivery_heard_after_the_return_is_in_the_ledger_too(courier: Courier, office: Office) -> None:
    fund = await office.open()
    number = await registered(courier, "SF4")
    await courier.tell((number, "returned"))
    assert (await courier.read(number))["subsidy"] == "voided"
    await courier.tell((number, "delivered"))
    assert (await courier.read(number))["subsidy"] == "reversed"
    assert await office.kinds(fund) == ["fund", "reserve", "void", "reserve", "post", "reverse"]
    counts = (await office.read(fund))["parcels"]
    assert {name: count for name, count in counts.items() if count} == {"reversed": 1}


async def test_without_money_a_delivery_heard_after_the_return_changes_neither(
    courier: Courier, office: Office
) -> None:
    fund = await office.open(budget_fen=RATE_FEN)
    match = await courier.claimed()
    back, next_one = courier.parcel(match), courier.parcel(match)
    await courier.register(back)
    await courier.tell((back["waybill"], "returned"))
    await courier.register(next_one)
    await courier.tell((back["waybill"], "delivered"))
    assert (await courier.read(back["waybill"]))["subsidy"] == "voided"
    assert await office.kinds(fund) == ["fund", "reserve", "void", "reserve"]


@pytest.mark.parametrize(
    "scans",
    [
        ("accepted", "in_transit", "delivered"),
        ("delivered", "returned", "in_transit"),
        ("lost", "delivered"),
        ("lost", "delivered", "returned"),
    ],
    ids="-".join,
)
async def test_scans_in_any_order_end_in_the_same_state(
    courier: Courier, office: Office, scans: tuple[str, ...]
) -> None:
    fund = await office.open(budget_fen=100 * RATE_FEN)
    match = await courier.claimed()
    numbers = {order: waybill() for order in permutations(scans)}
    await courier.register(*(courier.parcel(match, waybill=number) for number in numbers.values()))
    for order, number in numbers.items():
        for scan in order:
            await courier.tell((number, scan))
    together = waybill()
    await courier.register(courier.parcel(match, waybill=together))
    await courier.tell(*((together, scan) for scan in scans * 2))
    own = {"waybill": "", "parcel_id": ""}
    ends = [await courier.read(number) | own for number in (*numbers.values(), together)]
    assert all(end == ends[0] for end in ends)
    posted = len(ends) if ends[0]["subsidy"] == "posted" else 0
    assert await office.money(fund) == ((100 - posted) * RATE_FEN, 0, posted * RATE_FEN)
    assert (await office.read(fund, "/verify"))["ok"]


async def test_a_parcel_that_met_an_empty_fund_has_one_new_try_when_delivered(courier: Courier, office: Office) -> None:
    fund = await office.open(budget_fen=RATE_FEN)
    match = await courier.claimed()
    first, second, third = (courier.parcel(match) for _ in range(3))
    (_, empty, _) = await courier.register(first, second, third)
    await courier.tell((third["waybill"], "delivered"))
    assert (await courier.read(third["waybill"]))["subsidy"] == "fund_exhausted"
    await courier.tell((first["waybill"], "returned"))
    await courier.tell((third["waybill"], "accepted"))  # no second try
    await courier.tell((second["waybill"], "delivered"))
    assert (await courier.read(third["waybill"]))["subsidy"] == "fund_exhausted"
    assert (await courier.read(second["waybill"]))["subsidy"] == "posted"
    assert await office.kinds(fund) == ["fund", "reserve", "void", "reserve", "post"]
    assert (await office.read(fund))["parcels"]["refused"] == 1
    assert await courier.register(second) == [empty]


async def test_found_after_its_money_went_to_another_it_stays_voided(courier: Courier, office: Office) -> None:
    fund = await office.open(budget_fen=RATE_FEN)
    match = await courier.claimed()
    lost, next_one = courier.parcel(match), courier.parcel(match)
    await courier.register(lost)
    await courier.tell((lost["waybill"], "lost"))
    await courier.register(next_one)
    assert await courier.tell((lost["waybill"], "delivered")) == ["delivered"]
    assert (await courier.read(lost["waybill"]))["subsidy"] == "voided"
    assert await office.money(fund) == (0, RATE_FEN, 0)


async def test_what_nobody_delivers_in_30_days_is_void_by_the_databases_clock(
    courier: Courier, office: Office, db: Database
) -> None:
    fund = await office.open()
    match = await courier.claimed()
    old, young, done = (courier.parcel(match) for _ in range(3))
    await courier.register(old, young, done)
    await courier.tell((old["waybill"], "in_transit"), (done["waybill"], "delivered"))
    await grow_older(db, old, done, by=DELIVERY_DEADLINE)
    await grow_older(db, young, by=DELIVERY_DEADLINE - timedelta(minutes=1))
    assert await void_overdue(db) == 1
    assert await void_overdue(db) == 0
    parcel = await courier.read(old["waybill"])
    assert (parcel["status"], parcel["subsidy"]) == ("void", "voided")
    assert await office.money(fund) == (8 * RATE_FEN, RATE_FEN, RATE_FEN)
    last = (await told(db))[-1]
    assert isinstance(last, ParcelSettled)
    assert (last.status, last.subsidy) == ("void", "voided")
    assert await courier.tell((old["waybill"], "delivered")) == ["delivered"]
    assert (await courier.read(old["waybill"]))["subsidy"] == "voided"


async def grow_older(db: Database, *parcels: dict[str, object], by: timedelta) -> None:
    numbers = [parcel["waybill"] for parcel in parcels]
    async with db.transaction() as session:
        older = {"registered_at": PARCELS.c.registered_at - by, "deadline_at": PARCELS.c.deadline_at - by}
        await session.execute(update(PARCELS).where(PARCELS.c.waybill.in_(numbers)).values(older))


async def test_scans_of_parcels_not_ones_own_are_refused_whole(courier: Courier, issuer: Issuer) -> None:
    rival = Courier(courier.client, issuer, courier.db)
    mine = await registered(courier, "SF10")
    theirs = await registered(rival, "SF11")
    for number in (theirs, "SF12"):
        at = "2026-11-22T04:00:00Z"
        scans = [{"waybill": each, "type": "delivered", "at": at, "adcode": "320102"} for each in (mine, number)]
        answer = await courier.client.post("/v1/parcels/scans", json=scans, headers=courier.headers)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (404, "#/1/waybill")
    assert (await courier.read(mine))["status"] == "registered"


async def test_a_fund_that_proves_empty_after_its_programme_ended_is_told_of(
    courier: Courier, office: Office, db: Database
) -> None:
    """No claim asks for the programme then, so its desk has read the fund alone."""
    fund = await office.open(budget_fen=RATE_FEN)
    number = await registered(courier, "SF20")
    async with db.transaction() as session:
        await session.execute(update(LEDGER_HEADS).values(exhausted_at=None))
        past = func.now() - timedelta(hours=1)
        await session.execute(update(Programme).values(starts_at=past, ends_at=past))
    before = len(await told(db))
    assert await courier.tell((number, "delivered")) == ["delivered"]
    (exhausted,) = [each for each in (await told(db))[before:] if isinstance(each, ProgrammeExhausted)]
    assert (str(exhausted.programme_id), exhausted.available_fen) == (fund, 0)
    assert await office.money(fund) == (0, 0, RATE_FEN)
    assert (await office.read(fund))["exhausted_at"] is not None
