"""Rules change, also at a date: each claim goes by those of its moment, and what a change leaves out stays."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import select, text

from chassis.db import Database
from contracts.programmes import (
    ProgrammeEvent,
    ProgrammeExhausted,
    ProgrammeRuleChanged,
)
from services.logistics.subsidy.models import CAP_USAGE
from tests.services.logistics.programmes.officers import Officers, an_hour_passes, events, in_an_hour
from tests.services.logistics.programmes.test_support import fulfil
from tests.support.logistics import agreed, hear
from tests.support.services import Issuer, told
from tests.support.subsidies import Courier, Office


async def test_new_rules_hold_for_what_is_registered_from_then_on(
    officers: Officers, office: Office, courier: Courier, db: Database
) -> None:
    match = await courier.claimed()
    old = courier.parcel(match)
    await courier.register(old)
    await officers.change("rules", {"rate_fen": 150, "eligibility": {"produce": ["strawberry"]}})
    new = courier.parcel(match)
    await courier.register(new)
    await courier.tell((old["waybill"], "delivered"), (new["waybill"], "delivered"))
    parcels = [await courier.read(each["waybill"]) for each in (old, new)]
    assert [(each["subsidy_fen"], each["rule_version"]) for each in parcels] == [(200, 1), (150, 2)]
    shown = await office.read(officers.fund)
    assert (shown["rule_version"], shown["rate_fen"], shown["posted_fen"]) == (2, 150, 350)
    assert shown["eligibility"]["produce"] == ["strawberry"]
    assert await events(db) == [ProgrammeRuleChanged]


async def test_rules_that_are_dated_hold_from_their_date_and_what_they_leave_out_stays(
    officers: Officers, office: Office, courier: Courier, db: Database
) -> None:
    await officers.change("rules", {"caps": {"per_carrier_per_day": 7}})
    await officers.change("rules", {"rate_fen": 100, "effective_at": in_an_hour()})
    assert (await office.read(officers.fund))["rule_version"] == 2
    await an_hour_passes(db)
    shown = await office.read(officers.fund)
    assert (shown["rule_version"], shown["rate_fen"], shown["caps"]["per_carrier_per_day"]) == (3, 100, 7)
    (item,) = await courier.register(courier.parcel(await courier.claimed()))
    assert item["subsidy_fen"] == 100


async def test_what_is_dated_waits_for_its_date_whatever_is_changed_before(
    officers: Officers, office: Office, courier: Courier, db: Database
) -> None:
    await officers.change("rules", {"rate_fen": 150, "effective_at": in_an_hour()})
    await officers.change("rules", {"caps": {"per_carrier_per_day": 50}})
    match = await courier.claimed()
    (now,) = await courier.register(courier.parcel(match))
    assert (now["subsidy_fen"], (await office.read(officers.fund))["rule_version"]) == (200, 3)
    await an_hour_passes(db)
    (then,) = await courier.register(courier.parcel(match))
    shown = await office.read(officers.fund)
    assert (then["subsidy_fen"], shown["rule_version"], shown["caps"]["per_carrier_per_day"]) == (150, 4, 50)


async def test_what_is_dated_undoes_nothing_that_was_approved_after_it(officers: Officers, office: Office) -> None:
    dates = [(datetime.now(UTC) + timedelta(days=days)).isoformat() for days in (1, 2)]
    await officers.change("rules", {"caps": {"per_carrier_per_day": 7}, "effective_at": dates[0]})
    await officers.change("rules", {"rate_fen": 200, "effective_at": dates[1]})
    await officers.change("rules", {"rate_fen": 250})
    versions = (await office.read(officers.fund, "/rules"))["items"]
    told = [(each["version"], each["rate_fen"], each["caps"]["per_carrier_per_day"]) for each in versions]
    assert told == [(5, 250, 7), (4, 250, None), (3, 200, 7), (2, 200, 7), (1, 200, None)]


async def test_rules_changed_before_the_start_are_not_undone_by_it(
    officers: Officers, office: Office, db: Database
) -> None:
    officers.fund = await office.open(starts_at=in_an_hour())
    await officers.change("rules", {"rate_fen": 250})
    before = await office.read(officers.fund)
    await an_hour_passes(db)
    after = await office.read(officers.fund)
    assert [(each["status"], each["rate_fen"]) for each in (before, after)] == [("scheduled", 250), ("active", 250)]


async def test_a_dearer_rule_that_finds_too_little_says_that_it_is_exhausted(
    officers: Officers, office: Office, courier: Courier, db: Database
) -> None:
    match = await courier.claimed()
    await courier.register(*(courier.parcel(match) for _ in range(9)))
    await officers.change("rules", {"rate_fen": 500})
    assert await events(db) == [ProgrammeRuleChanged, ProgrammeExhausted]
    shown = await office.read(officers.fund)
    versions = [each.version for each in await told(db) if isinstance(each, ProgrammeEvent)]
    assert (versions, shown["version"]) == ([1, 2, 3], 3)
    assert shown["exhausted_at"] is not None


async def test_no_claim_ever_goes_by_rules_that_were_not_those_of_its_moment(
    officers: Officers, office: Office, courier: Courier, db: Database
) -> None:
    """Rates change and the programme pauses while others register: each row's rule is that of its parcel's moment."""
    await officers.change("topup", {"amount_fen": 10**6})
    match = await courier.claimed(quantity_g=10**7)
    done = asyncio.Event()

    async def registers() -> None:
        while not done.is_set():
            await courier.register(*(courier.parcel(match) for _ in range(3)))

    async def changes() -> None:
        for number in range(12):
            await officers.change("rules", {"rate_fen": 101 + number})
            if number % 3 == 0:
                await officers.change("pause")
                await officers.change("resume")
        done.set()

    await asyncio.gather(changes(), *(registers() for _ in range(4)))
    async with db.reading() as session:
        rows = (await session.execute(text(STORY), {"fund": UUID(officers.fund)})).all()
    assert len({row.rule_version for row in rows}) > 5
    assert [row for row in rows if row.rule_version != row.right_version] == []
    paused = [row for row in rows if row.standing == "paused"]
    assert paused, "some were registered while it was paused"
    assert all(row.rule_version is None for row in paused)


STORY = """
SELECT s.rule_version,
       CASE WHEN coalesce(standing, 'active') = 'active' THEN r.version END AS right_version,
       standing
FROM parcels p
LEFT JOIN subsidies s ON s.subject_id = p.id
CROSS JOIN LATERAL (
    SELECT version FROM programme_rules
    WHERE programme_id = :fund AND (effective_at <= p.registered_at OR version = 1)
    ORDER BY effective_at DESC, version DESC LIMIT 1
) r
LEFT JOIN LATERAL (
    SELECT standing FROM programme_standings
    WHERE programme_id = :fund AND effective_at <= p.registered_at
    ORDER BY effective_at DESC LIMIT 1
) st ON true
"""


async def test_a_first_cap_counts_what_was_granted_before_on_that_day(
    officers: Officers, courier: Courier, db: Database
) -> None:
    match = await courier.claimed()
    await courier.register(*(courier.parcel(match) for _ in range(3)))
    async with db.reading() as session:
        assert (await session.execute(select(CAP_USAGE))).all() == [], "nobody asks"
    await officers.change("rules", {"caps": {"per_carrier_per_day": 4}})
    answered = await courier.register(*(courier.parcel(match) for _ in range(3)))
    assert [item["subsidy"] for item in answered] == ["reserved", "not_eligible", "not_eligible"]
    await officers.change("rules", {"caps": {"per_producer_per_day": 5, "per_carrier_per_day": None}})
    answered = await courier.register(*(courier.parcel(match) for _ in range(3)))
    assert [item["subsidy"] for item in answered] == ["reserved", "not_eligible", "not_eligible"]


async def test_a_first_cap_of_support_counts_kilograms(office: Office, issuer: Issuer, db: Database) -> None:
    fund = await office.open(kind="produce_support", rate_fen=10, budget_fen=100_000)
    officers = Officers(office.client, issuer, fund)
    producer = {"producer_id": uuid4()}
    matches = [agreed(quantity_g=300_000, **producer) for _ in range(3)]
    await hear(db, *matches)
    await fulfil(db, matches[0])
    await officers.change("rules", {"caps": {"per_producer_per_day": 500}})
    await fulfil(db, matches[1])
    assert await office.money(fund) == (97_000, 0, 3000)
    await officers.change("rules", {"caps": {"per_producer_per_day": 600}})
    await fulfil(db, matches[2])
    assert await office.money(fund) == (94_000, 0, 6000)


async def test_conditions_and_caps_that_are_left_out_stay_and_null_takes_one_away(
    officers: Officers, office: Office
) -> None:
    await officers.change("rules", {"eligibility": {"poverty_832": True, "adcodes": ["3213"]}})
    await officers.change("rules", {"eligibility": {"produce": ["strawberry"]}, "caps": {"per_carrier_per_day": 5}})
    await officers.change("rules", {"caps": {"per_producer_per_day": 7}})
    shown = await office.read(officers.fund)
    assert shown["eligibility"] == {
        "poverty_832": True, "watch_52": None, "adcodes": ["3213"], "produce": ["strawberry"],
    }  # fmt: skip
    assert shown["caps"] == {"per_producer_per_day": 7, "per_carrier_per_day": 5}
    asked = await officers.change(
        "rules", {"eligibility": {"poverty_832": None}, "caps": {"per_carrier_per_day": None}}
    )
    assert asked["wanted"] == {"eligibility": {"poverty_832": None}, "caps": {"per_carrier_per_day": None}}
    shown = await office.read(officers.fund)
    assert (shown["eligibility"]["poverty_832"], shown["eligibility"]["adcodes"]) == (None, ["3213"])
    assert shown["caps"] == {"per_producer_per_day": 7, "per_carrier_per_day": None}
    for nothing in ({"caps": {}}, {"eligibility": {}}, {"caps": {}, "eligibility": {}}):
        assert (await officers.ask("rules", nothing)).status_code == 422
