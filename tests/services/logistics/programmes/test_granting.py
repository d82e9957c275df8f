"""Which programme pays: conditions, caps, order, money; and one subsidy an order."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from catalogue import places
from tests.support.subsidies import RATE_FEN, Courier, Office


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def county(**wanted: Any) -> dict[str, Any]:
    """A lot of a county of which this is known."""
    place = next(
        each
        for each in places.all_places()
        if each.point is not None and all(getattr(each, name) == value for name, value in wanted.items())
    )
    return {"adcode": place.adcode, "lon": place.lon, "lat": place.lat}


@pytest.mark.parametrize(
    ("eligibility", "origin", "outcome"),
    [
        ({"adcodes": ["42", "3213"]}, {}, ("reserved", None)),
        ({"adcodes": ["42", "320000"]}, {}, ("reserved", None)),
        ({"adcodes": ["42"]}, {}, ("not_eligible", "place")),
        ({"produce": ["apple"]}, {}, ("not_eligible", "produce")),
        ({"poverty_832": True}, {"poverty_832": True}, ("reserved", None)),
        ({"poverty_832": True}, {"poverty_832": None}, ("not_eligible", "status_unknown")),
        ({"watch_52": True}, {"watch_52": True}, ("reserved", None)),
        ({"watch_52": True}, {"watch_52": False}, ("not_eligible", "place")),
    ],
)
async def test_all_conditions_must_hold_of_the_lots_origin(
    courier: Courier, office: Office, eligibility: dict[str, Any], origin: dict[str, Any], outcome: tuple[str, Any]
) -> None:
    fund = await office.open(eligibility=eligibility)
    match = await courier.claimed(**({"origin": county(**origin)} if origin else {}))
    (item,) = await courier.register(courier.parcel(match))
    assert (item["subsidy"], item.get("reason")) == outcome
    refused = (await office.read(fund))["parcels"]["refused"]
    assert refused == (outcome[0] != "reserved")


async def test_a_matchs_parcels_may_weigh_a_tenth_more_than_it(courier: Courier, office: Office) -> None:
    await office.open()
    match = await courier.claimed(quantity_g=10_000)
    weights = (6000, 90_000, 4000, 1001, 1000, 1)
    items = await courier.register(*(courier.parcel(match, weight_g=weight) for weight in weights))
    reasons = [item.get("reason") for item in items]
    assert reasons == [None, "match_mass", None, "match_mass", None, "match_mass"]
    (later,) = await courier.register(courier.parcel(match, weight_g=1))
    assert (later["subsidy"], later["reason"]) == ("not_eligible", "match_mass")


async def test_a_buyers_order_has_one_subsidy(courier: Courier, office: Office) -> None:
    await office.open()
    await office.open(ends_at=in_days(60))
    match, others = await courier.claimed(), await courier.claimed()
    one, two = (courier.parcel(match, order_ref="A-1") for _ in range(2))
    items = await courier.register(one, two)
    assert [item.get("reason") for item in items] == [None, "duplicate_order"]
    (again, other) = await courier.register(
        courier.parcel(match, order_ref="A-1"), courier.parcel(others, order_ref="A-1")
    )
    assert (again["reason"], other["subsidy"]) == ("duplicate_order", "reserved")
    await courier.tell((one["waybill"], "lost"))
    (replacement,) = await courier.register(courier.parcel(match, order_ref="A-1"))
    assert replacement["subsidy"] == "reserved"
    await courier.tell((one["waybill"], "delivered"))
    assert (await courier.read(one["waybill"]))["subsidy"] == "voided"


@pytest.mark.parametrize("cap", ["per_producer_per_day", "per_carrier_per_day"])
async def test_caps_count_the_parcels_of_a_day(courier: Courier, office: Office, cap: str) -> None:
    await office.open(caps={cap: 3})
    match = await courier.claimed()
    first = await courier.register(*(courier.parcel(match) for _ in range(2)))
    then = await courier.register(*(courier.parcel(match) for _ in range(2)))
    assert [item.get("reason") for item in first + then] == [None, None, None, "cap"]
    elsewhere = await courier.claimed()
    (item,) = await courier.register(courier.parcel(elsewhere))
    assert item.get("reason") == ("cap" if cap == "per_carrier_per_day" else None)


async def test_the_programme_that_ends_first_pays_then_the_older_then_the_next_with_money(
    courier: Courier, office: Office
) -> None:
    ends_at = in_days(5)
    late = await office.open(ends_at=in_days(9), budget_fen=RATE_FEN)
    older = await office.open(ends_at=ends_at, budget_fen=RATE_FEN)
    younger = await office.open(ends_at=ends_at, budget_fen=RATE_FEN)
    await office.open(ends_at=in_days(1), eligibility={"adcodes": ["42"]})
    await office.open(starts_at=in_days(0.5), ends_at=in_days(1))
    match = await courier.claimed()
    items = await courier.register(*(courier.parcel(match) for _ in range(4)))
    assert [item.get("programme_id") for item in items] == [older, younger, late, None]
    assert items[-1]["subsidy"] == "fund_exhausted"
