"""The worlds that policies are tried on: real places, all four classes, neighbours, and the same for everyone."""

from collections import Counter

from catalogue import places
from services.matching.optimiser.market import Market
from services.matching.policies.worlds import BEGINS_US, CLASSES, DAY_US, Size, class_of, world_of

FLOORS = {"strawberry": (1200, 2000), "tomato": (180, 380), "tangerine": (220, 420)}
SIZE = Size(lots=48, orders=20, days=2)
WORLD = world_of(1, SIZE, FLOORS)


def test_a_seed_makes_one_world_and_another_makes_another() -> None:
    assert world_of(1, SIZE, FLOORS) == WORLD
    assert world_of(2, SIZE, FLOORS) != WORLD


def test_one_more_order_moves_no_lot_and_no_other_order() -> None:
    more = world_of(1, Size(lots=48, orders=21, days=2), FLOORS)
    assert more.lots == WORLD.lots
    assert set(more.wishes) > set(WORLD.wishes)


def test_the_engine_can_take_every_row() -> None:
    market = Market.of([lot.listing for lot in WORLD.lots], [wish.order for wish in WORLD.wishes])
    assert market.set_aside == ()
    assert (len(market.listings.ids), len(market.orders.ids)) == (len(WORLD.lots), len(WORLD.wishes))


def test_all_classes_of_county_sell_and_each_lot_says_what_its_county_is() -> None:
    assert {lot.county_class for lot in WORLD.lots} == set(CLASSES)
    for lot in WORLD.lots:
        county = places.get(lot.adcode)
        assert county is not None
        assert lot.county_class == class_of(county)
        assert (lot.listing.watch_52, lot.listing.poverty_832) == (county.watch_52, county.poverty_832)


def test_growers_have_neighbours_who_ask_nearly_the_same() -> None:
    world = world_of(3, Size(lots=96, orders=1, days=1), FLOORS)
    groups = Counter((lot.adcode, lot.produce, lot.day) for lot in world.lots)
    assert min(groups.values()) == 2
    for group in groups:
        floors = [lot.listing.floor_fen_per_kg for lot in world.lots if (lot.adcode, lot.produce, lot.day) == group]
        assert max(floors) <= 1.07 * min(floors) + 1


def test_everything_is_posted_within_its_day_and_keeps_for_a_while() -> None:
    for lot in WORLD.lots:
        assert (lot.posted_us - BEGINS_US) // DAY_US == lot.day
        assert lot.listing.available_from_us == lot.posted_us < lot.listing.spoils_at_us
    for wish in WORLD.wishes:
        assert wish.posted_us < wish.order.deliver_by_us
    assert max(each.posted_us for each in (*WORLD.lots, *WORLD.wishes)) < WORLD.ends_us
