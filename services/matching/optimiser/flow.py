"""Minimum-cost flow behind one function, with two solvers that must agree.

The network simplex of LEMON (by pylmcf) solves; the dual simplex of HiGHS (by scipy) checks it in tests and stands
in where it fails. Potentials follow LEMON: an arc's reduced cost is ``cost + potential[tail] - potential[head]``;
at the optimum it is ≥ 0 where the arc could carry more and ≤ 0 where it carries anything.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from services.matching.optimiser.policy import IntArray

# LEMON's artificial arcs cost 2**62, and it adds costs up in int64 without looking.
COST_LIMIT = 2**62
# Beyond this, doubles no longer hold every integer.
FLOAT_EXACT = 2**53


class Infeasible(ValueError):
    """The supplies cannot be carried to the demands."""


class CostOverflow(ValueError):
    """The cost of some flow in this network would not fit the solver's integers."""


@dataclass(frozen=True, slots=True)
class Network:
    """Nodes with what they supply (negative: demand), and arcs in any order; costs are not negative."""

    supply: IntArray
    tail: IntArray
    head: IntArray
    capacity: IntArray
    cost: IntArray


@dataclass(frozen=True, slots=True)
class Flow:
    """An optimal flow, by arc, and the potentials that prove it, by node."""

    flow: IntArray
    potential: IntArray
    cost: int


Solver = Callable[[Network], Flow]


def min_cost_flow(network: Network, solver: Solver | None = None) -> Flow:
    """An optimal flow of this network by this solver; by default network simplex, and HiGHS should that fail."""
    _guard(network)
    if len(network.tail) == 0:
        return _flow_without_arcs(network)
    order = np.lexsort((network.head, network.tail))
    ordered = Network(
        np.ascontiguousarray(network.supply, dtype=np.int64),
        *(
            np.ascontiguousarray(column[order], dtype=np.int64)
            for column in (network.tail, network.head, network.capacity, network.cost)
        ),
    )
    solved = _first_that_works(ordered) if solver is None else solver(ordered)
    flow = np.empty_like(solved.flow)
    flow[order] = solved.flow
    return Flow(flow, solved.potential, exact_dot(network.cost, flow))


def network_simplex(network: Network) -> Flow:
    """By pylmcf; arcs must be sorted by (tail, head)."""
    import pylmcf

    graph = pylmcf.Graph(len(network.supply), network.tail, network.head)
    graph.set_node_supply(network.supply)
    graph.set_edge_capacities(network.capacity)
    graph.set_edge_costs(network.cost)
    try:
        graph.solve()
    except RuntimeError as error:
        if "INFEASIBLE" in str(error):
            raise Infeasible(str(error)) from error
        raise
    flow = graph.result()
    return Flow(flow, graph.potentials(), exact_dot(network.cost, flow))


def highs(network: Network) -> Flow:
    """By the dual simplex of HiGHS, which ends at a vertex, and so (to rounding) at integers."""
    from scipy.optimize import linprog  # type: ignore[attr-defined]
    from scipy.sparse import coo_array

    if np.abs(network.supply).sum() >= FLOAT_EXACT:
        raise CostOverflow("the supplies exceed what doubles hold exactly")
    arcs = np.arange(len(network.tail))
    ends = np.concatenate([network.tail, network.head])
    signs = np.repeat([1.0, -1.0], len(arcs))
    incidence = coo_array(  # type: ignore[no-untyped-call]
        (signs, (ends, np.tile(arcs, 2))), shape=(len(network.supply), len(arcs))
    )
    result = linprog(  # type: ignore[no-untyped-call]
        network.cost.astype(float),
        A_eq=incidence.tocsr(),  # type: ignore[no-untyped-call]
        b_eq=network.supply.astype(float),
        bounds=np.stack([np.zeros(len(arcs)), network.capacity.astype(float)], axis=1),
        method="highs-ds",
    )
    if result.status == 2:
        raise Infeasible(result.message)
    if result.status != 0:
        raise RuntimeError(result.message)
    flow = np.rint(result.x).astype(np.int64)
    _conserves(network, flow)
    potential = np.rint(-result.eqlin.marginals).astype(np.int64)
    return Flow(flow, potential, exact_dot(network.cost, flow))


def exact_dot(a: IntArray, b: IntArray) -> int:
    """Σ a·b without overflow, for a·b that may exceed int64 in sum but not singly."""
    product = a * b
    return int((product >> 31).sum()) * 2**31 + int((product & (2**31 - 1)).sum())


def _first_that_works(network: Network) -> Flow:
    try:
        return network_simplex(network)
    except (ImportError, RuntimeError):
        return highs(network)


def _guard(network: Network) -> None:
    """Refuse what the solver would silently get wrong. The sums are Python's: they cannot overflow themselves."""
    if len(network.cost) and int(network.cost.min()) < 0:
        raise CostOverflow("costs must not be negative")
    if len(network.capacity) and int(network.capacity.min()) < 0:
        raise Infeasible("capacities must not be negative")
    units = int(np.abs(network.supply).astype(object).sum()) if len(network.supply) else 0
    dearest = int(network.cost.max(initial=0))
    if dearest * max(units, len(network.supply)) >= COST_LIMIT or units >= COST_LIMIT:
        raise CostOverflow(f"{units} units at up to {dearest} each reach 2**62")
    if int(network.supply.sum()) != 0:
        raise Infeasible("supply and demand differ")


def _flow_without_arcs(network: Network) -> Flow:
    if network.supply.any():
        raise Infeasible("there are no arcs")
    return Flow(np.zeros(0, dtype=np.int64), np.zeros_like(network.supply), 0)


def _conserves(network: Network, flow: IntArray) -> None:
    left = network.supply.copy()
    np.subtract.at(left, network.tail, flow)
    np.add.at(left, network.head, flow)
    if left.any() or (flow < 0).any() or (flow > network.capacity).any():
        raise RuntimeError("HiGHS's flow does not round to a feasible one")
