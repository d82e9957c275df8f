"""What keeps a vehicle from a task even where it does nothing else."""

from dataclasses import replace
from typing import Final

from services.logistics.routing.fleet.model import ALWAYS, Problem, Reason, Task, Vehicle, Visit
from services.logistics.routing.fleet.timing import Impossible, driven

LATE: Final[frozenset[Reason]] = frozenset({"window", "spoils_before_arrival"})


def hindrances(problem: Problem, vehicle: int, task: int) -> frozenset[Reason]:
    """Everything that does; empty if it could."""
    by, asked = problem.vehicles[vehicle], problem.tasks[task]
    found = set[Reason]()
    if not asked.skills <= by.skills:
        found.add("skills")
    while (reason := _against(problem, by, asked)) is not None:
        found.add(reason)
        by, asked = without(reason, by, asked)
    return frozenset(found)


def hopeless(problem: Problem, task: int) -> tuple[Reason, ...]:
    """What stops the vehicles that come closest to this task; empty where one of them could do it alone."""
    against = []
    for vehicle in dict(zip(problem.vehicles, range(len(problem.vehicles)), strict=True)).values():
        against.append(hindrances(problem, vehicle, task))
        if not against[-1]:
            return ()
    if not against:
        return ("no_vehicle",)
    # who lacks a skill says nothing where others have them all
    against = [reasons for reasons in against if "skills" not in reasons] or against
    fewest = min(map(len, against))
    return tuple(sorted({reason for reasons in against if len(reasons) == fewest for reason in reasons}))


def without(reason: Reason, by: Vehicle, asked: Task) -> tuple[Vehicle, Task]:
    """The same where this hinders nobody."""
    if reason in LATE:
        first, *second = map(_whenever, asked.visits)
        return by, replace(asked, visits=(first, second[0]) if second else (first,))
    if reason == "capacity":
        return replace(
            by, capacity=tuple(sum(each) for each in zip(by.capacity, asked.delivered, asked.collected, strict=True))
        ), asked
    if reason == "on_board":
        return by, replace(asked, max_ride_s=None)
    changes: dict[Reason, dict[str, object]] = {
        "shift": {"window": (by.window[0], ALWAYS[1])},
        "break": {"breaks": ()},
        "max_tasks": {"max_tasks": None},
        "max_travel_time": {"max_travel_s": None},
        "max_distance": {"max_distance_m": None},
    }
    return replace(by, **changes[reason]), asked  # type: ignore[arg-type]


def _whenever(visit: Visit) -> Visit:
    """Not before its first window opens, but as late as may be."""
    return replace(visit, windows=((visit.windows[0][0], ALWAYS[1]),))


def _against(problem: Problem, by: Vehicle, asked: Task) -> Reason | None:
    try:
        driven(replace(problem, vehicles=(by,), tasks=(asked,)), 0, [0, 1] if asked.is_shipment else [0])
    except Impossible as impossible:
        return impossible.reason
    return None
