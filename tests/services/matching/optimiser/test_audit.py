from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser.arcs import Instance, compatible_arcs
from services.matching.optimiser.audit import BrokenPlan, audit
from services.matching.optimiser.certificate import relative_gap
from services.matching.optimiser.clear import clear
from services.matching.optimiser.greedy import greedy
from services.matching.optimiser.market import Listing, Market, Order
from services.matching.optimiser.plan import Match, Plan, matches_of
from services.matching.optimiser.policy import POLICY_1
from services.matching.optimiser.transport import value_mfen
from tests.services.matching.optimiser.factories import (
    KG,
    NOW_US,
    every_arc,
    instance,
    listing,
    listings,
    order,
    orders,
)

MARKET = Market.of(
    [listing("L1", kg=400), listing("L2", kg=100, divisible=False), listing("L3", grade="C")],
    [order("O1", kg=300, min_fill_g=100 * KG), order("O2", kg=200, ceiling_fen_per_kg=2500)],
)
PLAN = clear(MARKET, POLICY_1, NOW_US)


def audited(plan: Plan) -> float:
    return audit(MARKET, POLICY_1, NOW_US, plan)


def restated(matches: Sequence[Match]) -> tuple[Match, ...]:
    """With the spread that these would earn alone."""
    of = Instance.of(MARKET, POLICY_1, NOW_US)
    listing_row = np.array([MARKET.listings.ids.index(each.listing_id) for each in matches])
    order_row = np.array([MARKET.orders.ids.index(each.order_id) for each in matches])
    flow_g = np.array([each.quantity_g for each in matches])
    return matches_of(of, compatible_arcs(of, listing_row, order_row), flow_g)


def test_the_plan_itself_is_certified() -> None:
    assert len(PLAN.matches) >= 3
    assert audited(PLAN) == PLAN.certified_gap == 0


def test_other_prices_certify_less() -> None:
    free = np.zeros_like(PLAN.order_price_fen_per_kg)
    assert audited(replace(PLAN, order_price_fen_per_kg=free)) > 0


def test_a_plan_that_sells_less_is_not_certified() -> None:
    fewer = replace(PLAN, matches=restated(PLAN.matches[:-1]))
    with pytest.raises(BrokenPlan, match="value"):
        audited(fewer)
    lost = PLAN.matches[-1]
    value = PLAN.value_mfen - lost.value_fen_per_kg * lost.quantity_g
    for spread in range(0, 41 * lost.quantity_g, 500):  # whatever spread it no longer earns
        try:
            assert audited(replace(fewer, value_mfen=value - spread)) > 0
            return
        except BrokenPlan:
            continue
    pytest.fail("no value fits the plan with a match less")


@pytest.mark.parametrize(
    "change",
    [
        {"quantity_g": 401 * KG},
        {"quantity_g": 0},
        {"price_fen_per_kg": 1},
        {"listing_id": "L3"},
        {"order_id": "O9"},
        {"distance_m": 1},
        {"arrives_at_us": NOW_US},
    ],
)
def test_a_match_that_is_not_allowed_or_tells_a_lie_is_refused(change: dict[str, object]) -> None:
    wrong = (replace(PLAN.matches[0], **change), *PLAN.matches[1:])
    with pytest.raises(BrokenPlan):
        audited(replace(PLAN, matches=wrong))


@given(listings(), orders(), st.data())
def test_no_prices_certify_a_plan_that_is_not_the_optimum(
    lots: list[Listing], bids: list[Order], data: st.DataObject
) -> None:
    """A sound plan of less worth, and any prices that an attacker likes, those of the optimum among them."""
    market, of = Market.of(lots, bids), instance(*lots, *bids)
    best = clear(market, POLICY_1, NOW_US)
    arcs = every_arc(of)
    worth = arcs.value_fen_per_kg.tolist()
    weights = data.draw(st.lists(st.integers(0, 2), min_size=len(worth), max_size=len(worth)))
    flow_g = greedy(
        of, replace(arcs, value_fen_per_kg=np.array(worth, dtype=np.int64) * np.array(weights, dtype=np.int64))
    )
    value = value_mfen(of, arcs, flow_g)
    plan = replace(best, matches=matches_of(of, arcs, flow_g), value_mfen=value)
    drawn = data.draw(st.lists(st.integers(-50, 600), min_size=len(bids), max_size=len(bids)))
    for prices in (best.order_price_fen_per_kg, np.array(drawn, dtype=np.int64)):
        gap = audit(market, POLICY_1, NOW_US, replace(plan, order_price_fen_per_kg=prices))
        assert gap >= relative_gap(best.value_mfen, value)


def test_a_pair_matched_twice_is_refused() -> None:
    first = PLAN.matches[0]
    half = replace(first, quantity_g=first.quantity_g // 2)
    with pytest.raises(BrokenPlan):
        audited(replace(PLAN, matches=(half, half, *PLAN.matches[1:])))


def test_a_broken_promise_is_refused() -> None:
    plan = clear(Market.of([listing(kg=100)], [order(kg=100)]), POLICY_1, NOW_US)
    for strict in (
        Market.of([listing(kg=100)], [order(kg=100, min_fill_g=101 * KG)]),
        Market.of([listing(kg=100, quantity_g=101 * KG, remaining_g=101 * KG, divisible=False)], [order(kg=101)]),
    ):
        with pytest.raises(BrokenPlan):
            audit(strict, POLICY_1, NOW_US, plan)
