import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.certificate import Certificate, Reach, certify, join, no_arcs, relative_gap
from services.matching.optimiser.market import Listing, Order
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.transport import solve, value_mfen
from tests.services.matching.optimiser.factories import every_arc, instance, listing, listings, order, orders


def certified(of: Instance, known: Arcs, order_price: IntArray, reach: Reach | None = None) -> Certificate:
    return certify(of, known, order_price, np.ones(len(of.market.orders.ids), dtype=bool), reach)


@given(listings(), orders())
def test_the_prices_of_the_optimum_prove_it_to_the_fen(lots: list[Listing], bids: list[Order]) -> None:
    of = instance(*lots, *bids)
    arcs = every_arc(of)
    solution = solve(of, arcs)
    # Nothing is told of the arcs that were solved with: the proof stands on the prices alone.
    certificate = certified(of, no_arcs(), solution.order_price_fen_per_kg)
    assert certificate.bound_mfen == value_mfen(of, arcs, solution.flow_g)


@given(listings(), orders(), st.data())
def test_any_prices_bound_every_plan(lots: list[Listing], bids: list[Order], data: st.DataObject) -> None:
    of = instance(*lots, *bids)
    arcs = every_arc(of)
    best = value_mfen(of, arcs, solve(of, arcs).flow_g)
    prices = data.draw(st.lists(st.integers(0, 600), min_size=len(bids), max_size=len(bids)))
    assert certified(of, no_arcs(), np.array(prices)).bound_mfen >= best


@given(listings(), orders(), st.data())
def test_what_was_hidden_from_the_solver_is_found(lots: list[Listing], bids: list[Order], data: st.DataObject) -> None:
    of = instance(*lots, *bids)
    arcs = every_arc(of)
    shown = np.array(data.draw(st.lists(st.booleans(), min_size=len(arcs), max_size=len(arcs))), dtype=bool)
    solution = solve(of, arcs.select(shown))
    value = value_mfen(of, arcs.select(shown), solution.flow_g)
    best = value_mfen(of, arcs, solve(of, arcs).flow_g)
    certificate = certified(of, arcs.select(shown), solution.order_price_fen_per_kg, Reach(5, 0))
    assert certificate.bound_mfen >= best
    if best > value:
        assert relative_gap(certificate.bound_mfen, value) > 0
        assert (certificate.gain_fen_per_kg > 0).any()
        hidden = set(zip(arcs.listing[~shown].tolist(), arcs.order[~shown].tolist(), strict=True))
        left_out = certificate.left_out
        assert set(zip(left_out.listing.tolist(), left_out.order.tolist(), strict=True)) <= hidden


def test_only_the_best_of_each_side_are_brought_back() -> None:
    lots = [listing(f"L{n}", floor_fen_per_kg=1600 + n) for n in range(9)]
    of = instance(*lots, order())
    back = certified(of, no_arcs(), np.zeros(1, dtype=np.int64), Reach(2, 0)).left_out
    assert sorted(back.listing.tolist()) == list(range(9))  # each is the best of its own listing
    of = instance(listing(), *(order(f"O{n}") for n in range(9)))
    back = certified(of, no_arcs(), np.arange(9) * 100, Reach(2, 0)).left_out
    assert sorted(back.order.tolist()) == list(range(9))


def test_a_pair_that_nearly_improves_comes_back_too_but_proves_nothing() -> None:
    of = instance(listing("L1"), listing("L2", floor_fen_per_kg=1603), order())
    arcs = every_arc(of)
    worth = arcs.value_fen_per_kg[0] + 40
    first = arcs.select(np.array([True, False]))
    certificate = certified(of, first, np.array([worth]), Reach(2, 5))
    assert certificate.left_out.listing.tolist() == [1]
    assert certificate.gain_fen_per_kg.tolist() == [-3]
    assert len(certified(of, first, np.array([worth]), Reach(2, 3)).left_out) == 0


def test_an_order_that_takes_no_part_adds_nothing_to_the_bound() -> None:
    of = instance(listing(), order("O1"), order("O2"))
    prices = np.array([10, 10])
    both, one = (certify(of, no_arcs(), prices, np.array([True, second])) for second in (True, False))
    assert both.bound_mfen - one.bound_mfen == 10 * 500_000


def test_the_gap_is_relative_and_a_worthless_plan_has_proven_nothing() -> None:
    assert relative_gap(110, 100) == 0.1
    assert relative_gap(100, 100) == 0.0
    assert relative_gap(0, 0) == 0.0
    assert relative_gap(1, 0) == 1.0


def test_arcs_are_joined_one_after_the_other() -> None:
    arcs = every_arc(instance(listing("L1"), listing("L2"), order()))
    assert join(arcs, no_arcs(), arcs).listing.tolist() == [0, 1, 0, 1]
