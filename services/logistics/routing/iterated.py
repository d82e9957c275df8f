"""PyVRP's iterated local search, as both routers run it.

What its own `solve` does, with differences that were each measured:
- it starts from a feasible plan, so that the best one is always feasible (at 1,000 shipments a random start was not);
- neighbours are computed for one kind of vehicle instead of all (1,000 shipments, 120 vehicles: 0.2 s, not 4.9 s);
- late acceptance looks back 30 plans and not 300: minutes of search are not what a route request waits for (at 300
  shipments in 3 s the long history never improved on the start; the short one served 181 instead of 138);
- it stops before an iteration that would overrun, since none can be interrupted.
"""

import warnings
from time import perf_counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pyvrp import PenaltyManager, ProblemData, Solution
    from pyvrp.search import LocalSearch

EXHAUSTIVE_UP_TO: Final = 150
"""Tasks up to which each new best plan is searched through; at 500 one such search took 4 s."""
HISTORY: Final = 30
EXHAUSTIVE_BY: Final = 0.8
"""Of the time there is, what the search through the first plan may be expected to take; else it is left out."""
AN_ITERATION: Final = 0.3
"""Of a search through all of it, about."""


def improved(
    data: "ProblemData", given: "Solution", penalties: "PenaltyManager", deadline: float, seed: int
) -> "Solution":
    """A feasible solution at least as good as the feasible one given."""
    from pyvrp import IteratedLocalSearch, IteratedLocalSearchParams
    from pyvrp.exceptions import PenaltyBoundWarning

    tasks = data.num_clients + data.num_shipments
    search, start, lasts_s = _local_search(data, seed), given, 0.0
    if _expected_s(data) < EXHAUSTIVE_BY * (deadline - perf_counter()):
        began = perf_counter()
        searched = search(given, penalties.max_cost_evaluator(), exhaustive=True)
        start, lasts_s = searched if searched.is_feasible() else given, perf_counter() - began
    if perf_counter() + lasts_s * AN_ITERATION > deadline:
        return start
    params = IteratedLocalSearchParams(history_length=HISTORY, exhaustive_on_best=tasks <= EXHAUSTIVE_UP_TO)
    algorithm = IteratedLocalSearch(data, penalties, search, start, params)
    with warnings.catch_warnings():
        # More tasks than the fleet can do is an everyday problem here, and no sign of a wrong one.
        warnings.simplefilter("ignore", PenaltyBoundWarning)
        best = algorithm.run(_Stop(deadline, tasks), collect_stats=False).best
    return best if best.is_feasible() else start


def _expected_s(data: "ProblemData") -> float:
    """How long one search through all of it takes, about: measured with 200 vehicles and with one, which carries all.

    Of shipments both ends are tried everywhere, so it grows by the square of how long routes may become.
    """
    tasks, vehicles = data.num_clients + data.num_shipments, max(1, data.num_vehicles)
    return 8e-4 * tasks + 4e-9 * tasks * (2 * data.num_shipments / vehicles) ** 2


def _local_search(data: "ProblemData", seed: int) -> "LocalSearch":
    from pyvrp import RandomNumberGenerator
    from pyvrp.search import OPERATORS, LocalSearch, compute_neighbours

    neighbours = compute_neighbours(data.replace(vehicle_types=data.vehicle_types()[:1]))
    search = LocalSearch(data, RandomNumberGenerator(seed), neighbours)
    for operator in OPERATORS:
        if operator.supports(data):
            search.add_operator(operator(data))
    return search


class _Stop:
    """Stops when another iteration as long as the longest would pass the deadline, or when nothing helps any more."""

    def __init__(self, deadline: float, tasks: int) -> None:
        self._deadline = deadline
        self._patience = 2000 + 100 * tasks
        self._best: float | None = None
        self._idle = 0
        self._last: float | None = None
        self._longest_s = 0.0

    def __call__(self, best_cost: float) -> bool:
        now = perf_counter()
        if self._last is not None:
            self._longest_s = max(self._longest_s, now - self._last)
        self._last = now
        if self._best is None or best_cost < self._best:
            self._best, self._idle = best_cost, 0
        self._idle += 1
        return now + self._longest_s > self._deadline or self._idle > self._patience
