"""Markets that would stop an engine: each ends in seconds, with its optimum, or with a gap that is true.

A fifth of each shows what is wrong; that it holds at full size is for `make long`.
"""

import random
from collections import Counter
from time import perf_counter

import numpy as np
import pytest

from services.matching.optimiser.audit import audit
from services.matching.optimiser.clear import Limits, clear
from services.matching.optimiser.market import Listing, Market, Order
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import HOUR_US, POLICY_1
from services.matching.optimiser.tables import MAX_PRICE_FEN_PER_KG, MAX_QUANTITY_G
from tests.services.matching.optimiser.factories import KG, NOW_US, listing, order

SECONDS = 60.0  # an idle machine takes a few; the rounds' own process would be given up after so many


def sizes(some: int, all_: int) -> pytest.MarkDecorator:
    """The test's `size`: of a few seconds at most, and in full."""
    return pytest.mark.parametrize("size", [some, pytest.param(all_, marks=pytest.mark.long)])


def crowded(size: int) -> Limits:
    """As many arcs for each copy as the usual limits have for a hundred thousand, so that copies are solved as one."""
    return Limits(arcs=Limits().arcs * size // 100_000)


def cleared(lots: list[Listing], bids: list[Order], limits: Limits | None = None) -> Plan:
    """In seconds, audited from outside."""
    market = Market.of(lots, bids)
    began_s = perf_counter()
    plan = clear(market, POLICY_1, NOW_US, limits)
    assert perf_counter() - began_s < SECONDS
    assert audit(market, POLICY_1, NOW_US, plan, limits) <= plan.certified_gap + 1e-12
    return plan


@sizes(10_000, 50_000)
def test_ten_thousand_tonnes_for_any_number_of_orders_of_a_hundred_grams(size: int) -> None:
    plan = cleared([listing(kg=10**7)], [order(f"O{n:05}", wanted_g=100) for n in range(size)])
    assert len(plan.matches) == size
    assert {match.quantity_g for match in plan.matches} == {100}
    assert plan.certified_gap == 0


@sizes(20_000, 100_000)
def test_a_crowd_of_copies_of_one_order(size: int) -> None:
    lots = [listing(f"L{n:02}", kg=size // 100 + n, floor_fen_per_kg=1500 + n) for n in range(30)]
    plan = cleared(lots, [order(f"O{n:06}", kg=1) for n in range(size)], crowded(size))
    assert plan.matched_g == sum(lot.remaining_g for lot in lots)
    assert max(Counter(match.order_id for match in plan.matches).values()) <= 2
    assert plan.certified_gap == 0


@sizes(20_000, 100_000)
def test_a_crowd_of_copies_of_one_listing(size: int) -> None:
    bids = [order(f"O{n:02}", kg=size // 100 + n, ceiling_fen_per_kg=2600 + n) for n in range(30)]
    plan = cleared([listing(f"L{n:06}", kg=1) for n in range(size)], bids, crowded(size))
    assert plan.matched_g == sum(bid.wanted_g for bid in bids)
    assert plan.certified_gap == 0


@sizes(20_000, 100_000)
def test_a_crowd_of_copies_of_both(size: int) -> None:
    market = Market.of([listing(f"L{n:06}", kg=2) for n in range(size)], [order(f"O{n:06}", kg=1) for n in range(size)])
    began_s = perf_counter()
    plan = clear(market, POLICY_1, NOW_US, crowded(size))  # an audit from outside would look at all pairs
    assert perf_counter() - began_s < SECONDS
    assert plan.certified_gap == 0
    # Every lot's first half is worth more than any other's second: they all sell alike.
    half = Counter[str]()
    for match in plan.matches:
        half[match.listing_id] += match.quantity_g
    assert half == dict.fromkeys(market.listings.ids, KG)
    assert plan.value_mfen == size * (KG * 948 + KG // 2 * 40 + KG // 2 * 25)


@sizes(500, 1500)
@pytest.mark.parametrize("basis", ["farm_gate", "delivered"])
def test_all_prices_equal_and_everybody_can_meet_everybody(basis: str, size: int) -> None:
    draw = random.Random(3)

    def place() -> dict[str, float]:
        return {"lon": draw.uniform(118, 119), "lat": draw.uniform(32, 33)}

    lots = [listing(f"L{n:04}", kg=draw.randrange(1, 900), **place()) for n in range(size)]
    bids = [order(f"O{n:04}", kg=draw.randrange(1, 900), price_basis=basis, **place()) for n in range(size)]
    plan = cleared(lots, bids)
    assert plan.certified_gap < 1e-3
    supply, demand = sum(lot.remaining_g for lot in lots), sum(bid.wanted_g for bid in bids)
    assert plan.matched_g > 0.99 * min(supply, demand)


def test_three_thousand_on_either_side_and_no_pair_that_can_meet() -> None:
    lots = [listing(f"L{n:04}", kg=1 + n, floor_fen_per_kg=3000) for n in range(1500)]
    plan = cleared(lots, [order(f"O{n:04}", kg=1 + n) for n in range(1500)])
    assert (plan.matches, plan.value_mfen, plan.certified_gap, plan.arcs) == ((), 0, 0.0, 0)


def test_one_odd_gram_among_quantities_of_whole_tonnes() -> None:
    draw = random.Random(5)
    lots = [
        listing(f"L{n:03}", kg=1000 * draw.randrange(1, 90), floor_fen_per_kg=draw.randrange(1000, 2000))
        for n in range(200)
    ]
    bids = [
        order(f"O{n:03}", kg=1000 * draw.randrange(1, 90), ceiling_fen_per_kg=draw.randrange(1500, 2600))
        for n in range(200)
    ]
    even = cleared(lots, bids)
    odd = cleared([*lots, listing("odd", quantity_g=1, remaining_g=1, floor_fen_per_kg=0)], bids)
    assert even.certified_gap == odd.certified_gap == 0
    assert 0 < odd.value_mfen - even.value_mfen < 3000


def test_prices_and_quantities_at_their_limits() -> None:
    lots = [
        listing("dear", quantity_g=MAX_QUANTITY_G, remaining_g=MAX_QUANTITY_G, floor_fen_per_kg=MAX_PRICE_FEN_PER_KG),
        listing("free", quantity_g=MAX_QUANTITY_G, remaining_g=MAX_QUANTITY_G, floor_fen_per_kg=0),
        listing("gram", quantity_g=1, remaining_g=1, floor_fen_per_kg=0),
    ]
    most = {"wanted_g": MAX_QUANTITY_G, "ceiling_fen_per_kg": MAX_PRICE_FEN_PER_KG}
    plan = cleared(
        lots, [order("all", **most), order("gate", price_basis="farm_gate", **most), order("gram", wanted_g=1)]
    )
    assert plan.matched_g == MAX_QUANTITY_G + 1  # to who pays no freight; what is dear would be worth its spread alone
    assert plan.certified_gap == 0
    beyond = [listing("L", quantity_g=MAX_QUANTITY_G + 1, remaining_g=MAX_QUANTITY_G + 1)]
    assert [each.reason for each in cleared(beyond, [order()]).set_aside] == ["quantity_out_of_range"]


def test_a_market_beyond_the_solvers_integers_is_cleared_in_parts() -> None:
    draw = random.Random(9)
    lots = [
        listing(
            f"L{n:03}",
            quantity_g=MAX_QUANTITY_G - draw.randrange(99),
            remaining_g=MAX_QUANTITY_G - 100,
            lon=draw.uniform(105, 121),
        )
        for n in range(150)
    ]
    bids = [
        order(f"O{n:03}", wanted_g=MAX_QUANTITY_G - draw.randrange(99), ceiling_fen_per_kg=MAX_PRICE_FEN_PER_KG)
        for n in range(150)
    ]
    plan = cleared(lots, bids)
    assert plan.matched_g > 0.99 * sum(lot.remaining_g for lot in lots)
    assert 0 <= plan.certified_gap < 0.01


@sizes(400, 2000)
def test_many_promises_that_all_break(size: int) -> None:
    """Every order must have all it wants, and half of every lot is left over by whoever is served."""
    draw = random.Random(1)
    lots = [
        listing(f"L{n:04}", kg=100, divisible=n % 2 == 0, lon=draw.uniform(112, 120), lat=draw.uniform(28, 35))
        for n in range(size)
    ]
    bids = [
        order(
            f"O{n:04}",
            kg=150,
            min_fill_g=150 * KG,
            ceiling_fen_per_kg=draw.randrange(1700, 2600),
            lon=draw.uniform(112, 120),
            lat=draw.uniform(28, 35),
        )
        for n in range(size)
    ]
    plan = cleared(lots, bids)
    assert plan.matches
    assert plan.greedy_value_mfen <= plan.value_mfen


def test_a_limit_of_time_ends_a_round_with_a_true_gap() -> None:
    draw = random.Random(2)
    rows = range(400)
    lots = [
        listing(
            f"L{n:03}", kg=draw.randrange(9, 99), floor_fen_per_kg=draw.randrange(300, 1800), lon=draw.uniform(105, 121)
        )
        for n in rows
    ]
    bids = [
        order(
            f"O{n:03}", kg=draw.randrange(9, 99), ceiling_fen_per_kg=draw.randrange(800, 2600), lat=draw.uniform(25, 40)
        )
        for n in rows
    ]
    best = cleared(lots, bids)
    cut = cleared(lots, bids, Limits(arcs=3000, nearest=2, seconds=0.0))
    assert cut.solves == 1
    assert cut.certified_gap >= (best.value_mfen - cut.value_mfen) / cut.value_mfen > 0


def test_times_at_the_end_of_the_calendar() -> None:
    last = 253_402_300_800_000_000
    lot = listing(available_from_us=last - HOUR_US, available_until_us=last, spoils_at_us=last)
    assert cleared([lot], [order(deliver_by_us=last, min_remaining_life_us=0)]).matches == ()
    assert np.isfinite(cleared([listing(spoils_at_us=last)], [order(deliver_by_us=last)]).certified_gap)
