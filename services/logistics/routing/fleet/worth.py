"""What doing a task is worth, in the units of travel's cost."""

from functools import lru_cache
from typing import Final

from services.logistics.routing.fleet.model import Problem, Task

ALWAYS_WORTH_IT: Final = 10
"""A task's detour is at most four times the dearest way; it is worth this many of them, and more by its priority."""


def prize_of(problem: Problem, task: Task) -> int:
    """What leaving it out costs."""
    return _at_least(problem) * (1 + task.priority)


@lru_cache(maxsize=2)
def _at_least(problem: Problem) -> int:
    dearest = max((int(travel.cost.max(initial=0)) for travel in problem.travel), default=0)
    fixed = max((vehicle.fixed_cost for vehicle in problem.vehicles), default=0)
    return ALWAYS_WORTH_IT * (dearest + 1) + fixed
