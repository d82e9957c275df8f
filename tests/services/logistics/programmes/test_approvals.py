"""What one officer asks for and another decides; and that each claim goes by the rules of its moment, whatever runs."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select, text

from chassis.db import Database
from contracts.programmes import (
    ProgrammeClosed,
    ProgrammeEvent,
    ProgrammeExhausted,
    ProgrammePaused,
    ProgrammeResumed,
    ProgrammeRuleChanged,
    ProgrammeToppedUp,
)
from services.logistics.subsidy.models import CAP_USAGE
from tests.services.logistics.programmes.test_support import fulfil
from tests.support.logistics import agreed, hear
from tests.support.services import Issuer, told
from tests.support.subsidies import RATE_FEN, Courier, Office


class Officers:
    """Two of them, and a programme."""

    def __init__(self, client: httpx.AsyncClient, issuer: Issuer, fund: str) -> None:
        self.client, self.fund = client, fund
        self.first, self.second = issuer.caller("programme_officer"), issuer.caller("programme_officer")

    async def ask(self, kind: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return await self.client.post(f"/v1/programmes/{self.fund}/{kind}", json=body or {}, headers=self.first)

    async def decide(
        self, approval_id: str, decision: str = "approve", who: dict[str, str] | None = None
    ) -> httpx.Response:
        url = f"/v1/programmes/{self.fund}/approvals/{approval_id}"
        return await self.client.post(url, json={"decision": decision}, headers=who or self.second)

    async def change(self, kind: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Asked for and approved."""
        asked = await self.ask(kind, body)
        assert asked.status_code == 202, asked.text
        assert asked.json()["status"] == "pending"
        answer = await self.decide(asked.json()["approval_id"])
        assert answer.status_code == 200, answer.text
        approval: dict[str, Any] = answer.json()
        assert approval["status"] == "approved"
        return approval


@pytest.fixture
async def officers(client: httpx.AsyncClient, issuer: Issuer, office: Office) -> Officers:
    return Officers(client, issuer, await office.open())


def in_an_hour() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat()


async def an_hour_passes(db: Database) -> None:
    """For programmes and their rules, however long the test itself took."""
    async with db.transaction() as session:
        await session.execute(text("UPDATE programmes SET starts_at = starts_at - interval '1 hour'"))
        await session.execute(text("UPDATE programme_rules SET effective_at = effective_at - interval '1 hour'"))


async def events(db: Database) -> list[type[ProgrammeEvent]]:
    return [type(each) for each in await told(db) if isinstance(each, ProgrammeEvent)][1:]


async def test_what_is_asked_for_changes_nothing_until_another_officer_approves(
    officers: Officers, office: Office, db: Database
) -> None:
    before = await office.read(officers.fund)
    asked = (await officers.ask("topup", {"amount_fen": 500})).json()
    assert (asked["kind"], asked["wanted"], asked["status"]) == ("topup", {"amount_fen": 500}, "pending")
    assert await office.read(officers.fund) == before | {"days_left_at_this_rate": None}
    own = await officers.decide(asked["approval_id"], who=officers.first)
    assert (own.status_code, own.json()["type"]) == (403, "/problems/second-officer-needed")
    assert (await officers.decide(asked["approval_id"])).json()["status"] == "approved"
    after = await office.read(officers.fund)
    assert (after["budget_fen"], after["available_fen"]) == (2500, 2500)
    assert await events(db) == [ProgrammeToppedUp]
    again = await officers.decide(asked["approval_id"])
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-decided")
    assert await office.kinds(officers.fund) == ["fund", "fund"]
    assert (await office.read(officers.fund, "/verify"))["ok"]


@pytest.mark.parametrize("kind", ["pause", "close"])
async def test_a_pause_that_waits_already_is_not_asked_for_twice(officers: Officers, office: Office, kind: str) -> None:
    answers = await asyncio.gather(*(officers.ask(kind, {"note": f"{each}"}) for each in range(4)))
    assert {answer.status_code for answer in answers} == {202}
    (waiting,) = {answer.json()["approval_id"] for answer in answers}
    assert len((await office.read(officers.fund, "/approvals?status=pending"))["items"]) == 1
    url = f"/v1/programmes/{officers.fund}/{kind}"
    theirs = (await officers.client.post(url, json={}, headers=officers.second)).json()
    assert theirs["approval_id"] != waiting, "what another officer asks for is theirs"
    assert (await officers.decide(waiting, "reject")).json()["status"] == "rejected"
    anew = (await officers.ask(kind)).json()
    assert (anew["status"], anew["approval_id"] != waiting) == ("pending", True)
    topups = [(await officers.ask("topup", {"amount_fen": 500})).json()["approval_id"] for _ in range(2)]
    assert topups[0] != topups[1], "two equal sums may both be meant"


async def test_what_is_rejected_never_was(officers: Officers, office: Office, db: Database) -> None:
    asked = (await officers.ask("close")).json()
    assert (await officers.decide(asked["approval_id"], "reject")).json()["status"] == "rejected"
    assert (await office.read(officers.fund))["status"] == "active"
    assert await events(db) == []
    assert (await officers.decide(asked["approval_id"])).status_code == 409


async def test_an_exhausted_programme_pays_again_once_it_has_more(
    officers: Officers, office: Office, courier: Courier
) -> None:
    match = await courier.claimed()
    items = await courier.register(*(courier.parcel(match) for _ in range(11)))
    assert items[-1]["subsidy"] == "fund_exhausted"
    assert (await office.read(officers.fund))["exhausted_at"] is not None
    await officers.change("topup", {"amount_fen": RATE_FEN})
    shown = await office.read(officers.fund)
    assert (shown["exhausted_at"], shown["available_fen"]) == (None, RATE_FEN)
    items = await courier.register(courier.parcel(match), courier.parcel(match))
    assert [item["subsidy"] for item in items] == ["reserved", "fund_exhausted"]


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


async def test_paused_and_closed_it_pays_for_nothing_new_but_for_what_it_reserved(
    officers: Officers, office: Office, courier: Courier, db: Database
) -> None:
    match = await courier.claimed()
    reserved = courier.parcel(match)
    await courier.register(reserved)
    await officers.change("pause")
    assert (await office.read(officers.fund))["status"] == "paused"
    assert [item["subsidy"] for item in await courier.register(courier.parcel(match))] == ["none"]
    twice = await officers.ask("pause")
    assert (twice.status_code, twice.json()["type"]) == (409, "/problems/nothing-to-change")
    await officers.change("resume")
    assert [item["subsidy"] for item in await courier.register(courier.parcel(match))] == ["reserved"]
    await officers.change("close")
    assert [item["subsidy"] for item in await courier.register(courier.parcel(match))] == ["none"]
    await courier.tell((reserved["waybill"], "delivered"))
    assert (await courier.read(reserved["waybill"]))["subsidy"] == "posted"
    refused = await officers.ask("topup", {"amount_fen": 1})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/programme-closed")
    assert await events(db) == [ProgrammePaused, ProgrammeResumed, ProgrammeClosed]


async def test_of_two_that_were_asked_for_the_second_finds_how_it_stands(officers: Officers, db: Database) -> None:
    one, two = (await officers.ask("close")).json()["approval_id"], str(uuid4())
    async with db.transaction() as session:  # as it could be asked for twice once
        columns = "programme_id, kind, wanted, status, asked_by, asked_at"
        again = f"INSERT INTO programme_approvals (id, {columns}) SELECT :id, {columns} FROM programme_approvals"
        await session.execute(text(again), {"id": two})
    answers = await asyncio.gather(officers.decide(one), officers.decide(two))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    listed = await officers.client.get(f"/v1/programmes/{officers.fund}/approvals", headers=officers.first)
    assert sorted(each["status"] for each in listed.json()["items"]) == ["approved", "pending"]


@pytest.mark.parametrize(
    ("kind", "body", "pointer"),
    [
        ("topup", {}, "#/amount_fen"),
        ("topup", {"amount_fen": 0}, "#/amount_fen"),
        ("topup", {"amount_fen": -5}, "#/amount_fen"),
        ("topup", {"amount_fen": 1.5}, "#/amount_fen"),
        ("rules", {}, "#"),
        ("rules", {"rate_fen": 0}, "#/rate_fen"),
        ("rules", {"eligibility": {"adcodes": ["99"]}}, "#/eligibility/adcodes/0"),
        ("rules", {"caps": {"per_producer_per_day": 0}}, "#/caps/per_producer_per_day"),
        ("rules", {"rate_fen": 1, "version": 9}, "#/version"),
        ("pause", {"why": "x"}, "#/why"),
    ],
)
async def test_bad_input_is_named_and_asks_for_nothing(
    officers: Officers, kind: str, body: dict[str, Any], pointer: str
) -> None:
    url = f"/v1/programmes/{officers.fund}/{kind}"
    answer = await officers.client.post(url, json=body, headers=officers.first)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    listed = await officers.client.get(f"/v1/programmes/{officers.fund}/approvals", headers=officers.first)
    assert listed.json()["items"] == []


async def test_approvals_are_listed_newest_first_by_pages_and_status(officers: Officers) -> None:
    asked = [(await officers.ask("topup", {"amount_fen": each})).json()["approval_id"] for each in (1, 2, 3)]
    await officers.decide(asked[1], "reject")
    url = f"/v1/programmes/{officers.fund}/approvals"
    first = (await officers.client.get(f"{url}?limit=2", headers=officers.second)).json()
    rest = (await officers.client.get(f"{url}?limit=2&after={first['next']}", headers=officers.second)).json()
    assert [each["approval_id"] for each in first["items"] + rest["items"]] == asked[::-1]
    pending = (await officers.client.get(f"{url}?status=pending", headers=officers.second)).json()
    assert [each["approval_id"] for each in pending["items"]] == [asked[2], asked[0]]


@pytest.mark.parametrize(
    ("kind", "body"), [("rules", {"rate_fen": 150}), ("topup", {"amount_fen": 1}), ("pause", {}), ("close", {})]
)
async def test_what_was_asked_for_is_found_at_its_location_before_and_after_it_is_decided(
    officers: Officers, kind: str, body: dict[str, Any]
) -> None:
    asked = await officers.ask(kind, body)
    location = asked.headers["location"]
    assert location == f"/v1/programmes/{officers.fund}/approvals/{asked.json()['approval_id']}"
    assert (await officers.client.get(location, headers=officers.second)).json() == asked.json()
    decided = await officers.decide(asked.json()["approval_id"])
    assert (await officers.client.get(location, headers=officers.first)).json() == decided.json()
    elsewhere = location.replace(officers.fund, str(uuid4()))
    assert (await officers.client.get(elsewhere, headers=officers.first)).status_code == 404


async def test_of_another_programme_or_of_none_nothing_is_decided(officers: Officers, office: Office) -> None:
    asked = (await officers.ask("close")).json()["approval_id"]
    other = await office.open()
    url = f"/v1/programmes/{other}/approvals/{asked}"
    body = {"decision": "approve"}
    assert (await officers.client.post(url, json=body, headers=officers.second)).status_code == 404
    assert (await officers.decide(str(uuid4()))).status_code == 404
    missing = f"/v1/programmes/{uuid4()}/close"
    assert (await officers.client.post(missing, json={}, headers=officers.first)).status_code == 404


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


async def test_who_asked_may_take_it_back(officers: Officers) -> None:
    asked = (await officers.ask("topup", {"amount_fen": 5})).json()
    taken_back = await officers.decide(asked["approval_id"], "reject", officers.first)
    assert (taken_back.status_code, taken_back.json()["status"]) == (200, "rejected")


async def test_a_budget_grows_no_further_than_json_can_count(officers: Officers, office: Office) -> None:
    most = 2**53 - 1 - 10 * RATE_FEN
    first = (await officers.ask("topup", {"amount_fen": most})).json()
    second = (await officers.ask("topup", {"amount_fen": 1})).json()
    assert (await officers.decide(first["approval_id"])).status_code == 200
    refused = await officers.decide(second["approval_id"])
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/budget-too-large")
    asked = await officers.ask("topup", {"amount_fen": 1})
    assert (asked.status_code, asked.json()["type"]) == (409, "/problems/budget-too-large")
    assert (await office.read(officers.fund))["budget_fen"] == 2**53 - 1


async def test_a_fund_that_is_less_than_one_subsidy_is_exhausted_from_the_start(office: Office) -> None:
    fund = await office.open(budget_fen=RATE_FEN - 1)
    (opening,) = (await office.read(fund, "/transfers"))["items"]
    assert (await office.read(fund))["exhausted_at"] == opening["at"]
    assert (await office.read(await office.open(budget_fen=RATE_FEN)))["exhausted_at"] is None
