"""Plan a fleet: a first plan, search, repair what that has no words for, a last place for what was left, check.

Pure; seed and time limit are arguments.
"""

from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import Final

from services.logistics.routing.fleet.check import check_fleet
from services.logistics.routing.fleet.model import FleetPlan, Problem
from services.logistics.routing.fleet.places import hopeless_among, insert_all, repaired
from services.logistics.routing.fleet.search import improve
from services.logistics.routing.fleet.timing import driven
from services.logistics.routing.fleet.worth import prize_of

HOPELESS_BY: Final = 0.2
FIRST_PLAN_BY: Final = 0.3
SEARCHED_BY: Final = 0.9
"""Shares of the time limit; in what is left of it the plan is repaired and what is left out explained."""
REPAIRED_S: Final = 0.2
LAST_PLACES_S: Final = 0.3
"""Past the search, at least."""


def plan_fleet(
    problem: Problem, *, limit_s: float, seed: int = 0, told: Sequence[Sequence[int]] | None = None
) -> FleetPlan:
    """The best plan found within `limit_s` (and at most a second more); it has passed `check_fleet`.

    With `told`, the visits that each vehicle's driver knows of: they stay as they are, with what is new among them,
    unless a plan that changes them does more.
    """
    began = perf_counter()
    ends = began + SEARCHED_BY * limit_s
    hopeless = hopeless_among(problem, began + HOPELESS_BY * limit_s)
    able = [task for task in range(len(problem.tasks)) if task not in hopeless]
    plan: list[list[int]] = [[] for _ in problem.vehicles]
    for vehicle, visits in enumerate(told or ()):
        plan[vehicle] = repaired(problem, vehicle, list(visits), began + HOPELESS_BY * limit_s)
    left = insert_all(problem, plan, _not_in(plan, able), began + FIRST_PLAN_BY * limit_s, explained=False)
    if able and (told is None or left):
        better = improve(problem, plan, able, ends, seed)
        better = [repaired(problem, vehicle, visits, ends + REPAIRED_S) for vehicle, visits in enumerate(better)]
        if told is None or _worth(problem, better) > _worth(problem, plan):
            plan = better
    left = insert_all(problem, plan, _not_in(plan, able), max(began + limit_s, ends + LAST_PLACES_S))
    routes = [driven(problem, vehicle, visits) for vehicle, visits in enumerate(plan) if visits]
    found = FleetPlan(tuple(routes), dict(sorted((hopeless | left).items())))
    wrong = check_fleet(problem, found)
    if wrong:
        raise AssertionError(f"the plan breaks what it promises: {wrong[:3]}")
    return found


def _not_in(plan: Iterable[Iterable[int]], tasks: Iterable[int]) -> list[int]:
    done = {visit >> 1 for visits in plan for visit in visits}
    return [task for task in tasks if task not in done]


def _worth(problem: Problem, plan: Iterable[Iterable[int]]) -> int:
    """Of all that it does."""
    return sum(prize_of(problem, problem.tasks[task]) for task in {visit >> 1 for visits in plan for visit in visits})
