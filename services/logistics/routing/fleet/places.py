"""A last place for what the search left out, or the reasons why there is none."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Final

from services.logistics.routing.fleet.alone import hindrances, hopeless
from services.logistics.routing.fleet.model import Problem, Reason, Route, Task
from services.logistics.routing.fleet.timing import Impossible, driven
from services.logistics.routing.fleet.tour import Place, Tour, places_in
from services.logistics.routing.fleet.worth import prize_of

NEAREST_TOURS: Final = 12


def hopeless_among(problem: Problem, deadline: float) -> dict[int, tuple[Reason, ...]]:
    """The tasks that no vehicle could do in any company, and why; as far as that is known at `deadline`.

    Company may spare a task its setup: behind another at the same door it needs none.
    """
    found: dict[int, tuple[Reason, ...]] = {}
    problem = replace(problem, tasks=tuple(map(_set_up, problem.tasks)))
    for task in range(len(problem.tasks)):
        if perf_counter() > deadline:
            break
        if against := hopeless(problem, task):
            found[task] = against
    return found


def _set_up(task: Task) -> Task:
    first, *second = (replace(visit, setup_s=0) for visit in task.visits)
    return replace(task, visits=(first, second[0]) if second else (first,))


def insert_all(
    problem: Problem, plan: list[list[int]], tasks: Iterable[int], deadline: float, *, explained: bool = True
) -> dict[int, tuple[Reason, ...]]:
    """Put each task, the most important and then the most urgent first, where it costs least; the plan is changed in
    place.

    Answers with those left out and why, where that is to be `explained`. After `deadline` (on perf_counter) the rest
    are left, as `time_limit`.
    """
    tours = [Tour.of(problem, vehicle, visits) for vehicle, visits in enumerate(plan)]
    left: dict[int, tuple[Reason, ...]] = {}

    def urgency(task: int) -> tuple[int, int, int, int]:
        return (
            -problem.tasks[task].tier,
            -problem.tasks[task].priority,
            problem.tasks[task].visits[-1].windows[-1][1],
            task,
        )

    for task in sorted(tasks, key=urgency):
        if perf_counter() > deadline:
            left[task] = ("time_limit",)
            continue
        place = _place_for(problem, tours, task, deadline)
        if place is None:
            left[task] = _why(problem, tours, task, deadline) if explained else ("time_limit",)
        elif place.cost > prize_of(problem, problem.tasks[task]):
            left[task] = ("not_worth_its_detour",)
        else:
            is_shipment = problem.tasks[task].is_shipment
            plan[place.vehicle] = place.among(plan[place.vehicle], task, is_shipment=is_shipment)
            tours[place.vehicle] = Tour.of(problem, place.vehicle, plan[place.vehicle])
    return left


def _place_for(problem: Problem, tours: list[Tour], task: int, deadline: float) -> Place | None:
    """The cheapest place, with all that it costs, among the nearest tours if they have one, else among all."""
    asked = problem.tasks[task]
    fleet = _distinct(problem, [tour.visits for tour in tours])
    fleet.sort(key=lambda vehicle: tours[vehicle].away(problem, vehicle, asked.visits[0].location))
    for some in (fleet[:NEAREST_TOURS], fleet[NEAREST_TOURS:]):
        places = [place for v in some for place in places_in(problem, tours[v], v, task, set(), deadline)]
        for place in sorted(places):
            visits = place.among(tours[place.vehicle].visits, task, is_shipment=asked.is_shipment)
            route = _tried(problem, place.vehicle, visits, set())
            if route is not None:
                return place._replace(cost=route.cost - tours[place.vehicle].cost)
            if perf_counter() > deadline:
                return None
    return None


def _why(problem: Problem, tours: list[Tour], task: int, deadline: float) -> tuple[Reason, ...]:
    """What stands in the way in the nearest tours of vehicles that could do it alone; where none could, what keeps
    them."""
    asked, blocked = problem.tasks[task], set[Reason]()
    fleet = _distinct(problem, [tour.visits for tour in tours])
    fleet.sort(key=lambda vehicle: tours[vehicle].away(problem, vehicle, asked.visits[0].location))
    looked_at = 0
    for vehicle in fleet:
        if perf_counter() > deadline:
            return ("time_limit",)
        if looked_at == NEAREST_TOURS:
            break
        if hindrances(problem, vehicle, task):
            continue
        looked_at += 1
        for place in places_in(problem, tours[vehicle], vehicle, task, blocked, deadline):
            visits = place.among(tours[vehicle].visits, task, is_shipment=asked.is_shipment)
            _tried(problem, vehicle, visits, blocked)
    return tuple(sorted(blocked)) or hopeless(problem, task)


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


def _tried(problem: Problem, vehicle: int, visits: list[int], blocked: set[Reason]) -> Route | None:
    try:
        return driven(problem, vehicle, visits)
    except Impossible as impossible:
        blocked.add(impossible.reason)
        return None
