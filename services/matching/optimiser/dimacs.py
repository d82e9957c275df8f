"""Minimum-cost-flow problems in the DIMACS exchange format.

``p min NODES ARCS``, ``n NODE SUPPLY``, ``a TAIL HEAD LOWER CAPACITY COST``; nodes count from 1
(First DIMACS Implementation Challenge, "Network Flows and Matching", 1991).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from services.matching.optimiser.flow import Flow, Network, exact_dot
from services.matching.optimiser.policy import IntArray


class NotDimacs(ValueError):
    """A line that the format does not allow."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A network whose lower bounds have been moved into the supplies, and what that hides."""

    network: Network
    lower: IntArray

    def cost(self, solved: Flow) -> int:
        """The cost of the problem as stated."""
        return solved.cost + exact_dot(self.lower, self.network.cost)

    def lines(self, solved: Flow) -> Iterator[str]:
        """The solution in the same format: ``s COST`` and ``f TAIL HEAD FLOW`` for each arc that carries any."""
        yield f"s {self.cost(solved)}"
        flow = solved.flow + self.lower
        for tail, head, units in zip(self.network.tail, self.network.head, flow, strict=True):
            if units:
                yield f"f {tail + 1} {head + 1} {units}"


def parse(lines: Iterable[str]) -> Problem:
    """The problem these lines state."""
    nodes, size = [0], 0
    arcs: list[list[int]] = []
    supplies: dict[int, int] = {}
    for number, line in enumerate(lines, start=1):
        words = line.split()
        try:
            match words:
                case [] | ["c", *_]:
                    pass
                case ["p", "min", node_count, arc_count]:
                    nodes, size = [int(node_count)], int(arc_count)
                case ["n", node, supply]:
                    supplies[int(node)] = int(supply)
                case ["a", _, _, _, _, _]:
                    arcs.append([int(word) for word in words[1:]])
                case _:
                    raise ValueError("not a line of a minimum-cost-flow problem")
        except ValueError as error:
            raise NotDimacs(f"line {number}: {error}") from error
    if len(arcs) != size:
        raise NotDimacs(f"{size} arcs were announced, {len(arcs)} found")
    return _problem(nodes[0], supplies, np.array(arcs, dtype=np.int64).reshape(-1, 5))


def _problem(nodes: int, supplies: dict[int, int], arcs: IntArray) -> Problem:
    tail, head, lower, capacity, cost = arcs.T
    ends = np.concatenate([tail, head, np.fromiter(supplies, dtype=np.int64, count=len(supplies))])
    if len(ends) and (ends.min() < 1 or ends.max() > nodes):
        raise NotDimacs(f"a node is not one of 1 to {nodes}")
    supply = np.zeros(nodes, dtype=np.int64)
    for node, units in supplies.items():
        supply[node - 1] = units
    np.subtract.at(supply, tail - 1, lower)
    np.add.at(supply, head - 1, lower)
    return Problem(Network(supply, tail - 1, head - 1, capacity - lower, cost), lower)
