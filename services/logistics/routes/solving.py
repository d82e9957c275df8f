"""Plans from a process of their own: within their limit, and while the caller waits where he asks for that."""

import asyncio
import logging
from typing import Any

import structlog

from chassis.problems import Problem, Text
from chassis.solvers import Solver, SolverDied, SolverFailed, SolverTimeout
from services.logistics.routing.fleet.model import FleetPlan
from services.logistics.routing.fleet.model import Problem as Fleet

SOLVER = "services.logistics.routes.fleet_solver"
WAIT_AT_MOST = 4
"""Who comes later would wait for minutes."""
WAIT_AT_MOST_S = 90.0
"""Of the limits of all who wait: the gateway gives up after 120 s."""
OVERRUN_S = 15.0
"""Past its time limit, when a solver is taken to hang that has given no answer yet."""
LATE_S = 0.7
"""Past its time limit, when the first answer is taken: a limit is honoured to within a second."""

log = structlog.get_logger()


async def best_within(solver: Solver, limit_s: float, *question: object) -> Any:
    """The best answer that there is at the limit: a first one comes early, and stands if no better comes in time.

    The search can't be interrupted: where it is late, its process ends, and the next question starts another. Raises
    SolverFailed where there is not even a first answer.
    """
    if solver.pid is None:
        await solver.start()  # which is no part of the time that planning may take
    clock = asyncio.get_running_loop().time
    ends = clock() + limit_s
    first = await solver.solve(limit_s, *question, within_s=limit_s + OVERRUN_S)
    left_s = max(0.0, ends - clock())
    try:
        return await solver.solve(left_s, within_s=left_s + LATE_S)
    except SolverFailed as error:
        lost = isinstance(error, (SolverDied, SolverTimeout))
        log.log(logging.WARNING if lost else logging.ERROR, "route_search_lost", limit_s=limit_s, error=str(error))
        return first


class SolverBusy(Problem):
    slug, status = "solver-busy", 503
    title = Text("线路规划繁忙", "The planner is busy")
    detail = Text(
        "已有多个规划在排队，请稍后重试，或用 /v1/routes 排队规划。",
        "Several plans are waiting already; try again shortly, or have one planned by /v1/routes.",
    )


class PlannerUnavailable(Problem):
    slug, status = "planner-unavailable", 503
    title = Text("线路规划暂不可用", "The planner is away for the moment")
    detail = Text("规划程序没有给出结果，请稍后重试。", "The planner gave no answer; try again shortly.")


class FleetSolver:
    """Fleets planned while the caller waits: one process, started when it is first needed, that takes turns."""

    def __init__(self) -> None:
        self._solver = Solver(SOLVER)
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._planning_s = 0.0

    @property
    def pid(self) -> int | None:
        """The process now at work or waiting for it; None while there is none."""
        return self._solver.pid

    async def plan(self, fleet: Fleet, limit_s: float) -> FleetPlan:
        """Raises SolverBusy and PlannerUnavailable."""
        if self._waiting >= WAIT_AT_MOST or (self._waiting and self._planning_s + limit_s > WAIT_AT_MOST_S):
            raise SolverBusy(headers={"Retry-After": str(round(limit_s) + 1)})
        self._waiting += 1
        self._planning_s += limit_s
        try:
            async with self._turn:
                plan: FleetPlan = await best_within(self._solver, limit_s, fleet)
                return plan
        except SolverFailed as failed:
            raise PlannerUnavailable(headers={"Retry-After": "1"}) from failed
        finally:
            self._waiting -= 1
            self._planning_s -= limit_s

    async def stop(self) -> None:
        """End the process, whatever it is doing."""
        await self._solver.stop()
