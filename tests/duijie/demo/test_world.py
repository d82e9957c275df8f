"""The demonstration's world is a function of its seed and date, drawn from real places."""

from collections import Counter
from datetime import date, datetime

from catalogue import places, produce
from duijie.demo.world import CITIES, FLOOR_FEN_PER_KG, Size, World

DAY = date(2026, 11, 23)
SMALL = Size(listings=400, orders=200, parcels=100)


def test_the_same_seed_and_day_are_the_same_world_and_others_are_not() -> None:
    world = World(1, DAY, SMALL)
    again = World(1, DAY, SMALL)
    assert (world.lots, world.wishes) == (again.lots, again.wishes)
    assert world.lots != World(2, DAY, SMALL).lots
    assert world.lots != World(1, date(2026, 11, 24), SMALL).lots


def test_a_larger_world_begins_as_the_smaller_one() -> None:
    assert World(1, DAY, Size(450, 220, 0)).lots[:400] == World(1, DAY, SMALL).lots


def test_the_standard_size_is_what_was_promised() -> None:
    size = Size()
    assert size.listings >= 2000
    assert size.orders >= 600
    assert size.parcels >= 10_000


def test_lots_come_from_poverty_counties_weighted_to_the_52_and_one_from_siyang() -> None:
    world = World(1, DAY, SMALL)
    siyang, *others = world.lots
    assert (siyang.body["origin"]["adcode"], siyang.body["quantity_kg"]) == ("321323", 1200)
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


def test_every_lot_is_available_tomorrow_and_not_spoiled_by_then() -> None:
    world = World(1, DAY, SMALL)
    assert {lot.body["available_from"] for lot in world.lots} == {"2026-11-23T22:00:00Z"}
    for lot in world.lots:
        harvested = datetime.fromisoformat(lot.body["harvested_at"])
        kind = produce.get(lot.body["produce"])
        assert kind is not None
        life = produce.shelf_life(kind, produce.default_temperature_class(kind))
        assert life is not None
        assert harvested <= world.opens_at < harvested + life.duration


def test_every_produce_has_a_price_and_a_name() -> None:
    for slug, (low, high) in FLOOR_FEN_PER_KG.items():
        kind = produce.get(slug)
        assert kind is not None, slug
        assert kind.name_zh
        assert 0 < low < high
