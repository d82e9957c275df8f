from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser import screen
from services.matching.optimiser.arcs import Instance
from services.matching.optimiser.market import Listing, Order
from services.matching.optimiser.policy import HOUR_US
from services.matching.optimiser.screen import Prices, candidate_pairs
from tests.services.matching.optimiser.factories import (
    NOW_US,
    every_arc,
    instance,
    listing,
    listings,
    order,
    orders,
    pairs_of,
    passed,
)


def passed_one_by_one(of: Instance, prices: Prices | None = None) -> set[tuple[int, int]]:
    """The same where each listing is met with the orders that it could reach itself, as in a market of thousands."""
    with patch.multiple(screen, NEIGHBOURS=1, BLOCK_PAIRS=1):
        return passed(of, prices)


@given(listings(), orders())
def test_no_compatible_pair_is_screened_out(lots: list[Listing], bids: list[Order]) -> None:
    of = instance(*lots, *bids)
    assert pairs_of(every_arc(of)) <= passed_one_by_one(of) == passed(of)


@given(listings(), orders(), st.data())
def test_no_pair_that_beats_the_prices_is_screened_out(
    lots: list[Listing], bids: list[Order], data: st.DataObject
) -> None:
    of = instance(*lots, *bids)
    price = st.integers(-40, 600)
    listing_price = np.array(data.draw(st.lists(price, min_size=len(lots), max_size=len(lots))))
    order_price = np.array(data.draw(st.lists(price, min_size=len(bids), max_size=len(bids))))
    arcs = every_arc(of)
    gain = arcs.value_fen_per_kg - order_price[arcs.order] - listing_price[arcs.listing]
    prices = Prices(listing_price, order_price)
    assert pairs_of(arcs.select(gain > 0)) <= passed_one_by_one(of, prices) == passed(of, prices)


@given(
    st.floats(-180, 180),
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.floats(-90, 90),
    st.integers(0, 1000),
    st.integers(0, 10**6),
)
def test_the_last_fen_and_the_last_hour_are_not_lost_to_single_precision(
    lon: float, lat: float, lon2: float, lat2: float, hours_kept: int, floor: int
) -> None:
    far = NOW_US + 10**5 * HOUR_US
    generous = listing(lon=lon, lat=lat, spoils_at_us=far, floor_fen_per_kg=0)
    arc = every_arc(instance(generous, order(lon=lon2, lat=lat2, ceiling_fen_per_kg=10**6, deliver_by_us=far)))
    ceiling = floor + int(arc.freight_fen_per_kg[0])
    arrives_at_us = int(arc.arrives_at_us[0])
    lot = listing(lon=lon, lat=lat, floor_fen_per_kg=floor, spoils_at_us=arrives_at_us + hours_kept * HOUR_US)
    bid = order(
        lon=lon2,
        lat=lat2,
        ceiling_fen_per_kg=min(ceiling, 10**6),
        deliver_by_us=arrives_at_us,
        min_remaining_life_us=hours_kept * HOUR_US,
    )
    of = instance(lot, bid)
    assert pairs_of(every_arc(of)) <= passed_one_by_one(of)


def test_what_is_clearly_hopeless_is_screened_out() -> None:
    sound, bid = listing("L0"), order()
    hopeless = [
        listing("L1", floor_fen_per_kg=2700),
        listing("L2", spoils_at_us=NOW_US + 20 * HOUR_US),
        listing("L3", lon=87.6, lat=43.8),
        listing("L4", grade="C"),
        listing("L5", available_from_us=NOW_US + 90 * HOUR_US, spoils_at_us=NOW_US + 900 * HOUR_US),
    ]
    of = instance(sound, *hopeless, bid)
    assert passed(of) == {(of.market.listings.ids.index("L0"), 0)}


def test_blocks_and_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [listing(f"L{n}") for n in range(7)] + [order(f"O{n}") for n in range(5)]
    whole = passed(instance(*rows))
    assert len(whole) == 35
    monkeypatch.setattr(screen, "BLOCK_PAIRS", 10)
    monkeypatch.setattr(screen, "BATCH_PAIRS", 3)
    assert passed(instance(*rows)) == whole
    assert len(list(candidate_pairs(instance(*rows)))) == 4


def test_a_market_without_one_side_has_no_pairs() -> None:
    assert passed(instance(listing())) == set()
    assert passed(instance(order())) == set()


@pytest.mark.parametrize("along", ["lon", "lat"])
def test_who_lives_far_apart_is_never_looked_at_together(along: str) -> None:
    """A country a degree apart, whose lots keep for a hundred kilometres."""
    soon, still = NOW_US + 6 * HOUR_US, {"lon": 100.0, "lat": 30.0}
    rows = [
        row
        for number in range(40)
        for row in (
            listing(f"L{number:02}", spoils_at_us=soon, **still | {along: 20.0 + number}),
            order(f"O{number:02}", deliver_by_us=soon, min_remaining_life_us=0, **still | {along: 20.0 + number}),
        )
    ]
    of = instance(*rows)
    with patch.multiple(screen, NEIGHBOURS=1, BLOCK_PAIRS=1):
        sides = screen._Sides.of(of, None)
        seen = sum((rows.stop - rows.start) * (columns.stop - columns.start) for rows, columns in sides.blocks())
    assert pairs_of(every_arc(of)) == {(number, number) for number in range(40)}
    assert 40 <= seen <= 3 * 40
