"""Fleets for tests: places on a line or a plane, a van, and random worlds that hold everything the model knows."""

from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.logistics.routing.fleet.model import Break, Problem, Task, Travel, Vehicle, Visit, Window

DAY: Window = (0, 10_000)


def travel(points: NDArray[np.float64], scale: float = 1.0) -> Travel:
    """As the crow flies, in whole units; time, way and cost are one."""
    away = np.rint(scale * np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1))).astype(np.int64)
    return Travel(away, away, away)


def on_a_line(places: int, apart: int = 100) -> Travel:
    """Places 0, 1, 2 … in a row."""
    return travel(np.array([[apart * each, 0.0] for each in range(places)]))


def van(**changes: Any) -> Vehicle:
    return Vehicle(**({"start": 0, "end": 0, "profile": 0, "capacity": (10,), "window": DAY} | changes))


def job(location: int, **changes: Any) -> Task:
    """Of one delivered, unless told otherwise."""
    visit = Visit(location, changes.pop("windows", (DAY,)), changes.pop("setup_s", 0), changes.pop("service_s", 0))
    return Task(**({"visits": (visit,), "delivered": (1,), "collected": (0,)} | changes))


def shipment(origin: int, destination: int, amount: int = 1, **changes: Any) -> Task:
    windows = changes.pop("windows", ((DAY,), (DAY,)))
    visits = tuple(Visit(place, each) for place, each in zip((origin, destination), windows, strict=True))
    return Task(**({"visits": visits, "delivered": (amount,), "collected": (amount,)} | changes))


def fleet(*rows: Vehicle | Task, travel: Travel | None = None, dimensions: int = 1) -> Problem:
    """The problem of these vehicles and tasks, on a line of ten places unless told otherwise."""
    return Problem(
        vehicles=tuple(row for row in rows if isinstance(row, Vehicle)),
        tasks=tuple(row for row in rows if isinstance(row, Task)),
        travel=(travel or on_a_line(10),),
        dimensions=dimensions,
    )


def world(chance: Random, tasks: int = 25, vehicles: int = 5) -> Problem:
    """Anything the model has words for, much of it at once and some of it impossible."""
    places = 12
    points = np.array([[chance.uniform(0, 500), chance.uniform(0, 500)] for _ in range(places)])

    def windows(several: bool) -> tuple[Window, ...]:
        opens = sorted(chance.sample(range(0, 6000, 50), 3 if several else 1))
        return tuple((each, each + chance.choice([10, 40, 2000 if not several else 30])) for each in opens)

    def amount() -> tuple[int, int]:
        return chance.randrange(4), chance.randrange(3)

    def end() -> int | None:
        return chance.choice([None, chance.randrange(places)])

    def skills(at_most: int) -> frozenset[int]:
        return frozenset(chance.sample(range(3), chance.randint(0, at_most)))

    def visit(several: bool) -> Visit:
        return Visit(chance.randrange(places), windows(several), chance.choice([0, 0, 30]), chance.randrange(60))

    made: list[Task] = []
    for _ in range(tasks):
        known = {"skills": skills(1), "priority": chance.choice([0, 0, 50, 100])}
        if chance.random() < 0.5:
            made.append(Task((visit(chance.random() < 0.3),), amount(), amount(), **known))
        else:
            carried = amount()
            ends = visit(chance.random() < 0.3), visit(chance.random() < 0.3)
            most_s = chance.choice([None, None, 300, 1500])
            made.append(Task(ends, carried, carried, **known, max_ride_s=most_s))
    cars = [
        Vehicle(
            start=end(),
            end=end(),
            profile=chance.randrange(2),
            capacity=(chance.randrange(2, 9), chance.randrange(2, 9)),
            skills=skills(3),
            window=(chance.randrange(500), chance.choice([400, 4000, 9000])),
            fixed_cost=chance.choice([0, 200]),
            per_way=chance.choice([1, 1, 3]),
            max_tasks=chance.choice([None, None, 3]),
            max_travel_s=chance.choice([None, None, 900]),
            max_distance_m=chance.choice([None, None, 900]),
            breaks=tuple(
                Break(windows(several=True), chance.randrange(90), chance.choice([None, None, (1, 1)]))
                for _ in range(chance.choice([0, 0, 1, 2]))
            ),
        )
        for _ in range(vehicles)
    ]
    return Problem(tuple(cars), tuple(made), (travel(points), travel(points, 0.5)), dimensions=2)
