from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from services.matching.optimiser.flow import Solver, highs, network_simplex
from services.matching.optimiser.market import Listing, Order
from services.matching.optimiser.policy import POLICY_1
from services.matching.optimiser.transport import common_divisor, fits, solve, spread_mfen, value_mfen
from tests.services.matching.optimiser.factories import KG, every_arc, instance, listing, listings, order, orders

SOLVERS = [network_simplex, highs]


@given(listings(), orders())
def test_both_solvers_give_a_plan_of_the_same_value_and_mass(lots: list[Listing], bids: list[Order]) -> None:
    of = instance(*lots, *bids)
    arcs = every_arc(of)
    by_simplex, by_highs = (solve(of, arcs, solver) for solver in SOLVERS)
    assert value_mfen(of, arcs, by_simplex.flow_g) == value_mfen(of, arcs, by_highs.flow_g)
    assert by_simplex.flow_g.sum() == by_highs.flow_g.sum()


@pytest.mark.parametrize("solver", SOLVERS)
def test_of_two_plans_of_equal_value_the_one_that_moves_more_wins(solver: Solver) -> None:
    # The pair of no surplus, no rescue and (in the last quarter) no spread is worth nothing, and still moves.
    no_spread = replace(POLICY_1, spread_fen_per_kg=(0, 0, 0, 0))
    of = instance(listing(kg=300, floor_fen_per_kg=2548), order(kg=500), policy=no_spread)
    arcs = every_arc(of)
    assert arcs.value_fen_per_kg.tolist() == [0]
    assert solve(of, arcs, solver).flow_g.tolist() == [300 * KG]


@pytest.mark.parametrize("solver", SOLVERS)
def test_more_mass_never_costs_value(solver: Solver) -> None:
    # O2 is worth 1 fen/kg more than O1 and is pinned; serving it first leaves O1 short by 99 kg.
    of = instance(
        listing("L1", kg=100), order("O1", kg=100), order("O2", kg=1, ceiling_fen_per_kg=2601), order("O3", kg=200)
    )
    arcs = every_arc(of)
    flow = dict(zip(arcs.order.tolist(), solve(of, arcs, solver).flow_g.tolist(), strict=True))
    assert flow[of.market.orders.ids.index("O2")] == 1 * KG
    assert sum(flow.values()) == 100 * KG


def test_the_price_of_an_order_is_what_one_more_kg_wanted_would_add() -> None:
    def best(wanted_kg: int) -> int:
        of = instance(listing(kg=1200), order(kg=wanted_kg), order("O2", kg=800, ceiling_fen_per_kg=2500))
        arcs = every_arc(of)
        return value_mfen(of, arcs, solve(of, arcs).flow_g)

    of = instance(listing(kg=1200), order(kg=700), order("O2", kg=800, ceiling_fen_per_kg=2500))
    price = solve(of, every_arc(of)).order_price_fen_per_kg
    assert price[0] * KG == best(701) - best(700)
    assert price.tolist() == [100, 0]


def test_neighbours_sell_alike() -> None:
    of = instance(listing("L1", kg=400), listing("L2", kg=400), order(kg=400))
    arcs = every_arc(of)
    assert solve(of, arcs).flow_g.tolist() == [200 * KG, 200 * KG]


def test_a_lot_partly_sold_in_earlier_rounds_stands_back() -> None:
    sold = listing("L1", quantity_g=800 * KG, committed_g=400 * KG, remaining_g=400 * KG)
    of = instance(sold, listing("L2", kg=400), order(kg=200))
    assert solve(of, every_arc(of)).flow_g.tolist() == [0, 200 * KG]


def test_the_spread_is_earned_quarter_by_quarter() -> None:
    of = instance(listing(kg=400), order())
    earned = [spread_mfen(of, np.array([sold * KG])) // KG for sold in (0, 50, 100, 150, 200, 300, 400)]
    assert earned == [0, 50 * 40, 4000, 4000 + 50 * 25, 6500, 7500, 7500]


def test_quantities_are_counted_in_their_common_divisor() -> None:
    of = instance(listing(kg=1200), order(kg=500))
    assert common_divisor(of.market.listings.quarter_g, of.market.orders.wanted_g) == 100 * KG
    of = instance(listing(kg=1200.001), order(kg=500))
    assert common_divisor(of.market.listings.quarter_g, of.market.orders.wanted_g) == 1


def test_ten_to_the_twelve_grams_at_the_highest_price_still_fit() -> None:
    lots = [listing(f"L{n:02}", quantity_g=10**10 - 1, remaining_g=10**10 - 1, floor_fen_per_kg=0) for n in range(50)]
    bids = [order(f"O{n:02}", wanted_g=10**10 - 3, ceiling_fen_per_kg=10**6) for n in range(50)]
    of = instance(*lots, *bids)
    arcs = every_arc(of)
    assert fits(of, np.arange(50), np.arange(50))
    flow_g = solve(of, arcs).flow_g
    assert flow_g.sum() == 50 * (10**10 - 3)
    assert value_mfen(of, arcs, flow_g) > 10**17


def test_twice_that_does_not() -> None:
    lots = [listing(f"L{n:03}", quantity_g=10**10 - 1, remaining_g=10**10 - 1) for n in range(100)]
    bids = [order(f"O{n:03}", wanted_g=10**10 - 3, ceiling_fen_per_kg=10**6) for n in range(100)]
    assert not fits(instance(*lots, *bids), np.arange(100), np.arange(100))
