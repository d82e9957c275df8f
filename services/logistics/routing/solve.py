"""Plan routes: shipments and vehicles as the general problem that `fleet` plans. Pure; seed and limit are arguments.

What the model knows: paired pickups and deliveries with time windows, freshness on arrival, time on board, capacity at
every moment, temperature classes, the counties a vehicle serves, shifts with breaks, several depots, a price per km and
per hour for each vehicle. A shipment is optional with a prize (by default larger than any detour), so there is always
an answer, and every shipment left out has its reasons.

What it does not: a shipment is never split over vehicles, transferred between them or driven over two shifts; a
vehicle makes one tour, ends at its depot, and goods of any class it carries ride together. Minimised is the cost, not
the number of vehicles. It is a heuristic: good, without a proof.
"""

from time import perf_counter
from typing import Final

from services.logistics.routing.as_fleet import AsFleet
from services.logistics.routing.check import check_plan
from services.logistics.routing.fleet import model
from services.logistics.routing.fleet.change import Change, Changes
from services.logistics.routing.fleet.solve import plan_fleet
from services.logistics.routing.matrix import TravelMatrix, great_circle
from services.logistics.routing.problem import Problem, RoutePlan

CHANGES_S: Final = 0.5
"""Past the time limit, until when changes are looked for that would have been enough."""


def plan_routes(problem: Problem, *, limit_s: float, seed: int = 0, matrix: TravelMatrix | None = None) -> RoutePlan:
    """The best plan found within `limit_s` (and at most a second more); it has passed `check_plan`.

    `matrix` is in the order of `problem.points()`; without one, great circle distances are used, and the plan says so.
    """
    ends = perf_counter() + limit_s
    asked = AsFleet.of(problem, great_circle(problem.points()) if matrix is None else matrix)
    found = plan_fleet(asked.fleet, limit_s=ends - perf_counter(), seed=seed, told=asked.told())
    plan = asked.plan_of(found, _changes(asked.fleet, found, ends + CHANGES_S))
    wrong = check_plan(problem, plan, asked.matrix)
    if wrong:
        raise AssertionError(f"the plan breaks what it promises: {wrong[:3]}")
    return plan


def _changes(fleet: model.Problem, plan: model.FleetPlan, deadline: float) -> dict[int, list[Change]]:
    """What would be enough for each task that was left out, though there was time to look for a place."""
    wanting = {task: why for task, why in plan.left_out.items() if "time_limit" not in why}
    if not wanting or not fleet.vehicles:
        return {}
    visits: list[list[int]] = [[] for _ in fleet.vehicles]
    for route in plan.routes:
        visits[route.vehicle] = [step.visit for step in route.steps]
    changes = Changes(fleet, visits)
    return {task: changes.enough(task, why, deadline) for task, why in wanting.items()}
