"""Random but repeatable worlds: farms around county seats, buyers around cities, vehicles of mixed kinds."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from services.logistics.routing.problem import Break, Point, Problem, Task, TemperatureClass, Vehicle

DAWN = datetime(2026, 11, 23, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)
CLASSES: tuple[TemperatureClass, ...] = ("ambient", "chilled", "frozen")


def vehicle(name: str = "v1", **change: Any) -> Vehicle:
    standard: dict[str, Any] = {
        "capacity_g": 5_000_000,
        "temperature_classes": frozenset({"ambient", "chilled"}),
        "depot": Point(118.0, 33.0),
        "shift_start": DAWN,
        "shift_end": DAWN + 12 * HOUR,
        "cost_fen_per_km": 300,
    }
    return Vehicle(id=name, **(standard | change))


def task(name: str = "s1", **change: Any) -> Task:
    standard: dict[str, Any] = {
        "pickup": Point(118.2, 33.1),
        "delivery": Point(118.5, 33.3),
        "quantity_g": 1_000_000,
        "temperature_class": "chilled",
        "ready_at": DAWN + HOUR,
        "deliver_by": DAWN + 10 * HOUR,
        "spoils_at": DAWN + 48 * HOUR,
        "min_life": 24 * HOUR,
    }
    return Task(shipment_id=name, **(standard | change))


def world(rng: random.Random, tasks: int, vehicles: int, span: float = 1.5) -> Problem:
    seats = [Point(117 + rng.uniform(0, span), 32 + rng.uniform(0, span)) for _ in range(5)]

    def near(seat: Point) -> Point:
        return Point(seat.lon + rng.gauss(0, 0.1), seat.lat + rng.gauss(0, 0.1))

    fleet = tuple(
        vehicle(
            f"v{i}",
            capacity_g=rng.choice([2, 5, 15]) * 1_000_000,
            temperature_classes=frozenset(rng.sample(CLASSES, rng.randint(1, 3))),
            depot=rng.choice(seats),
            shift_end=DAWN + rng.choice([-1, 8, 12, 20]) * HOUR,
            cost_fen_per_km=rng.randint(0, 400),
            cost_fen_per_h=rng.choice([0, 3000]),
            breaks=rng.choice([(), (Break(DAWN + 3 * HOUR, DAWN + 5 * HOUR, 1800),)]),
            area=rng.choice([frozenset[str](), frozenset({"3201", "3213"})]),
        )
        for i in range(vehicles)
    )
    jobs = []
    for i in range(tasks):
        ready_at = DAWN + rng.uniform(-6, 8) * HOUR
        jobs.append(
            task(
                f"s{i}",
                pickup=near(rng.choice(seats)),
                delivery=near(rng.choice(seats)),
                quantity_g=rng.randint(1, 3_000_000),
                temperature_class=rng.choice(CLASSES),
                ready_at=ready_at,
                deliver_by=ready_at + rng.uniform(2, 30) * HOUR,
                spoils_at=ready_at + rng.uniform(10, 90) * HOUR,
                min_life=rng.choice([0, 12, 24]) * HOUR,
                prize_fen=rng.choice([None, None, 0, 5_000]),
                origin_adcode=rng.choice(["320102", "321323", "340104"]),
                on_board_max_s=rng.choice([None, 7200]),
                urgent=rng.choice([0, 0, 1, 2]),
            )
        )
    return Problem(fleet, tuple(jobs), DAWN)
