import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser import flow as port
from services.matching.optimiser.flow import (
    CostOverflow,
    Flow,
    Infeasible,
    Network,
    exact_dot,
    highs,
    min_cost_flow,
    network_simplex,
)

SOLVERS = [network_simplex, highs]


def network(supply: list[int], *arcs: tuple[int, int, int, int]) -> Network:
    """Arcs are (tail, head, capacity, cost)."""
    columns = np.array(arcs, dtype=np.int64).reshape(-1, 4).T
    return Network(np.array(supply, dtype=np.int64), *columns)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Small networks, any arcs in any order, parallel ones too, always feasible by dear arcs through node 0."""
    nodes = draw(st.integers(2, 6))
    supply = draw(st.lists(st.integers(-9, 9), min_size=nodes - 1, max_size=nodes - 1))
    node = st.integers(0, nodes - 1)
    arcs = draw(st.lists(st.tuples(node, node, st.integers(0, 12), st.integers(0, 20)), max_size=15))
    arcs = [arc for arc in arcs if arc[0] != arc[1]]
    dear = [(0, n, 1000, 100) for n in range(1, nodes)] + [(n, 0, 1000, 100) for n in range(1, nodes)]
    return network([-sum(supply), *supply], *draw(st.permutations(arcs + dear)))


def check_optimal(of: Network, solved: Flow) -> None:
    left = of.supply.copy()
    np.subtract.at(left, of.tail, solved.flow)
    np.add.at(left, of.head, solved.flow)
    assert not left.any()
    assert (solved.flow >= 0).all()
    assert (solved.flow <= of.capacity).all()
    reduced = of.cost + solved.potential[of.tail] - solved.potential[of.head]
    assert (reduced[solved.flow < of.capacity] >= 0).all()
    assert (reduced[solved.flow > 0] <= 0).all()
    assert solved.cost == int((of.cost * solved.flow).sum())


@given(networks())
def test_both_solvers_find_the_optimum_and_prove_it(of: Network) -> None:
    by_simplex, by_highs = (min_cost_flow(of, solver) for solver in SOLVERS)
    check_optimal(of, by_simplex)
    check_optimal(of, by_highs)
    assert by_simplex.cost == by_highs.cost


@pytest.mark.parametrize("solver", SOLVERS)
def test_what_cannot_be_carried_is_said_so(solver: port.Solver) -> None:
    with pytest.raises(Infeasible):
        min_cost_flow(network([5, -5], (0, 1, 4, 1)), solver)
    with pytest.raises(Infeasible):
        min_cost_flow(network([5, -4], (0, 1, 9, 1)), solver)
    with pytest.raises(Infeasible):
        min_cost_flow(network([5, -5]), solver)
    with pytest.raises(Infeasible):
        min_cost_flow(network([1, -1], (0, 1, -1, 1)), solver)


def test_a_network_of_nothing_costs_nothing() -> None:
    assert min_cost_flow(network([0, 0])).cost == 0


def test_costs_that_would_overflow_are_refused_not_solved_wrongly() -> None:
    fits = network([2**30, -(2**30)], (0, 1, 2**30, 2**30))
    assert min_cost_flow(fits).cost == 2**60
    with pytest.raises(CostOverflow):
        min_cost_flow(network([2**31, -(2**31)], (0, 1, 2**31, 2**30)))
    with pytest.raises(CostOverflow):
        min_cost_flow(network([2**62, -(2**62)], (0, 1, 2**62, 0)))
    with pytest.raises(CostOverflow):
        min_cost_flow(network([1, -1], (0, 1, 1, 2**62 - 1)))
    with pytest.raises(CostOverflow):
        min_cost_flow(network([1, -1], (0, 1, 1, -1)))


def test_highs_refuses_what_doubles_do_not_hold() -> None:
    with pytest.raises(CostOverflow):
        min_cost_flow(network([2**52, -(2**52)], (0, 1, 2**52, 1)), highs)


def test_where_the_simplex_fails_the_other_solver_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Network) -> Flow:
        raise RuntimeError("no such library")

    monkeypatch.setattr(port, "network_simplex", broken)
    assert min_cost_flow(network([3, -3], (0, 1, 2, 1), (0, 1, 2, 7))).cost == 9


@given(st.lists(st.tuples(st.integers(0, 2**31), st.integers(0, 2**31)), max_size=8))
def test_a_sum_of_products_is_exact_beyond_64_bits(terms: list[tuple[int, int]]) -> None:
    a, b = np.array(terms, dtype=np.int64).reshape(-1, 2).T
    assert exact_dot(a, b) == sum(x * y for x, y in terms)
