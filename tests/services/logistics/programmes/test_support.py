"""Produce support: posted once, at the fulfilment of a match, to the gram."""

from uuid import UUID

from chassis.db import Database
from contracts.matches import MatchEvent, MatchFulfilled
from services.logistics.programmes.handlers import on_matches
from tests.support.logistics import agreed, later
from tests.support.subsidies import Courier, Office


async def fulfil(db: Database, *matches: MatchEvent) -> None:
    """Tell of it as the consumer does."""
    async with db.transaction() as session:
        await on_matches(session, [later(match, MatchFulfilled, status="fulfilled") for match in matches])


async def test_a_fulfilled_match_is_reserved_and_posted_once_however_often_it_is_told(
    office: Office, db: Database
) -> None:
    fund = await office.open(kind="produce_support", rate_fen=33, budget_fen=100_000)
    match = agreed(quantity_g=100_999)
    for _ in range(2):
        await fulfil(db, match, match)
    assert await office.money(fund) == (100_000 - 3332, 0, 3332)  # ⌊33 × 100.999⌋
    assert await office.kinds(fund) == ["fund", "reserve", "post"]
    transfers = (await office.read(fund, "/transfers"))["items"]
    assert {UUID(each["match_id"]) for each in transfers[1:]} == {match.match_id}
    assert all("parcel_id" not in each for each in transfers)
    assert (await office.read(fund, "/verify"))["ok"]


async def test_caps_of_produce_support_are_kilograms(courier: Courier, office: Office, db: Database) -> None:
    fund = await office.open(
        kind="produce_support", rate_fen=10, budget_fen=100_000, caps={"per_producer_per_day": 500}
    )
    producer = {"producer_id": agreed().producer_id}
    await fulfil(db, agreed(quantity_g=300_000, **producer), agreed(quantity_g=300_000, **producer), agreed())
    assert await office.money(fund) == (94_000, 0, 6000)
    assert (await office.read(fund))["parcels"]["refused"] == 1


async def test_an_empty_fund_refuses_a_whole_match_and_a_smaller_one_still_fits(office: Office, db: Database) -> None:
    fund = await office.open(kind="produce_support", rate_fen=10, budget_fen=2500)
    big, small, crumbs = agreed(quantity_g=300_000), agreed(quantity_g=200_000), agreed(quantity_g=50)
    for match in (big, small, crumbs):
        await fulfil(db, match)
    assert await office.money(fund) == (500, 0, 2000)
    shown = await office.read(fund)
    assert (shown["parcels"]["posted"], shown["parcels"]["refused"]) == (1, 1)


async def test_what_was_fulfilled_first_is_supported_first(office: Office, db: Database) -> None:
    fund = await office.open(kind="produce_support", rate_fen=10, budget_fen=3000)
    matches = sorted((agreed() for _ in range(6)), key=lambda match: match.match_id, reverse=True)
    await fulfil(db, *matches)
    transfers = (await office.read(fund, "/transfers"))["items"]
    assert [each["match_id"] for each in transfers if each["kind"] == "post"] == [str(matches[0].match_id)]


async def test_a_courier_programme_pays_no_produce_support(office: Office, db: Database) -> None:
    fund = await office.open()
    await fulfil(db, agreed())
    assert await office.kinds(fund) == ["fund"]
