"""With a road matrix nothing is known of a distance but itself: what is proven has to be proven of every pair."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser.arcs import road_distance_m
from services.matching.optimiser.audit import audit
from services.matching.optimiser.candidates import nearest_arcs
from services.matching.optimiser.certificate import Reach
from services.matching.optimiser.clear import Limits, clear
from services.matching.optimiser.market import Listing, Market, Order
from services.matching.optimiser.policy import HOUR_US, POLICY_1
from services.matching.optimiser.roads import Roads
from services.matching.optimiser.screen import Prices
from tests.services.matching.optimiser.factories import (
    KG,
    NANJING,
    NOW_US,
    SIYANG,
    every_arc,
    instance,
    listing,
    listings,
    order,
    orders,
    passed,
    roads,
)
from tests.services.matching.optimiser.oracle import Road, detour_m, optimum

MEASURED = Roads([SIYANG], [NANJING], np.array([[205_000]]))


def road_of(measured: Roads) -> Road:
    """By the words of the rule: what is measured and not absurd, else the detour."""
    metres = {
        (origin, destination): int(measured.metres[row, column])
        for row, origin in enumerate(measured.origins)
        for column, destination in enumerate(measured.destinations)
    }

    def road(lot: Listing, bid: Order) -> int:
        found = metres.get(((lot.lon, lot.lat), (bid.lon, bid.lat)), -1)
        return found if 0 <= found <= 10**8 else detour_m(lot, bid)

    return road


def test_a_road_that_was_measured_makes_distance_freight_and_arrival() -> None:
    (match,) = clear(Market.of([listing()], [order()], roads=MEASURED), POLICY_1, NOW_US).matches
    assert match.distance_m == 205_000
    assert match.freight_fen_per_kg == 49  # (20 + 0.06 × 205) × 1.5 = 48.45
    assert match.arrives_at_us == NOW_US + 4 * HOUR_US + 205_000 * 60_000


def test_the_way_back_is_a_road_of_its_own() -> None:
    lon, lat = NANJING
    back = [listing(lon=lon, lat=lat)], [order(lon=SIYANG[0], lat=SIYANG[1])]
    measured = instance(*back[0], *back[1], roads=MEASURED)
    assert every_arc(measured).distance_m.tolist() == every_arc(instance(*back[0], *back[1])).distance_m.tolist()


@pytest.mark.parametrize("metres", [-1, -(10**12), 10**8 + 1, 2**62])
def test_a_road_unknown_or_absurd_is_the_detour(metres: int) -> None:
    measured = Roads([SIYANG], [NANJING], np.array([[metres]]))
    assert every_arc(instance(listing(), order(), roads=measured)).distance_m.tolist() == [
        round(detour_m(listing(), order()))
    ]


def test_a_matrix_that_does_not_fit_its_places_is_refused() -> None:
    with pytest.raises(ValueError, match="row for each origin"):
        Roads([SIYANG], [NANJING, SIYANG], np.array([[1]]))
    with pytest.raises(ValueError, match="whole metres"):
        Roads([SIYANG], [NANJING], np.array([[1.5]]))  # type: ignore[arg-type]


def test_a_road_through_a_tunnel_brings_together_what_the_great_circle_keeps_apart() -> None:
    far = listing(lon=87.6, lat=43.8)
    tunnel = Roads([(87.6, 43.8)], [NANJING], np.array([[1_000]]))
    assert clear(Market.of([far], [order()]), POLICY_1, NOW_US).matches == ()
    assert len(clear(Market.of([far], [order()], roads=tunnel), POLICY_1, NOW_US).matches) == 1


@given(listings(), orders(), roads())
def test_a_round_by_road_is_worth_what_highs_finds_over_all_pairs(
    lots: list[Listing], bids: list[Order], measured: Roads
) -> None:
    market = Market.of(lots, bids, roads=measured)
    plan = clear(market, POLICY_1, NOW_US)
    assert (plan.value_mfen, plan.matched_g) == optimum(lots, bids, NOW_US, road_of(measured))
    assert plan.certified_gap == audit(market, POLICY_1, NOW_US, plan) == 0


@given(listings(), orders(), roads())
def test_begun_from_the_nearest_by_road_the_gap_stays_true(
    lots: list[Listing], bids: list[Order], measured: Roads
) -> None:
    market = Market.of(lots, bids, roads=measured)
    plan = clear(market, POLICY_1, NOW_US, Limits(arcs=2, nearest=1, joining=Reach(2, 8)))
    best, _ = optimum(lots, bids, NOW_US, road_of(measured))
    assert plan.value_mfen <= best <= plan.bound_mfen
    assert audit(market, POLICY_1, NOW_US, plan, Limits(arcs=2)) <= plan.certified_gap + 1e-12


@given(listings(), orders(), roads(), st.data())
def test_no_pair_is_screened_out_that_could_meet_or_beat_the_prices(
    lots: list[Listing], bids: list[Order], measured: Roads, data: st.DataObject
) -> None:
    of = instance(*lots, *bids, roads=measured)
    arcs = every_arc(of)
    assert set(zip(arcs.listing.tolist(), arcs.order.tolist(), strict=True)) <= passed(of)
    price = st.integers(-40, 600)
    listing_price = np.array(data.draw(st.lists(price, min_size=len(lots), max_size=len(lots))))
    order_price = np.array(data.draw(st.lists(price, min_size=len(bids), max_size=len(bids))))
    better = arcs.select(arcs.value_fen_per_kg - order_price[arcs.order] - listing_price[arcs.listing] > 0)
    wanted = set(zip(better.listing.tolist(), better.order.tolist(), strict=True))
    assert wanted <= passed(of, Prices(listing_price, order_price))


@given(st.integers(0, 10**8), st.integers(0, 10**6), st.integers(0, 1000))
def test_the_last_fen_and_the_last_hour_of_a_road_are_not_lost_to_single_precision(
    metres: int, floor: int, hours_kept: int
) -> None:
    measured = Roads([SIYANG], [NANJING], np.array([[metres]]))
    far = NOW_US + 10**5 * HOUR_US
    generous = listing(spoils_at_us=far, floor_fen_per_kg=0)
    arc = every_arc(instance(generous, order(ceiling_fen_per_kg=10**6, deliver_by_us=far), roads=measured))
    arrives_at_us = int(arc.arrives_at_us[0])
    lot = listing(floor_fen_per_kg=floor, spoils_at_us=arrives_at_us + hours_kept * HOUR_US)
    bid = order(
        ceiling_fen_per_kg=min(floor + int(arc.freight_fen_per_kg[0]), 10**6),
        deliver_by_us=arrives_at_us,
        min_remaining_life_us=hours_kept * HOUR_US,
    )
    of = instance(lot, bid, roads=measured)
    assert len(every_arc(of)) <= len(passed(of))


def test_a_road_that_is_clearly_too_long_is_screened_out() -> None:
    long_way = Roads([SIYANG], [NANJING], np.array([[20_000_000]]))
    assert passed(instance(listing(), order(), roads=long_way)) == set()
    assert passed(instance(listing(), order())) == {(0, 0)}


def test_the_nearest_are_the_nearest_by_road() -> None:
    draw = random.Random(7)
    places = [(draw.uniform(117, 119), draw.uniform(32, 34)) for _ in range(30)]
    metres = np.array([[draw.choice([-1, draw.randrange(1_000, 300_000)]) for _ in places] for _ in places])
    lots = [listing(f"L{n:02}", lon=lon, lat=lat, floor_fen_per_kg=0) for n, (lon, lat) in enumerate(places)]
    bids = [order(f"O{n:02}", lon=lon, lat=lat) for n, (lon, lat) in enumerate(places)]
    of = instance(*lots, *bids, roads=Roads(places, places, metres))
    found = nearest_arcs(of, 4)
    rows = np.arange(30)
    for row in range(30):
        for mine, distances in (
            (found.distance_m[found.listing == row], road_distance_m(of, np.full(30, row), rows)),
            (found.distance_m[found.order == row], road_distance_m(of, rows, np.full(30, row))),
        ):
            assert np.sort(mine)[:4].tolist() == np.sort(distances)[:4].tolist()


def test_markets_by_road_priced_out_from_a_few_neighbours_end_at_the_optimum() -> None:
    draw = random.Random(11)
    places = [(draw.uniform(105, 121), draw.uniform(25, 40)) for _ in range(60)]
    metres = np.array([[draw.choice([-1, draw.randrange(2_000_000)]) for _ in places] for _ in places])
    lots = [
        listing(f"L{n:02}", kg=draw.randrange(50, 900), floor_fen_per_kg=draw.randrange(300, 1800), lon=lon, lat=lat)
        for n, (lon, lat) in enumerate(places)
    ]
    bids = [
        order(f"O{n:02}", kg=draw.randrange(50, 900), ceiling_fen_per_kg=draw.randrange(800, 2600), lon=lon, lat=lat)
        for n, (lon, lat) in enumerate(places)
    ]
    market = Market.of(lots, bids, roads=Roads(places, places, metres))
    whole = clear(market, POLICY_1, NOW_US)
    priced = clear(market, POLICY_1, NOW_US, Limits(arcs=700, nearest=3, joining=Reach(3, 8), solves=60))
    assert priced.arcs < whole.arcs
    assert (priced.value_mfen, priced.certified_gap) == (whole.value_mfen, 0.0)
    assert priced.matched_g > 100 * KG
