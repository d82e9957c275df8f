"""The solve of a market alone, against OR-tools' `SimpleMinCostFlow` over the same arcs.

Ours is `optimiser.transport.solve`: it builds the network of the compatible pairs, solves it and turns potentials into
prices. The peer is given the finished network as arrays, in the direction in which it is quicker; it builds its own and
solves it. Both must find the same cost.
The network simplex grows with the 1.85th power of the arcs and the peer with less, so the figure depends on the size: a
smaller market and a larger one stand beside it. Each lot may meet its nearest orders and each order its nearest lots.
"""

from __future__ import annotations

from functools import partial
from time import perf_counter

from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from bench.harness import Bar, Outcome, Plan, Side, interleave, main, timed
from bench.worlds import bids, lots
from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.candidates import nearest_arcs
from services.matching.optimiser.flow import Flow, Network, network_simplex
from services.matching.optimiser.market import Market
from services.matching.optimiser.policy import POLICY_1
from services.matching.optimiser.transport import solve

NOW_US = 1_790_000_000_000_000
SIZES = {"200k": (5_000, 42), "20k": (1_000, 20), "1M": (16_000, 67)}
"""Listings, as many orders, and how many of the nearest on either side each of them may meet."""


def bar(size: str) -> Bar:
    return Bar(
        "solve" if size == next(iter(SIZES)) else f"solve_{size}",
        f"solve alone, {size} arcs: network, optimum, prices",
        "OR-tools SimpleMinCostFlow, build and solve of the same arcs",
        "s",
        0.8,
        0.5,
        "less",
    )


BARS = tuple(map(bar, SIZES))


def cost_by_ortools(network: Network) -> int:
    peer = SimpleMinCostFlow()
    peer.add_arcs_with_capacity_and_unit_cost(network.tail, network.head, network.capacity, network.cost)
    peer.set_nodes_supplies(range(len(network.supply)), network.supply)
    assert peer.solve() == peer.OPTIMAL
    return int(peer.optimal_cost())


def network_of(instance: Instance, arcs: Arcs) -> tuple[Network, int]:
    """The network that `solve` builds of these, and its optimal cost."""
    kept: list[tuple[Network, int]] = []

    def keeping(network: Network) -> Flow:
        solved = network_simplex(network)
        kept.append((network, solved.cost))
        return solved

    solve(instance, arcs, keeping)
    return kept[0]


def quicker_way_round(network: Network) -> Network:
    """The network as it is or with every arc turned round, whichever the peer solves sooner; the same optimum."""
    turned = Network(-network.supply, network.head, network.tail, network.capacity, network.cost)

    def seconds(way: Network) -> float:
        began_s = perf_counter()
        cost_by_ortools(way)
        return perf_counter() - began_s

    return min((network, turned), key=seconds)


def seconds_of(side: Side) -> Side:
    """`interleave` counts a second's solves; the bar is of the time of one."""
    return Side([1 / each for each in side.values], side.cpu_s_per_1000)


async def program(plan: Plan) -> list[Outcome]:
    outcomes = []
    for size, full in SIZES.items():
        rows, nearest = (60, 5) if plan.smoke else full
        market = Market.of(lots(rows, NOW_US, seed=1), bids(rows, NOW_US, seed=2))
        instance = Instance.of(market, POLICY_1, NOW_US)
        arcs = nearest_arcs(instance, nearest)
        network, cost = network_of(instance, arcs)
        assert cost_by_ortools(network) == cost, "both find the same optimum"
        print(f"{size}: {len(arcs):,} arcs, {rows:,} x {rows:,}", flush=True)
        ours, peer = await interleave(
            plan.repeats,
            partial(timed, partial(solve, instance, arcs)),
            partial(timed, partial(cost_by_ortools, quicker_way_round(network))),
        )
        outcomes.append(Outcome(bar(size), seconds_of(ours), seconds_of(peer)))
    return outcomes


if __name__ == "__main__":
    main(program)
