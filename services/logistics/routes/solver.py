"""What the planner's own process runs (see `chassis.solvers`); imported there alone, for it loads the solver."""

from datetime import UTC, datetime

from services.logistics.routing.fleet.solve import FIRST_BY
from services.logistics.routing.matrix import TravelMatrix
from services.logistics.routing.problem import Point, Problem, RoutePlan, Task, Vehicle
from services.logistics.routing.solve import RoutePlanning

_at_work: list[RoutePlanning] = []
"""At most one: this process answers one question after the other."""


def solve(limit_s: float, problem: Problem | None = None, matrix: TravelMatrix | None = None) -> RoutePlan:
    """A first plan of this problem, in a part of that time; asked again without one, the best of it in what is left."""
    if problem is not None:
        _at_work[:] = [RoutePlanning(problem, matrix)]
        return _at_work[0].first(FIRST_BY * limit_s)
    return _at_work[0].better(limit_s)


def warm_up() -> None:
    """Plan a trifle, which loads all that the first real plan would otherwise wait for."""
    morning, evening = datetime(2020, 2, 1, tzinfo=UTC), datetime(2020, 2, 2, tzinfo=UTC)
    here, there = Point(118.70, 33.72), Point(118.78, 32.04)
    vehicle = Vehicle("warm", 1000, frozenset({"ambient"}), here, morning, evening, 1)
    task = Task("warm", here, there, 1, "ambient", morning, evening, evening)
    solve(0.01, Problem((vehicle,), (task,), morning))
    solve(0.01)
