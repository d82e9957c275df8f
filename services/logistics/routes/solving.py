"""Fleets planned while the caller waits, in a process of its own that is started when it is first needed."""

import asyncio

from chassis.problems import Problem, Text
from chassis.solvers import Solver, SolverFailed
from services.logistics.routing.fleet.model import FleetPlan
from services.logistics.routing.fleet.model import Problem as Fleet

SOLVER = "services.logistics.routes.fleet_solver"
WAIT_AT_MOST = 4
"""Who comes later would wait for minutes."""
OVERRUN_S = 15.0
"""Past its time limit, when a solver is taken to hang; it keeps its limit to a second, on an idle machine."""


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
    """One process that takes questions in turn."""

    def __init__(self) -> None:
        self._solver = Solver(SOLVER)
        self._turn = asyncio.Lock()
        self._waiting = 0

    @property
    def pid(self) -> int | None:
        """The process now at work or waiting for it; None while there is none."""
        return self._solver.pid

    async def plan(self, fleet: Fleet, limit_s: float) -> FleetPlan:
        """Raises SolverBusy and PlannerUnavailable."""
        if self._waiting >= WAIT_AT_MOST:
            raise SolverBusy(headers={"Retry-After": str(round(limit_s) + 1)})
        self._waiting += 1
        try:
            async with self._turn:
                plan: FleetPlan = await self._solver.solve(fleet, limit_s, within_s=limit_s + OVERRUN_S)
                return plan
        except SolverFailed as failed:
            raise PlannerUnavailable(headers={"Retry-After": "1"}) from failed
        finally:
            self._waiting -= 1

    async def stop(self) -> None:
        """End the process, whatever it is doing."""
        await self._solver.stop()
