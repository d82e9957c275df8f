"""What single change would give a task that was left out a place in the plan as it is.

Each kind of change is tried alone: what hinders is taken away, and the place that would then need the least is found.
What differs in kind is compared by its share: of a day, of the amount, of what the task is worth; another vehicle is a
whole one.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Final, Literal

from services.logistics.routing.fleet.alone import LATE, hindrances, without
from services.logistics.routing.fleet.model import Amount, Problem, Reason, Route, Task
from services.logistics.routing.fleet.timing import Impossible, driven
from services.logistics.routing.fleet.tour import Tour, places_in
from services.logistics.routing.fleet.worth import prize_of

Kind = Literal[
    "later",  # by so many seconds
    "less",  # so much of the amount of its first dimension can be carried
    "longer_shift",  # of this vehicle, by so many seconds
    "longer_ride",  # by so many seconds
    "worth",  # so much more, in the units of cost
    "able",  # this vehicle, had it the skills
    "one_more",  # another vehicle like this one
]
DAY_S: Final = 24 * 3600
NEAREST_TOURS: Final = 4
TRIED: Final = 10
"""Places of each vehicle: the cheapest are looked at first."""


@dataclass(frozen=True, slots=True)
class Change:
    """`by` is what its kind says; 0 where that is nothing. `vehicle` is the one that would do it."""

    kind: Kind
    by: int
    vehicle: int
    share: float


class Changes:
    """Of one plan."""

    def __init__(self, problem: Problem, plan: list[list[int]]) -> None:
        self._problem = problem
        self._tours = [Tour.of(problem, vehicle, visits) for vehicle, visits in enumerate(plan)]
        unending = tuple(without("shift", vehicle, problem.tasks[0])[0] for vehicle in problem.vehicles)
        self._unending = replace(problem, vehicles=unending)
        self._unending_tours = [Tour.of(self._unending, vehicle, visits) for vehicle, visits in enumerate(plan)]

    def enough(self, task: int, why: Collection[Reason], deadline: float) -> list[Change]:
        """Those that would be enough each by itself, the least first; as far as they are found till `deadline`.

        `why`: what stood in the way; nothing else is changed.
        """
        nearest = sorted(
            range(len(self._tours)),
            key=lambda v: self._tours[v].away(self._problem, v, self._problem.tasks[task].visits[0].location),
        )[:NEAREST_TOURS]
        found: list[Change] = []
        for vehicle in nearest:
            if perf_counter() > deadline:
                break
            found += self._of_the_task(vehicle, task, why, deadline)
            found += self._of_the_vehicle(vehicle, task, why, deadline)
        if "not_worth_its_detour" not in why:
            found += self._another(task, deadline)
        return sorted(found, key=lambda change: (change.share, change.kind, change.vehicle))

    def _of_the_task(self, vehicle: int, task: int, why: Collection[Reason], deadline: float) -> Iterator[Change]:
        """What the task would have to be for a place among this vehicle's visits."""
        problem, by, asked = self._problem, self._problem.vehicles[vehicle], self._problem.tasks[task]
        tour = self._tours[vehicle]
        _, whenever = without("window", by, asked)
        for route in _routes(problem, tour, vehicle, whenever, deadline) if LATE & set(why) else ():
            if (late_s := _late_s(asked, route)) > 0:
                yield Change("later", late_s, vehicle, late_s / DAY_S)
        nothing: Amount = (0,) * problem.dimensions
        empty = replace(asked, delivered=nothing, collected=nothing)
        for route in _routes(problem, tour, vehicle, empty, deadline) if "capacity" in why else ():
            part = min(_room(asked, by.capacity, route), default=1.0)
            if 0 < part < 1:
                most = max(asked.collected[:1] + asked.delivered[:1], default=0)
                yield Change("less", int(part * most), vehicle, 1 - part)
        if asked.max_ride_s is not None and "on_board" in why:
            for route in _routes(problem, tour, vehicle, replace(asked, max_ride_s=None), deadline):
                if (over_s := _ride_s(route) - asked.max_ride_s) > 0:
                    yield Change("longer_ride", over_s, vehicle, over_s / DAY_S)
        prize = prize_of(problem, asked)
        for route in _routes(problem, tour, vehicle, asked, deadline) if "not_worth_its_detour" in why else ():
            if (lacks := route.cost - tour.cost - prize) > 0:
                yield Change("worth", lacks, vehicle, lacks / max(prize, 1))

    def _of_the_vehicle(self, vehicle: int, task: int, why: Collection[Reason], deadline: float) -> Iterator[Change]:
        """What the vehicle would have to be."""
        by, asked = self._problem.vehicles[vehicle], self._problem.tasks[task]
        unending = self._unending_tours[vehicle]
        for route in _routes(self._unending, unending, vehicle, asked, deadline) if "shift" in why else ():
            if (over_s := route.ends_s - by.window[1]) > 0:
                yield Change("longer_shift", over_s, vehicle, over_s / DAY_S)
        if "skills" in why and not asked.skills <= by.skills:
            for _ in _routes(
                self._problem, self._tours[vehicle], vehicle, replace(asked, skills=frozenset()), deadline
            ):
                yield Change("able", 0, vehicle, 1.0)
                return

    def _another(self, task: int, deadline: float) -> Iterator[Change]:
        for by, vehicle in dict(zip(self._problem.vehicles, range(len(self._tours)), strict=True)).items():
            if perf_counter() > deadline:
                return
            if self._problem.tasks[task].skills <= by.skills and not hindrances(self._problem, vehicle, task):
                yield Change("one_more", 0, vehicle, 1.0)
                return


def _routes(problem: Problem, tour: Tour, vehicle: int, asked: Task, deadline: float) -> Iterator[Route]:
    """With this task beside what the tour has, in each of the cheapest places that can be driven."""
    number = len(problem.tasks)
    with_it = replace(problem, tasks=(*problem.tasks, asked))
    places = sorted(places_in(with_it, tour, vehicle, number, set(), deadline))
    for place in places[:TRIED]:
        try:
            yield driven(with_it, vehicle, place.among(tour.visits, number, is_shipment=asked.is_shipment))
        except Impossible:
            continue


def _late_s(asked: Task, route: Route) -> int:
    """How much after its last window the later of its visits begins; it is the last of the route's tasks."""
    number = max(step.visit >> 1 for step in route.steps)
    begins = {step.visit & 1: step.begins_s for step in route.steps if step.visit >> 1 == number}
    return max(begins[end] - visit.windows[-1][1] for end, visit in enumerate(asked.visits))


def _ride_s(route: Route) -> int:
    number = max(step.visit >> 1 for step in route.steps)
    pickup, delivery = (step for step in route.steps if step.visit >> 1 == number)
    return delivery.begins_s - pickup.departure_s


def _room(asked: Task, capacity: Amount, route: Route) -> Iterator[float]:
    """By dimension, how much of what is asked would have room along its way; it has none of it aboard."""
    number = max(step.visit >> 1 for step in route.steps)
    at = [position for position, step in enumerate(route.steps) if step.visit >> 1 == number]
    loads = [route.load, *(step.load for step in route.steps)]
    for each, most in enumerate(capacity):
        wants = max(asked.delivered[each], asked.collected[each])
        if wants:
            way = loads[at[0] + 1 : at[1] + 1] if asked.is_shipment else loads
            yield (most - max(load[each] for load in way)) / wants
