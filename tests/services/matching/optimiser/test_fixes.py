"""Fixes by shortest paths, in markets where all may be divided: held against whole fresh plans."""

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser.explain import Explanation, Promised, explain
from services.matching.optimiser.market import Listing, Market, Order
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import POLICY_1
from services.matching.optimiser.residual import Residual
from services.matching.optimiser.sides import Side, Who
from services.matching.optimiser.tables import MAX_PRICE_FEN_PER_KG
from tests.services.matching.optimiser.factories import (
    KG,
    NOW_US,
    cleared,
    every_arc,
    instance,
    listing,
    listings,
    order,
    orders,
)

SIDES = st.sampled_from(["listing", "order"])
Row = Listing | Order


def matched_g(plan: Plan, who: Who) -> int:
    return sum(each.quantity_g for each in plan.matches if who.id in {each.listing_id, each.order_id})


def explained(lots: Sequence[Listing], bids: Sequence[Order], side: Side, within_s: float) -> list[Explanation]:
    market = Market.of(lots, bids)
    asked = [Who(side, each.id) for each in (lots if side == "listing" else bids)]
    return explain(market, Promised({side: market}, {}), POLICY_1, NOW_US, asked, None, within_s)


def at(lots: Sequence[Listing], bids: Sequence[Order], who: Who, price: int) -> Plan:
    """A fresh plan where one floor or ceiling is another."""
    if who.side == "listing":
        return cleared([replace(each, floor_fen_per_kg=price) if each.id == who.id else each for each in lots], bids)
    return cleared(lots, [replace(each, ceiling_fen_per_kg=price) if each.id == who.id else each for each in bids])


def price_of(row: Row) -> int:
    return row.floor_fen_per_kg if isinstance(row, Listing) else row.ceiling_fen_per_kg


def hold(lots: Sequence[Listing], bids: Sequence[Order], found: Explanation, *, in_time: bool) -> None:
    """What is said of it is so in whole fresh plans. A fen less is no better than to leave all as it is; in time it is
    known, too, that a draw is not won."""
    row = next(each for each in (*lots, *bids) if each.id == found.who.id)
    before = cleared(lots, bids)
    had_g, price = matched_g(before, found.who), price_of(row)
    step = -1 if found.who.side == "listing" else 1
    if found.fix is None:
        most = 0 if found.who.side == "listing" else MAX_PRICE_FEN_PER_KG
        if found.unmatched_g and not had_g:
            assert at(lots, bids, found.who, most).value_mfen == before.value_mfen + had_g * abs(most - price)
        return
    more_g = matched_g(at(lots, bids, found.who, found.fix.to), found.who) - had_g
    lesser = at(lots, bids, found.who, found.fix.to - step)
    stays_mfen = before.value_mfen + had_g * (abs(found.fix.to - price) - 1)
    if in_time:
        assert more_g == found.fix.would_match_g > 0
        assert matched_g(lesser, found.who) - had_g <= 0
    else:
        assert more_g >= found.fix.would_match_g > 0
        assert not had_g, "who has some is looked at by whole plans, and only while there is time"
        assert lesser.value_mfen == stays_mfen


@given(listings(), orders(), SIDES)
def test_a_fix_is_what_a_fresh_plan_does(lots: list[Listing], bids: list[Order], side: Side) -> None:
    for found in explained(lots, bids, side, 5.0):
        hold(lots, bids, found, in_time=True)


@given(listings(), orders(), SIDES)
def test_without_time_a_fix_needs_no_draw(lots: list[Listing], bids: list[Order], side: Side) -> None:
    for found in explained(lots, bids, side, 0.0):
        hold(lots, bids, found, in_time=False)


@pytest.mark.parametrize("side", ["listing", "order"])
def test_a_plan_that_is_not_the_best_is_refused(side: Side) -> None:
    of = instance(listing("L1", kg=500), listing("L2", kg=500, floor_fen_per_kg=1500), order(kg=500))
    arcs = every_arc(of)
    cheap = of.market.listings.floor_fen_per_kg[arcs.listing] == 1500
    best_g, worse_g, nothing_g = (np.where(each, 500 * KG, 0) for each in (cheap, ~cheap, cheap & ~cheap))
    # The last quarter of the cheap one earns no spread, the first of the dear one 40: no 100 of a better floor.
    assert Residual.of(side, of, arcs, best_g) is not None
    assert Residual.of(side, of, arcs, worse_g) is None
    assert Residual.of(side, of, arcs, nothing_g) is None


def crowd(seed: int, rows: int) -> tuple[list[Listing], list[Order]]:
    """Neighbours whose prices and quantities are so alike that many plans are equal, and paths between them long."""
    draw = random.Random(seed)
    places = [(118.0 + number / 3, 32.0 + number % 3) for number in range(6)]

    def place() -> dict[str, float]:
        lon, lat = draw.choice(places)
        return {"lon": lon, "lat": lat}

    lots = [
        listing(
            f"L{number:02}",
            kg=draw.randrange(1, 9),
            floor_fen_per_kg=draw.randrange(1500, 1520),
            grade=draw.choice("ABC"),
            watch_52=draw.random() < 0.2,
            **place(),
        )
        for number in range(rows)
    ]
    bids = [
        order(
            f"O{number:02}",
            kg=draw.randrange(1, 9),
            ceiling_fen_per_kg=draw.randrange(1540, 1580),
            min_grade=draw.choice("ABC"),
            **place(),
        )
        for number in range(rows)
    ]
    return lots, bids


@pytest.mark.parametrize("side", ["listing", "order"])
@pytest.mark.parametrize("within_s", [60.0, 0.0])
@pytest.mark.parametrize("seed", range(4))
def test_in_a_crowd_of_neighbours_too(seed: int, within_s: float, side: Side) -> None:
    lots, bids = crowd(seed, 24)
    found = explained(lots, bids, side, within_s)
    for each in found:
        hold(lots, bids, each, in_time=within_s > 0)
