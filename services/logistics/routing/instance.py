"""A problem in whole seconds and row numbers, as the search needs it.

Time is seconds after `depart_at`, rounded against us: what must be ready later, what is due earlier. Cost is metres
times fen per km, so a thousandth of a fen.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import numpy as np

from services.logistics.routing.matrix import TravelMatrix
from services.logistics.routing.problem import Point, Problem, Reason, Task, TemperatureClass, Vehicle

MILLI: Final = 1000
ALWAYS_WORTH_IT: Final = 10
"""A shipment's detour is at most four times the longest way; its default prize is this many of them."""


class Carrier(NamedTuple):
    """A vehicle. Equal carriers can stand in for each other."""

    depot: int
    capacity_g: int
    classes: frozenset[TemperatureClass]
    start_s: int
    end_s: int
    cost: int


class Job(NamedTuple):
    """A task."""

    pickup: int
    delivery: int
    quantity_g: int
    temperature_class: TemperatureClass
    ready_s: int
    due_s: int
    pickup_s: int
    delivery_s: int
    prize: int
    late_reason: Reason


@dataclass(frozen=True)
class Instance:
    """`distance_m[i, j]` and `duration_s[i, j]` are plain ints: views of the matrices, quicker than numpy's scalars."""

    problem: Problem
    matrix: TravelMatrix
    carriers: tuple[Carrier, ...]
    jobs: tuple[Job, ...]
    distance_m: memoryview
    duration_s: memoryview

    @classmethod
    def of(cls, problem: Problem, matrix: TravelMatrix) -> "Instance":
        row = {point: index for index, point in enumerate(problem.points())}
        carriers = tuple(_carrier(problem, vehicle, row) for vehicle in problem.vehicles)
        longest = int(matrix.distance_m.max(initial=0))
        prize = ALWAYS_WORTH_IT * (longest + 1) * max((c.cost for c in carriers), default=1)
        jobs = tuple(_job(problem, task, row, prize) for task in problem.tasks)
        distance_m = np.ascontiguousarray(matrix.distance_m, dtype=np.int64)
        duration_s = np.ascontiguousarray(matrix.duration_s, dtype=np.int64)
        return cls(problem, matrix, carriers, jobs, distance_m.data, duration_s.data)

    def alone(self, vehicle: int, job: int) -> frozenset[Reason]:
        """Why this vehicle could not carry this job even if it carried nothing else; empty if it could."""
        carrier, task, travel_s = self.carriers[vehicle], self.jobs[job], self.duration_s
        reasons: set[Reason] = set()
        if task.temperature_class not in carrier.classes:
            reasons.add("temperature_class")
        if task.quantity_g > carrier.capacity_g:
            reasons.add("capacity")
        loaded_s = max(carrier.start_s + travel_s[carrier.depot, task.pickup], task.ready_s) + task.pickup_s
        arrival_s = loaded_s + travel_s[task.pickup, task.delivery]
        if arrival_s > task.due_s:
            reasons.add(task.late_reason)
        if arrival_s + task.delivery_s + travel_s[task.delivery, carrier.depot] > carrier.end_s:
            reasons.add("shift")
        return frozenset(reasons)


def _carrier(problem: Problem, vehicle: Vehicle, row: dict[Point, int]) -> Carrier:
    return Carrier(
        depot=row[vehicle.depot],
        capacity_g=vehicle.capacity_g,
        classes=vehicle.temperature_classes,
        start_s=max(0, _ceil_s(vehicle.shift_start, problem)),
        end_s=_floor_s(vehicle.shift_end, problem),
        cost=max(1, vehicle.cost_fen_per_km),  # of two ways that cost nothing the shorter is still better
    )


def _job(problem: Problem, task: Task, row: dict[Point, int], prize: int) -> Job:
    return Job(
        pickup=row[task.pickup],
        delivery=row[task.delivery],
        quantity_g=task.quantity_g,
        temperature_class=task.temperature_class,
        ready_s=max(0, _ceil_s(task.ready_at, problem)),
        due_s=_floor_s(task.latest_arrival, problem),
        pickup_s=task.pickup_s,
        delivery_s=task.delivery_s,
        prize=prize if task.prize_fen is None else task.prize_fen * MILLI,
        late_reason=task.late_reason,
    )


def _floor_s(at: datetime, problem: Problem) -> int:
    return (at - problem.depart_at) // timedelta(seconds=1)


def _ceil_s(at: datetime, problem: Problem) -> int:
    return -((problem.depart_at - at) // timedelta(seconds=1))
