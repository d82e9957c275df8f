import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser import division
from services.matching.optimiser.audit import audit
from services.matching.optimiser.clear import clear
from services.matching.optimiser.division import clear_or_divide, merged
from services.matching.optimiser.market import Listing, Market, Order
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import POLICY_1
from tests.services.matching.optimiser.factories import NOW_US, listing, listings, order, orders


@pytest.fixture(autouse=True)
def small_markets_are_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(division, "WORTH_DIVIDING_ARCS", 1)
    monkeypatch.setattr(division, "GREATEST_SHARE", 0.99)


def divided(market: Market, pieces: int = 3) -> tuple[Plan, int]:
    """The plan of the market by its parts, and how many these were."""
    answer = clear_or_divide(market, POLICY_1, NOW_US, pieces=pieces)
    if isinstance(answer, Plan):
        return answer, 1
    return merged(market, [clear(part, POLICY_1, NOW_US) for part in answer]), len(answer)


@given(listings(divisible=st.booleans()), orders(min_fill=st.sampled_from([0, 0, 1000, 4000])))
def test_the_parts_plans_together_are_the_plan_of_the_whole(lots: list[Listing], bids: list[Order]) -> None:
    odd = [listing("odd", lon=float("nan"))]
    market = Market.of([*lots, *odd], bids)
    whole, (together, _) = clear(market, POLICY_1, NOW_US), divided(market)
    assert audit(market, POLICY_1, NOW_US, together) <= together.certified_gap + 1e-12
    assert (together.bound_mfen, together.greedy_value_mfen) == (whole.bound_mfen, whole.greedy_value_mfen)
    assert (together.arcs, together.set_aside[0]) == (whole.arcs, whole.set_aside[0])
    assert together.priority_unknown == whole.priority_unknown
    assert (together.listing_ids, together.order_ids) == (whole.listing_ids, whole.order_ids)
    if all(lot.divisible for lot in lots) and not any(bid.min_fill_g for bid in bids):
        assert (together.value_mfen, together.matched_g) == (whole.value_mfen, whole.matched_g)


def test_two_regions_that_never_trade_are_two_parts_and_who_trades_with_nobody_is_not_forgotten() -> None:
    east, west = {"lon": 121.4, "lat": 31.2}, {"lon": 87.6, "lat": 43.8}
    soon = {"deliver_by_us": NOW_US + 8 * 3_600_000_000}
    lots = [listing("L1", kg=10, **east), listing("L2", kg=20, **west), listing("L3", kg=30, lon=100.0, lat=25.0)]
    bids = [order("O1", kg=5, **east, **soon), order("O2", kg=7, **west, **soon)]
    plan, parts = divided(Market.of(lots, bids))
    assert parts == 2
    assert {(match.listing_id, match.order_id) for match in plan.matches} == {("L1", "O1"), ("L2", "O2")}
    assert set(plan.listing_ids) == {"L1", "L2", "L3"}
    price = dict(zip(plan.listing_ids, plan.listing_price_fen_per_kg.tolist(), strict=True))
    assert price["L3"] == -40, "it would rather stay unsold than be taken for nothing"


def test_one_piece_or_a_market_in_one_piece_is_just_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    market = Market.of([listing("L1"), listing("L2")], [order("O1"), order("O2")])
    assert isinstance(clear_or_divide(market, POLICY_1, NOW_US, pieces=1), Plan)
    monkeypatch.setattr(division, "GREATEST_SHARE", 0.5)
    assert isinstance(clear_or_divide(market, POLICY_1, NOW_US, pieces=4), Plan)
    assert np.array_equal(
        clear(market, POLICY_1, NOW_US).order_price_fen_per_kg,
        clear_or_divide(market, POLICY_1, NOW_US, pieces=4).order_price_fen_per_kg,  # type: ignore[union-attr]
    )
