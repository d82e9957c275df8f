"""Times on board, in words that the search has: windows so narrow that whoever keeps them is not aboard for too long.

Which windows is not known before there is a plan. So it is searched without them, then those that were aboard for too
long are narrowed around when a good plan has them, and it is searched again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from services.logistics.routing.fleet.model import Problem, Step, Window
from services.logistics.routing.fleet.timing import Impossible, driven


def overlong(problem: Problem, plan: Sequence[Sequence[int]]) -> dict[int, Window]:
    """The tasks that are aboard for too long however late they are loaded, narrowed around their deliveries."""
    found: dict[int, Window] = {}
    patient = replace(problem, tasks=tuple(replace(task, max_ride_s=None) for task in problem.tasks))
    for vehicle, visits in enumerate(plan):
        try:
            if visits:
                driven(problem, vehicle, list(visits))
        except Impossible:
            found |= _overlong_in(problem, patient, vehicle, list(visits))
    return found


def around(problem: Problem, plan: Sequence[Sequence[int]], tasks: Iterable[int]) -> dict[int, Window]:
    """Windows for those of these tasks that the plan has, which can be driven: around when it has them."""
    wanted = set(tasks)
    return {
        task: window
        for vehicle, visits in enumerate(plan)
        if visits
        for task, window in _windows(problem, driven(problem, vehicle, list(visits)).steps).items()
        if task in wanted
    }


def _overlong_in(problem: Problem, patient: Problem, vehicle: int, visits: list[int]) -> dict[int, Window]:
    try:
        steps = driven(patient, vehicle, visits).steps
    except Impossible:  # of something else: that is repaired
        return {}
    left_s = {step.visit: step.departure_s for step in steps}
    late = {
        step.visit >> 1
        for step in steps
        if step.visit & 1
        and (most_s := problem.tasks[step.visit >> 1].max_ride_s) is not None
        and step.begins_s - left_s[step.visit - 1] > most_s
    }
    return {task: window for task, window in _windows(problem, steps).items() if task in late}


def _windows(problem: Problem, steps: Sequence[Step]) -> dict[int, Window]:
    """So that the delivery may begin when it does."""
    return {
        step.visit >> 1: (max(0, step.begins_s - task.max_ride_s - task.visits[0].service_s), step.begins_s)
        for step in steps
        if step.visit & 1 and (task := problem.tasks[step.visit >> 1]).max_ride_s is not None
    }
