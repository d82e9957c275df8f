"""Plan a fleet: search, repair what the search has no words for, find a last place for what was left, check.

Pure; seed and time limit are arguments.
"""

from time import perf_counter
from typing import Final

from services.logistics.routing.fleet.check import check_fleet
from services.logistics.routing.fleet.model import FleetPlan, Problem
from services.logistics.routing.fleet.places import hopeless, insert_all, repaired
from services.logistics.routing.fleet.search import improve
from services.logistics.routing.fleet.timing import driven

REPAIRED_S: Final = 0.2
LAST_PLACES_S: Final = 0.4


def plan_fleet(problem: Problem, *, limit_s: float, seed: int = 0) -> FleetPlan:
    """The best plan found within `limit_s` (and at most a second more); it has passed `check_fleet`."""
    ends = perf_counter() + limit_s
    able = [task for task in range(len(problem.tasks)) if not hopeless(problem, task)]
    plan = improve(problem, able, ends, seed) if able else [[] for _ in problem.vehicles]
    plan = [repaired(problem, vehicle, visits, ends + REPAIRED_S) for vehicle, visits in enumerate(plan)]
    done = {visit >> 1 for visits in plan for visit in visits}
    left = insert_all(problem, plan, set(range(len(problem.tasks))) - done, ends + LAST_PLACES_S)
    routes = [driven(problem, vehicle, visits) for vehicle, visits in enumerate(plan) if visits]
    found = FleetPlan(tuple(routes), dict(sorted(left.items())))
    wrong = check_fleet(problem, found)
    if wrong:
        raise AssertionError(f"the plan breaks what it promises: {wrong[:3]}")
    return found
