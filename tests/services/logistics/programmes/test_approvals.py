"""What one officer asks for and another decides; and that each claim goes by the rules of its moment, whatever runs."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from chassis.db import Database
from contracts.programmes import (
    ProgrammeClosed,
    ProgrammePaused,
    ProgrammeResumed,
    ProgrammeToppedUp,
)
from tests.services.logistics.programmes.officers import Officers, events
from tests.support.subsidies import RATE_FEN, Courier, Office


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
