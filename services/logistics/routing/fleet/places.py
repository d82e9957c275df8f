"""A last place for what the search left out, or the reasons why there is none."""

from collections.abc import Iterable, Iterator, Sequence
from time import perf_counter
from typing import Final

from services.logistics.routing.fleet.model import Problem, Reason, Route
from services.logistics.routing.fleet.timing import Impossible, driven
from services.logistics.routing.fleet.worth import prize_of

FURTHER: Final[tuple[Reason, ...]] = (
    "skills",
    "max_tasks",
    "capacity",
    "window",
    "shift",
    "break",
    "max_travel_time",
    "max_distance",
)
"""What a vehicle is asked for, in this order: whoever fails later came closer."""


def hindrance(problem: Problem, vehicle: int, task: int) -> Reason | None:
    """Why this vehicle could not do this task even if it did nothing else; None if it could."""
    asked, by = problem.tasks[task], problem.vehicles[vehicle]
    if not asked.skills <= by.skills:
        return "skills"
    try:
        driven(problem, vehicle, _visits_of(problem, task))
    except Impossible as impossible:
        return impossible.reason
    return None


def hopeless(problem: Problem, task: int) -> tuple[Reason, ...]:
    """What stops the vehicles that come closest to this task; empty where one of them could do it alone."""
    against = [hindrance(problem, vehicle, task) for vehicle in range(len(problem.vehicles))]
    if not against:
        return ("no_vehicle",)
    if None in against:
        return ()
    return (max((each for each in against if each is not None), key=FURTHER.index),)


def insert_all(
    problem: Problem, plan: list[list[int]], tasks: Iterable[int], deadline: float
) -> dict[int, tuple[Reason, ...]]:
    """Put each task, the most important first, where it costs least; the plan is changed in place.

    Answers with those left out and why. After `deadline` (on perf_counter) the rest are left, as `time_limit`.
    """
    left: dict[int, tuple[Reason, ...]] = {}
    for task in sorted(tasks, key=lambda task: (-problem.tasks[task].priority, task)):
        against = hopeless(problem, task)
        if against:
            left[task] = against
        elif perf_counter() > deadline:
            left[task] = ("time_limit",)
        else:
            left |= _insert(problem, plan, task, deadline)
    return left


def _insert(problem: Problem, plan: list[list[int]], task: int, deadline: float) -> dict[int, tuple[Reason, ...]]:
    blocked = set[Reason]()
    best: tuple[int, int, list[int]] | None = None
    for vehicle in _distinct(problem, plan):
        if hindrance(problem, vehicle, task) is not None:
            continue
        before = driven(problem, vehicle, plan[vehicle]).cost if plan[vehicle] else 0
        for visits in _ways(problem, plan[vehicle], task):
            found = _tried(problem, vehicle, visits, blocked)
            if found is not None and (best is None or found.cost - before < best[0]):
                best = found.cost - before, vehicle, visits
            if perf_counter() > deadline:
                blocked.add("time_limit")
                break
    if best is None:
        return {task: tuple(sorted(blocked))}
    cost, vehicle, visits = best
    if cost > prize_of(problem, problem.tasks[task]):
        return {task: ("not_worth_its_detour",)}
    plan[vehicle] = visits
    return {}


def repaired(problem: Problem, vehicle: int, visits: list[int], deadline: float) -> list[int]:
    """These visits without the fewest tasks that keep them from being driven: what the search has no words for.

    Of the tasks whose absence is enough the least important goes, of several the one that makes the greatest detour;
    where none is enough alone, the least important goes and it is looked again. After `deadline` (on perf_counter) the
    later half of the tasks goes instead.
    """
    while visits:
        if _tried(problem, vehicle, visits, set()) is not None:
            return visits
        if perf_counter() > deadline:
            tasks = list(dict.fromkeys(each >> 1 for each in visits))
            earlier = set(tasks[: len(tasks) // 2])
            visits = [each for each in visits if each >> 1 in earlier]
            continue
        without = {task: [each for each in visits if each >> 1 != task] for task in {each >> 1 for each in visits}}
        drives = {task: _tried(problem, vehicle, left, set()) if left else None for task, left in without.items()}
        enough = [task for task, left in without.items() if not left or drives[task] is not None]

        def loss(task: int, drives: dict[int, Route | None] = drives) -> tuple[int, int, int]:
            route = drives[task]
            return problem.tasks[task].priority, 0 if route is None else route.cost, task

        visits = without[min(enough or without, key=loss)]
    return visits


def _distinct(problem: Problem, plan: Sequence[list[int]]) -> list[int]:
    """Every vehicle under way, and of equal ones that are idle one."""
    idle = {problem.vehicles[vehicle]: vehicle for vehicle, visits in enumerate(plan) if not visits}
    return [*(vehicle for vehicle, visits in enumerate(plan) if visits), *idle.values()]


def _ways(problem: Problem, visits: list[int], task: int) -> Iterator[list[int]]:
    """All sequences of these visits and those of the task, in their order."""
    first, *second = _visits_of(problem, task)
    for after in range(len(visits) + 1):
        if not second:
            yield [*visits[:after], first, *visits[after:]]
        for until in range(after, len(visits) + 1) if second else ():
            yield [*visits[:after], first, *visits[after:until], *second, *visits[until:]]


def _tried(problem: Problem, vehicle: int, visits: list[int], blocked: set[Reason]) -> Route | None:
    try:
        return driven(problem, vehicle, visits)
    except Impossible as impossible:
        blocked.add(impossible.reason)
        return None


def _visits_of(problem: Problem, task: int) -> list[int]:
    return [2 * task, 2 * task + 1] if problem.tasks[task].is_shipment else [2 * task]
