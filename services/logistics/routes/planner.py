"""Plans what was asked for, one at a time, in a process of its own and outside every transaction."""

import structlog

from chassis.db import Database
from chassis.solvers import Solver, SolverDied, SolverFailed, SolverTimeout
from services.logistics.roads import Roads
from services.logistics.routes import service
from services.logistics.routes.problem import answer_of
from services.logistics.routes.solving import best_within
from services.logistics.routing.problem import RoutePlan

log = structlog.get_logger()

SOLVER = "services.logistics.routes.solver"
POLL_S = 1.0


class Planner:
    """One planner with its process. Any number may run, here and elsewhere. Without `roads` it goes by great circle."""

    def __init__(self, db: Database, roads: Roads | None = None) -> None:
        self._db = db
        self._roads = roads
        self.solver = Solver(SOLVER)

    async def run(self) -> None:
        """Work until cancelled."""
        async with self.solver:
            while True:
                if not await self.plan_next():
                    await self._db.wake(service.LOOP).wait(POLL_S)

    async def plan_next(self) -> bool:
        """Make the next plan, or try to; False when there is none to make."""
        work = await service.take_next(self._db)
        if not isinstance(work, service.Work):
            return work != "nothing"
        matrix = None if self._roads is None else await self._roads.matrix(work.problem.points())
        try:
            plan: RoutePlan = await best_within(self.solver, work.limit_s, work.problem, matrix)
        except (SolverDied, SolverTimeout) as error:
            log.warning("route_planner_lost", plan=str(work.plan_id), error=type(error).__name__)
            await service.give_back(self._db, work, "planner_died")
        except SolverFailed as error:
            log.error("route_planner_failed", plan=str(work.plan_id), error=str(error))
            await service.give_back(self._db, work, "planner_error")
        else:
            answer = answer_of(work.problem, plan, work.gone, work.ends, work.others).model_dump(mode="json")
            await service.keep(self._db, work.plan_id, answer)
        return True
