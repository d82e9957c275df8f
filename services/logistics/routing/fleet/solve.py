"""Plan a fleet: a first plan, search, repair what that has no words for, a last place for what was left, check.

Pure; seed and time limit are arguments.
"""

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import replace
from itertools import count
from time import perf_counter
from typing import Final

from services.logistics.routing.fleet.check import check_fleet
from services.logistics.routing.fleet.model import PRIORITY_MAX, FleetPlan, Problem, Reason, Window
from services.logistics.routing.fleet.places import hopeless_among, insert_all, repaired
from services.logistics.routing.fleet.rides import around, overlong
from services.logistics.routing.fleet.search import improve
from services.logistics.routing.fleet.timing import driven
from services.logistics.routing.fleet.worth import prize_of

FIRST_BY: Final = 0.3
SEARCHED_BY: Final = 0.85
"""Shares of the time limit; in what is left of it the plan is repaired and what is left out explained."""
KNOWN: Final = PRIORITY_MAX // 2
"""The priority of what drivers know of."""
KNOWN_TIER: Final = 2
"""Above what is owed (1), below what is aboard (3)."""
LOOKED_AT_BY: Final = 0.6
"""Of the first plan's time, that for what nobody could do."""
TURN_S: Final = 0.3
TURN: Final = 0.25
"""Of the time that is left, one turn of the search while it learns what must not be aboard for so long."""
REPAIRED_S: Final = 0.2
LAST_PLACES_S: Final = 0.3
"""Past the search, at least; also where whatever came before has taken all the time there was."""


def plan_fleet(
    problem: Problem, *, limit_s: float, seed: int = 0, told: Sequence[Sequence[int]] | None = None
) -> FleetPlan:
    """The best plan found within `limit_s` (and at most a second more); it has passed `check_fleet`."""
    ends = perf_counter() + limit_s
    planning = Planning(problem, told)
    planning.first(FIRST_BY * limit_s)
    return planning.better(ends - perf_counter(), seed)


class Planning:
    """A plan in the making: a first one that is soon there, and then the best that there is time for.

    With `told`, the visits that each vehicle's driver knows of: they stay as they are, with what is new among them,
    unless a plan that changes them does more; and none of their tasks is left out for a new one.
    """

    def __init__(self, problem: Problem, told: Sequence[Sequence[int]] | None = None) -> None:
        self._problem = problem if told is None else _with_first(problem, {each >> 1 for some in told for each in some})
        self._tiers = sorted({task.tier for task in self._problem.tasks} - {0}, reverse=True)
        self._told = told
        self._hopeless: dict[int, tuple[Reason, ...]] = {}
        self._visits: list[list[int]] = [[] for _ in problem.vehicles]

    def first(self, limit_s: float) -> FleetPlan:
        """What can be put somewhere one by one; the rest is left, as `time_limit`."""
        began = perf_counter()
        looked_at_by = began + LOOKED_AT_BY * limit_s
        self._hopeless = hopeless_among(self._problem, looked_at_by)
        for vehicle, visits in enumerate(self._told or ()):
            self._visits[vehicle] = repaired(self._problem, vehicle, list(visits), looked_at_by)
        known = {visit >> 1 for visits in self._visits for visit in visits}
        self._hopeless = {task: why for task, why in self._hopeless.items() if task not in known}  # in company it goes
        return self._with_all(began + limit_s, explained=False)

    def better(self, limit_s: float, seed: int = 0) -> FleetPlan:
        """The best found, with the reasons for what is left out."""
        began = perf_counter()
        searched_by = began + SEARCHED_BY * limit_s
        able = self._able()
        if able and (self._told is None or self._missing(self._visits)):
            self._search(able, searched_by, seed)
        return self._with_all(max(began + limit_s, max(began, searched_by) + LAST_PLACES_S), explained=True)

    def _search(self, able: list[int], deadline: float, seed: int) -> None:
        """In turns: those who were on board for too long in one are narrowed for the next."""
        windows: dict[int, Window] = {}
        learning = any(task.max_ride_s is not None for task in self._problem.tasks)
        for turn in count():
            now = perf_counter()
            ends = min(deadline, now + max(TURN_S, (deadline - now) * TURN)) if learning else deadline
            narrowed = windows | around(self._problem, self._visits, windows)
            found = improve(self._problem, self._visits, able, ends, seed + turn, narrowed)
            left_over = perf_counter() < ends - TURN_S / 2  # nothing helped any more
            too_long = overlong(self._problem, found)
            learning = not too_long.keys() <= windows.keys()
            windows |= too_long
            found = [repaired(self._problem, v, each, deadline + REPAIRED_S) for v, each in enumerate(found)]
            insert_all(self._problem, found, self._missing(found), deadline + REPAIRED_S, explained=False)
            if self._is_better(found):
                self._visits = found
            if (left_over and not learning) or perf_counter() + TURN_S > deadline:
                return

    def _able(self) -> list[int]:
        return [task for task in range(len(self._problem.tasks)) if task not in self._hopeless]

    def _missing(self, visits: list[list[int]]) -> list[int]:
        done = {visit >> 1 for each in visits for visit in each}
        return [task for task in self._able() if task not in done]

    def _is_better(self, visits: list[list[int]]) -> bool:
        """It does more, or as much for less where nobody was told anything yet."""
        here, there = self._worth(self._visits), self._worth(visits)
        return there[0] > here[0] if self._told is not None else there > here

    def _worth(self, visits: list[list[int]]) -> tuple[tuple[int, ...], int]:
        """How many it does of each tier, the highest first, and what all that is worth; and its cost, less than
        nothing."""
        tasks = [self._problem.tasks[task] for task in {visit >> 1 for each in visits for visit in each}]
        cost = sum(driven(self._problem, vehicle, each).cost for vehicle, each in enumerate(visits) if each)
        done = Counter(task.tier for task in tasks)
        tiers = tuple(done[tier] for tier in self._tiers)
        return (*tiers, sum(prize_of(self._problem, task) for task in tasks)), -cost

    def _with_all(self, deadline: float, *, explained: bool) -> FleetPlan:
        missing = self._missing(self._visits)
        left = insert_all(self._problem, self._visits, missing, deadline, explained=explained)
        routes = [driven(self._problem, vehicle, visits) for vehicle, visits in enumerate(self._visits) if visits]
        found = FleetPlan(tuple(routes), dict(sorted((self._hopeless | left).items())))
        wrong = check_fleet(self._problem, found)
        if wrong:
            raise AssertionError(f"the plan breaks what it promises: {wrong[:3]}")
        return found


def _with_first(problem: Problem, known: Set[int]) -> Problem:
    """With these tasks before any others, but for those of a higher tier still."""
    return replace(
        problem,
        tasks=tuple(
            replace(task, prize=None, priority=max(task.priority, KNOWN), tier=max(task.tier, KNOWN_TIER))
            if number in known
            else task
            for number, task in enumerate(problem.tasks)
        ),
    )
