"""Whether a limit of time is honoured: a hundred questions of up to 1,000 stops through VROOM's door, while other
processes take the processors; and what ten seconds make of a county of the demonstration.

The overrun is the caller's: from sending the question to having the answer, less `limit_s`. The county is Siyang: lots
as large as the demonstration's, around its seat, for its buyers within 500 km, on its carriers' vehicles; against a
plan by cheapest insertion alone, which the search begins with.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from bench.harness import Bar, Outcome, Plan, Side, main
from bench.house import Client, house
from bench.servers import postgres
from catalogue.days import CHINA
from catalogue.geodesy import great_circle_km
from catalogue.places import point_of
from duijie.demo.world import World
from services.logistics.routing.fleet.solve import FIRST_BY
from services.logistics.routing.problem import Point, Problem, RoutePlan, Task, Vehicle
from services.logistics.routing.solve import RoutePlanning

QUESTIONS, COUNTY, VANS = 100, 100, 12
WITHIN_KM = 500
SECOND, SECOND_KG = 1, 3048
"""The demonstration tells its second lot and order by hand. The county has what would be drawn, so that it stays the
one that was measured: a lot of so many kg, and an order from too far away."""
OVERRUN = Bar("limits", "greatest overrun of 100 questions under load", None, "s", 1.0, 0.7, "less")
SERVED = Bar(
    "limits_county", "a county of 200 stops in 10 s: shipments planned", "insertion alone", "", 1.0, 1.1, "more"
)
COST = Bar(
    "limits_county_cost", "its cost a tonne and km of the way itself", "insertion alone", "fen", 1.0, 0.8, "less"
)
BARS = (OVERRUN, SERVED, COST)


def question(number: int) -> tuple[float, dict[str, Any]]:
    """Jobs and shipments, few or many, tight or loose, for vehicles alike or each of its own kind."""
    dice = Random(number)
    stops, vans = dice.choice((50, 200, 500, 1000)), dice.choice((1, 10, 50, 200))

    def place() -> list[float]:
        return [round(dice.uniform(117, 119), 5), round(dice.uniform(32, 34), 5)]

    def window() -> list[list[int]]:
        opens = dice.randrange(0, 40_000)
        return [[opens, opens + dice.choice((600, 7200, 40_000))]]

    pairs = dice.choice((0, stops // 4, stops // 2))
    jobs = [
        {"id": each, "location": place(), "delivery": [1], "time_windows": window()}
        for each in range(stops - 2 * pairs)
    ]
    shipments = [
        {
            "amount": [1],
            "pickup": {"id": each, "location": place(), "time_windows": window()},
            "delivery": {"id": each, "location": place()},
        }
        for each in range(pairs)
    ]
    alike = dice.random() < 0.5
    vehicles = [
        {
            "id": each,
            "start": place(),
            "end": place(),
            "capacity": [20 if alike else 5 + each],
            "time_window": [0, 86_400],
            "breaks": [{"id": 1, "time_windows": [[36_000, 50_000]], "service": 1800}] if dice.random() < 0.3 else [],
        }
        for each in range(vans)
    ]
    return dice.choice((0.2, 0.5, 1.0)), {"jobs": jobs, "shipments": shipments, "vehicles": vehicles}


@contextmanager
def load(processes: int = 2) -> Iterator[None]:
    busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(processes)]
    try:
        yield
    finally:
        for each in busy:
            each.kill()
            each.wait()


def point(adcode: str) -> Point:
    located = point_of(adcode)
    assert located is not None
    return Point(located.point.lon, located.point.lat)


def county() -> Problem:
    world = World(1, datetime(2026, 11, 23, tzinfo=CHINA))
    morning = world.tomorrow_at
    siyang = point("321323")
    points = [point(wish.body["destination"]["adcode"]) for wish in world.wishes if wish.index != SECOND]
    buyers = [each for each in points if great_circle_km(*siyang, *each) < WITHIN_KM]
    dice, tasks = Random(1), []
    for lot in world.lots[:COUNTY]:
        farm = Point(siyang.lon + dice.uniform(-0.12, 0.12), siyang.lat + dice.uniform(-0.12, 0.12))
        good_h = dice.uniform(24, 72)
        tasks.append(
            Task(
                shipment_id=str(lot.index),
                pickup=farm,
                delivery=dice.choice(buyers),
                quantity_g=1000 * (SECOND_KG if lot.index == SECOND else lot.body["quantity_kg"]),
                temperature_class="ambient",
                ready_at=morning,
                deliver_by=morning + timedelta(hours=good_h),
                spoils_at=morning + timedelta(hours=good_h + 24),
                min_life=timedelta(hours=24),
                on_board_max_s=round(good_h * 1800),
            )
        )
    vans = [
        Vehicle(
            id=str(number),
            capacity_g=8_000_000,
            temperature_classes=frozenset({"ambient", "chilled"}),
            depot=siyang,
            shift_start=morning,
            shift_end=morning + timedelta(hours=24),
            cost_fen_per_km=350,
        )
        for number in range(VANS)
    ]
    return Problem(tuple(vans), tuple(tasks), morning.astimezone(UTC))


def planned(problem: Problem, plan: RoutePlan) -> int:
    return len(problem.tasks) - len(plan.unassigned)


def cost_fen(problem: Problem, plan: RoutePlan) -> float:
    """A tonne and km of the shipments' own ways, so that plans of different shipments compare."""
    tasks = {task.shipment_id: task for task in problem.tasks}
    carried = [tasks[stop.shipment_id] for route in plan.vehicles for stop in route.stops if stop.type == "pickup"]
    tonne_km = sum(great_circle_km(*task.pickup, *task.delivery) * task.quantity_g / 1e6 for task in carried)
    return sum(route.cost_fen for route in plan.vehicles) / tonne_km


async def program(plan: Plan) -> Sequence[Outcome]:
    overruns = []
    async with postgres("logistics") as server:
        with house(server) as told, told.running("serve", "logistics") as api, Client(api.url) as client, load():
            carrier = told.caller("carrier")
            client.must(200, "POST", "/v1/routes/solve?limit_s=0.1", carrier, question(0)[1])  # its process has begun
            for number in range(plan.pick(QUESTIONS, 3)):
                limit_s, asked = question(number)
                began_s = time.perf_counter()
                client.must(200, "POST", f"/v1/routes/solve?limit_s={limit_s}", carrier, asked)
                overruns.append(time.perf_counter() - began_s - limit_s)
    print(f"overruns: median {sorted(overruns)[len(overruns) // 2]:.2f} s, greatest {max(overruns):.2f} s", flush=True)
    problem, limit_s = county(), plan.pick(10.0, 0.5)
    counts, costs = (Side(), Side()), (Side(), Side())
    for _ in range(plan.repeats):
        began_s = time.perf_counter()
        planning = RoutePlanning(problem)
        first = planning.first(FIRST_BY * limit_s)
        best = planning.better(limit_s - (time.perf_counter() - began_s))
        for side, made in enumerate((best, first)):
            counts[side].add(planned(problem, made))
            costs[side].add(cost_fen(problem, made))
        print(
            f"county: {planned(problem, best)} of {COUNTY} in {time.perf_counter() - began_s:.1f} s on "
            f"{len(best.vehicles)} vehicles; insertion alone {planned(problem, first)}",
            flush=True,
        )
    return [Outcome(OVERRUN, Side([max(overruns)])), Outcome(SERVED, *counts), Outcome(COST, *costs)]


if __name__ == "__main__":
    main(program)
