import pytest

from services.matching.optimiser.clear import clear
from services.matching.optimiser.market import Listing, Market, Order, SetAside
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import POLICY_1
from tests.services.matching.optimiser.factories import KG, NOW_US, listing, order


def cleared(lots: list[Listing], bids: list[Order]) -> Plan:
    return clear(Market.of(lots, bids), POLICY_1, NOW_US)


def quantities(plan: Plan) -> dict[tuple[str, str], float]:
    return {(match.listing_id, match.order_id): match.quantity_g / KG for match in plan.matches}


def test_an_order_whose_least_fill_is_beyond_what_is_offered_gets_nothing_and_costs_no_proof() -> None:
    plan = cleared([listing(kg=99)], [order("O1", kg=500, min_fill_g=100 * KG)])
    assert plan.matches == ()
    assert plan.set_aside == (SetAside("order", "O1", "min_fill"),)
    assert plan.certified_gap == 0


def test_what_was_agreed_in_earlier_rounds_counts_towards_the_least_fill() -> None:
    plan = cleared([listing(kg=99)], [order(kg=400, min_fill_g=100 * KG, committed_g=1 * KG)])
    assert quantities(plan) == {("L1", "O1"): 99}


def test_an_order_left_short_by_dearer_ones_steps_back_for_the_others() -> None:
    # O1 outbids: 60 kg. O2 would get the other 40 kg but needs 50. O3 gets them.
    bids = [
        order("O1", kg=60, ceiling_fen_per_kg=3000),
        order("O2", kg=80, ceiling_fen_per_kg=2900, min_fill_g=50 * KG),
        order("O3", kg=80),
    ]
    plan = cleared([listing(kg=100)], bids)
    assert quantities(plan) == {("L1", "O1"): 60, ("L1", "O3"): 40}
    assert plan.set_aside == (SetAside("order", "O2", "min_fill"),)
    assert plan.certified_gap > 0  # what the promise cost, or less, is told


def test_of_two_that_cannot_both_have_their_fill_one_does() -> None:
    bids = [order(f"O{n}", kg=80, ceiling_fen_per_kg=2600 + n, min_fill_g=80 * KG) for n in (1, 2)]
    plan = cleared([listing(kg=120)], bids)
    assert quantities(plan) in ({("L1", "O1"): 80}, {("L1", "O2"): 80})


def test_an_order_that_is_offered_nothing_is_not_called_short_of_its_fill() -> None:
    plan = cleared([listing(floor_fen_per_kg=9000)], [order(min_fill_g=KG)])
    assert plan.set_aside == ()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_indivisible_lots_are_sold_whole_or_not_at_all(count: int) -> None:
    lots = [listing(f"L{n}", kg=300, divisible=False) for n in range(count)]
    plan = cleared(lots, [order(kg=500)])
    assert len(plan.matches) == 1
    assert plan.matches[0].quantity_g == 300 * KG


def test_a_lot_for_which_no_order_is_large_enough_is_never_tried() -> None:
    plan = cleared([listing(kg=600, divisible=False)], [order("O1", kg=500), order("O2", kg=500)])
    assert (plan.matches, plan.arcs, plan.certified_gap) == ((), 0, 0.0)


def test_an_indivisible_lot_between_two_orders_is_not_cut() -> None:
    lots = [listing("L1", kg=100, divisible=False), listing("L2", kg=60)]
    bids = [order("O1", kg=100), order("O2", kg=100, ceiling_fen_per_kg=2590)]
    plan = cleared(lots, bids)
    whole = [match for match in plan.matches if match.listing_id == "L1"]
    assert [match.quantity_g for match in whole] in ([], [100 * KG])
    assert plan.matched_g >= 60 * KG
