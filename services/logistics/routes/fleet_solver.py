"""What the process of `solving` runs (see `chassis.solvers`); imported there alone, for it loads the solver."""

import numpy as np

from services.logistics.routing.fleet.model import FleetPlan, Problem, Task, Travel, Vehicle, Visit
from services.logistics.routing.fleet.solve import plan_fleet


def solve(problem: Problem, limit_s: float) -> FleetPlan:
    return plan_fleet(problem, limit_s=limit_s)


def warm_up() -> None:
    """Plan a trifle, which loads all that the first real plan would otherwise wait for."""
    nowhere = np.zeros((1, 1), dtype=np.int64)
    solve(Problem((Vehicle(0, 0, 0),), (Task((Visit(0),)),), (Travel(nowhere, nowhere, nowhere),), 0), 0.01)
