"""What doing a task is worth, in the units of travel's cost."""

from functools import lru_cache
from typing import Final

from services.logistics.routing.fleet.model import Problem, Task, Vehicle

DAY_S: Final = 24 * 3600
ALWAYS_WORTH_IT: Final = 10
"""A task's detour is at most four times the dearest way; it is worth this many of them, and more by its priority."""


def prize_of(problem: Problem, task: Task) -> int:
    """What leaving it out costs: what was told, else more than any detour, and the more the higher its priority."""
    return _at_least(problem) * (1 + task.priority) if task.prize is None else task.prize


@lru_cache(maxsize=2)
def _at_least(problem: Problem) -> int:
    dearest = max((int(travel.cost.max(initial=0)) for travel in problem.travel), default=0)
    per_way = max((vehicle.per_way for vehicle in problem.vehicles), default=1)
    fixed = max((vehicle.fixed_cost + vehicle.per_s * _day_of(vehicle) for vehicle in problem.vehicles), default=0)
    return ALWAYS_WORTH_IT * (dearest + 1) * per_way + fixed


def _day_of(vehicle: Vehicle) -> int:
    """How long it can be away at most, in seconds."""
    return max(0, min(DAY_S, vehicle.window[1] - vehicle.window[0]))
