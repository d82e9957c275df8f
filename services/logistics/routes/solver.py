"""What the planner's own process runs (see `chassis.solvers`); imported there alone, for it loads the solver."""

from datetime import UTC, datetime

from services.logistics.routing.matrix import TravelMatrix
from services.logistics.routing.problem import Point, Problem, RoutePlan, Task, Vehicle
from services.logistics.routing.solve import plan_routes


def solve(problem: Problem, limit_s: float, matrix: TravelMatrix | None = None) -> RoutePlan:
    return plan_routes(problem, limit_s=limit_s, matrix=matrix)


def warm_up() -> None:
    """Plan a trifle, which loads all that the first real plan would otherwise wait for."""
    morning, evening = datetime(2020, 2, 1, tzinfo=UTC), datetime(2020, 2, 2, tzinfo=UTC)
    here, there = Point(118.70, 33.72), Point(118.78, 32.04)
    vehicle = Vehicle("warm", 1000, frozenset({"ambient"}), here, morning, evening, 1)
    task = Task("warm", here, there, 1, "ambient", morning, evening, evening)
    solve(Problem((vehicle,), (task,), morning), 0.01)
