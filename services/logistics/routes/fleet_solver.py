"""What the process of `solving` runs (see `chassis.solvers`); imported there alone, for it loads the solver."""

import numpy as np

from services.logistics.routing.fleet.model import FleetPlan, Problem, Task, Travel, Vehicle, Visit
from services.logistics.routing.fleet.solve import FIRST_BY, Planning

_at_work: list[Planning] = []
"""At most one: this process answers one question after the other."""


def solve(limit_s: float, problem: Problem | None = None) -> FleetPlan:
    """A first plan of this problem, in a part of that time; asked again without one, the best of it in what is left."""
    if problem is not None:
        _at_work[:] = [Planning(problem)]
        return _at_work[0].first(FIRST_BY * limit_s)
    return _at_work[0].better(limit_s)


def warm_up() -> None:
    """Plan a trifle, which loads all that the first real plan would otherwise wait for."""
    nowhere = np.zeros((1, 1), dtype=np.int64)
    solve(0.01, Problem((Vehicle(0, 0, 0),), (Task((Visit(0),)),), (Travel(nowhere, nowhere, nowhere),), 0))
    solve(0.01)
