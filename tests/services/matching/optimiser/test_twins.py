"""Rows that are alike are solved as one; nothing of that may show in the plan but the time it took."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser.arcs import Instance
from services.matching.optimiser.audit import audit
from services.matching.optimiser.clear import Limits, clear
from services.matching.optimiser.market import Listing, Market, Order
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import POLICY_1
from services.matching.optimiser.tables import MAX_QUANTITY_G
from services.matching.optimiser.twins import Twins
from tests.services.matching.optimiser.factories import KG, NOW_US, instance, listing, listings, order, orders
from tests.services.matching.optimiser.oracle import optimum

TOO_MANY = Limits(arcs=0, nearest=50, solves=60)
"""So that twins are looked for, and every pair is near enough to be solved with."""


def merged(*rows: Listing | Order, excluded: tuple[tuple[str, str], ...] = ()) -> tuple[int, int]:
    """How many listings and orders remain."""
    of: Instance = instance(*rows, excluded=excluded)
    twins = Twins.of(of)
    market = of.market if twins is None else twins.instance.market
    return len(market.listings.ids), len(market.orders.ids)


def cleared(lots: list[Listing], bids: list[Order], limits: Limits) -> Plan:
    market = Market.of(lots, bids)
    plan = clear(market, POLICY_1, NOW_US, limits)
    assert audit(market, POLICY_1, NOW_US, plan) <= plan.certified_gap + 1e-12
    return plan


@st.composite
def crowds(draw: st.DrawFn) -> tuple[list[Listing], list[Order]]:
    """Markets in which most rows have twins, some of another quantity, some partly sold."""
    lots, bids = [], []
    for lot in draw(listings(divisible=st.sampled_from([True, True, True, False]))):
        for copy in range(draw(st.integers(1, 4))):
            kg = draw(st.integers(1, 40))
            sold = draw(st.sampled_from([0, 0, kg * KG]))
            lots.append(
                replace(lot, id=f"{lot.id}-{copy}", quantity_g=kg * KG + sold, committed_g=sold, remaining_g=kg * KG)
            )
    for bid in draw(orders(min_fill=st.sampled_from([0, 0, 0, 2000]))):
        pin = None if bid.listing_id is None else f"{bid.listing_id}-0"
        for copy in range(draw(st.integers(1, 4))):
            kg = draw(st.integers(1, 40))
            bids.append(replace(bid, id=f"{bid.id}-{copy}", wanted_g=kg * KG, listing_id=pin))
    return lots, bids


@given(crowds())
def test_a_crowd_solved_as_one_is_worth_what_each_by_himself_is_and_is_proven(
    crowd: tuple[list[Listing], list[Order]],
) -> None:
    lots, bids = crowd
    free = [replace(lot, divisible=True) for lot in lots], [replace(bid, min_fill_g=0) for bid in bids]
    plan = cleared(*free, TOO_MANY)
    assert (plan.value_mfen, plan.matched_g) == optimum(*free, NOW_US)
    assert plan.certified_gap == 0
    promised = cleared(lots, bids, TOO_MANY)  # the audit raises if a promise is broken
    assert promised.value_mfen <= plan.value_mfen


@given(crowds(), st.randoms(use_true_random=False))
def test_in_whatever_order_a_crowd_comes_it_gets_the_same(
    crowd: tuple[list[Listing], list[Order]], draw: random.Random
) -> None:
    lots, bids = crowd
    plan = cleared(lots, bids, TOO_MANY)
    draw.shuffle(lots)
    draw.shuffle(bids)
    assert cleared(lots, bids, TOO_MANY).matches == plan.matches


def test_twins_may_differ_in_quantity_and_in_what_is_past() -> None:
    rows = [listing("L1"), listing("L2", kg=7, available_from_us=NOW_US - 1), order("O1"), order("O2", kg=3)]
    assert merged(*rows) == (1, 1)
    assert merged(*rows, order("O3", deliver_from_us=NOW_US - 5)) == (1, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"floor_fen_per_kg": 1601},
        {"grade": "B"},
        {"lon": 118.7},
        {"available_from_us": NOW_US + 1},
        {"available_until_us": NOW_US + 9},
        {"spoils_at_us": NOW_US + 10**9},
        {"temperature_class": "frozen"},
        {"watch_52": True},
        {"divisible": False},
    ],
)
def test_a_listing_that_differs_in_what_counts_is_no_twin(change: dict[str, object]) -> None:
    assert merged(listing("L1"), listing("L2", **change), order())[0] == 2


@pytest.mark.parametrize(
    "change",
    [
        {"ceiling_fen_per_kg": 2601},
        {"min_grade": "C"},
        {"lat": 32.0},
        {"deliver_from_us": NOW_US + 1},
        {"deliver_by_us": NOW_US + 10**12},
        {"min_remaining_life_us": 0},
        {"price_basis": "farm_gate"},
        {"listing_id": "L1"},
        {"min_fill_g": 1},
    ],
)
def test_an_order_that_differs_in_what_counts_is_no_twin(change: dict[str, object]) -> None:
    assert merged(listing("L1"), order("O1"), order("O2", **change))[1] == 2


def test_who_said_no_or_is_asked_for_by_name_stands_alone() -> None:
    rows = [listing("L1"), listing("L2"), listing("L3"), order("O1"), order("O2"), order("O3")]
    assert merged(*rows) == (1, 1)
    assert merged(*rows, excluded=(("L1", "O2"),)) == (2, 2)
    assert merged(*rows[:3], order("O1", listing_id="L3"), order("O2")) == (2, 2)


def test_whole_lots_keep_orders_apart_for_what_they_want_counts() -> None:
    assert merged(listing("L1"), listing("L2", divisible=False), order("O1"), order("O2")) == (2, 2)


def test_twins_are_never_more_together_than_a_solver_can_count() -> None:
    many = [listing(f"L{n:02}", quantity_g=MAX_QUANTITY_G, remaining_g=MAX_QUANTITY_G - n) for n in range(40)]
    twins = Twins.of(instance(*many, order("O1"), order("O2")))
    assert twins is not None
    together_g = twins.instance.market.listings.remaining_g
    assert len(together_g) >= 20
    assert together_g.max() <= 2 * MAX_QUANTITY_G
    assert together_g.sum() == sum(lot.remaining_g for lot in many)
    assert merged(*(listing(f"L{n:02}", kg=10**6) for n in range(40)), order())[0] == 4
