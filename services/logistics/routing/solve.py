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
from services.logistics.routing.fleet.solve import FIRST_BY, Planning
from services.logistics.routing.matrix import TravelMatrix, great_circle
from services.logistics.routing.problem import Problem, RoutePlan

CHANGES_S: Final = 0.4
"""Past the time limit, until when changes are looked for that would have been enough."""


def plan_routes(problem: Problem, *, limit_s: float, seed: int = 0, matrix: TravelMatrix | None = None) -> RoutePlan:
    """The best plan found within `limit_s` (and at most a second more); it has passed `check_plan`."""
    ends = perf_counter() + limit_s
    planning = RoutePlanning(problem, matrix)
    planning.first(FIRST_BY * limit_s)
    return planning.better(ends - perf_counter(), seed)


class RoutePlanning:
    """Routes in the making: first ones that are soon there, and then the best that there is time for.

    `matrix` is in the order of `problem.points()`; without one, great circle distances are used, and the plan says so.
    """

    def __init__(self, problem: Problem, matrix: TravelMatrix | None = None) -> None:
        self._asked = AsFleet.of(problem, great_circle(problem.points()) if matrix is None else matrix)
        self._planning = Planning(self._asked.fleet, self._asked.told())

    def first(self, limit_s: float) -> RoutePlan:
        """Without more reasons than `time_limit` for what could have a place yet."""
        return self._checked(self._asked.plan_of(self._planning.first(limit_s)))

    def better(self, limit_s: float, seed: int = 0) -> RoutePlan:
        """With the reasons for each shipment that is left out, and the least change that would be enough."""
        deadline = perf_counter() + limit_s + CHANGES_S
        found = self._planning.better(limit_s, seed)
        return self._checked(self._asked.plan_of(found, _changes(self._asked, found, deadline)))

    def _checked(self, plan: RoutePlan) -> RoutePlan:
        wrong = check_plan(self._asked.problem, plan, self._asked.matrix)
        if wrong:
            raise AssertionError(f"the plan breaks what it promises: {wrong[:3]}")
        return plan


def _changes(asked: AsFleet, plan: model.FleetPlan, deadline: float) -> dict[int, list[Change]]:
    """What would be enough for each task that was left out, though there was time to look for a place; what is aboard
    of a vehicle already nobody else can have."""
    fleet, tasks = asked.fleet, asked.problem.tasks
    left = plan.left_out.items()
    wanting = {task: why for task, why in left if "time_limit" not in why and tasks[task].aboard is None}
    if not wanting or not fleet.vehicles:
        return {}
    visits: list[list[int]] = [[] for _ in fleet.vehicles]
    for route in plan.routes:
        visits[route.vehicle] = [step.visit for step in route.steps]
    changes = Changes(fleet, visits)
    return {task: changes.enough(task, why, deadline) for task, why in wanting.items()}
