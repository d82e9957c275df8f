"""The demonstration's world is a function of its seed and date, drawn from real places."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from catalogue import places, produce
from catalogue.days import CHINA
from duijie.demo.world import CITIES, FLOOR_FEN_PER_KG, KEEPS_LONG, LEAD_FOR_EACH, Size, World, life_of

DAY = datetime(2026, 11, 23, 9, 30, tzinfo=CHINA)
HOURS = [datetime(2026, 11, 23, hour, 59, 59, 999_999, tzinfo=CHINA) for hour in range(24)]
"""A demonstration may begin at any."""
SMALL = Size(listings=400, orders=200, parcels=100)


def test_the_same_seed_and_day_are_the_same_world_and_others_are_not() -> None:
    world = World(1, DAY, SMALL)
    again = World(1, DAY, SMALL)
    assert (world.lots, world.wishes) == (again.lots, again.wishes)
    assert world.lots != World(2, DAY, SMALL).lots
    assert world.lots != World(1, datetime(2026, 11, 24, 9, 30, tzinfo=CHINA), SMALL).lots


def test_a_larger_world_begins_as_the_smaller_one() -> None:
    larger, smaller = Size(450, 220, 0), Size(400, 200, 0)
    longer = LEAD_FOR_EACH * 70
    assert World(1, DAY, larger).lots[:400] == World(1, DAY + longer, smaller).lots


def test_the_standard_size_is_what_was_promised() -> None:
    size = Size()
    assert size.listings >= 2000
    assert size.orders >= 600
    assert size.parcels >= 10_000


def test_lots_come_from_poverty_counties_weighted_to_the_52_and_two_from_siyang() -> None:
    world = World(1, DAY, SMALL)
    siyang, next_morning, *others = world.lots
    assert (siyang.body["origin"]["adcode"], siyang.body["quantity_kg"]) == ("321323", 1200)
    assert (next_morning.body["origin"]["adcode"], world.is_for_tomorrow(next_morning)) == ("321323", True)
    counties = [places.get(lot.body["origin"]["adcode"]) for lot in others]
    assert all(county and (county.poverty_832 or county.watch_52) for county in counties)
    watched = Counter(county.watch_52 for county in counties if county)[True] / len(counties)
    by_chance = sum(place.watch_52 for place in places.all_places()) / sum(
        bool(place.poverty_832 or place.watch_52) for place in places.all_places()
    )
    assert watched > 2 * by_chance


def test_orders_come_from_districts_of_real_cities_and_from_every_kind_of_buyer() -> None:
    world = World(1, DAY, SMALL)
    for wish in world.wishes:
        place = places.get(wish.body["destination"]["adcode"])
        assert place is not None
        assert place.prefecture in CITIES or place.province in CITIES
    assert {wish.role for wish in world.wishes} == {"platform", "group_leader", "citizen"}


@pytest.mark.parametrize("began", HOURS, ids=lambda began: f"{began.hour}h")
def test_every_lot_was_picked_before_the_play_began_and_keeps_while_anybody_waits_for_it(began: datetime) -> None:
    world = World(1, began, SMALL)
    due: dict[str, datetime] = {}
    for wish in world.wishes:
        due_at = datetime.fromisoformat(wish.body["deliver_by"])
        due[wish.body["produce"]] = max(due_at, due.get(wish.body["produce"], due_at))
        assert world.opens_at == datetime.fromisoformat(wish.body["deliver_from"])
        assert world.opens_at + timedelta(days=1) < due_at
    for lot in world.lots:
        harvested, available = (datetime.fromisoformat(lot.body[at]) for at in ("harvested_at", "available_from"))
        assert harvested <= began < available < harvested + life_of(lot.body["produce"])
        assert due.get(lot.body["produce"], available) <= harvested + life_of(lot.body["produce"])


@pytest.mark.parametrize("began", HOURS, ids=lambda began: f"{began.hour}h")
def test_some_of_what_keeps_long_is_fetched_tomorrow_at_six_in_china_and_all_else_now(began: datetime) -> None:
    world = World(1, began, SMALL)
    waiting = [lot for lot in world.lots if world.is_for_tomorrow(lot)]
    assert world.tomorrow_at == datetime(2026, 11, 24, 6, tzinfo=CHINA)
    assert 0.1 < len(waiting) / len(world.lots) < 0.4
    assert all(life_of(lot.body["produce"]) >= KEEPS_LONG for lot in waiting)
    others = {lot.body["available_from"] for lot in world.lots if lot not in waiting}
    assert {datetime.fromisoformat(each) for each in others} == {world.opens_at}


def test_what_is_fetched_now_is_the_same_at_every_hour_of_a_day_but_for_the_hour() -> None:
    """So that totals are a function of the seed and the date."""
    morning, night = World(1, HOURS[9], SMALL), World(1, HOURS[23], SMALL)
    for one, other in zip(morning.lots, night.lots, strict=True):
        picked = [datetime.fromisoformat(lot.body["harvested_at"]) for lot in (one, other)]
        assert picked[0] - morning.opens_at == picked[1] - night.opens_at
        assert one.producer == other.producer
        assert [lot.body["quantity_kg"] for lot in (one, other)] == [one.body["quantity_kg"]] * 2


def test_every_produce_has_a_price_and_a_name() -> None:
    for slug, (low, high) in FLOOR_FEN_PER_KG.items():
        kind = produce.get(slug)
        assert kind is not None, slug
        assert kind.name_zh
        assert 0 < low < high
