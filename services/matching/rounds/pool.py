"""Solver processes, ready and waiting, so that a round never stalls the event loop.

The network simplex holds the interpreter's lock, so a thread would not do.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import TypeVar

from chassis.ending import ended
from chassis.solvers import Solver, SolverDied, SolverFailed
from services.matching.optimiser.clear import Limits, clear
from services.matching.optimiser.division import clear_or_divide, merged
from services.matching.optimiser.explain import Explanation, Promised, explain
from services.matching.optimiser.market import Market
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import Policy
from services.matching.optimiser.sides import Who

SOLVER = "services.matching.optimiser.solver"
EXPLAIN_WITHIN_S = 20.0
Answer = TypeVar("Answer")


class SolverPool:
    """A few warm processes that take turns; one that dies or takes too long is replaced at the next round."""

    def __init__(self, workers: int = 1, timeout_s: float = 60.0) -> None:
        """`timeout_s` is for one question, from when it has a warm process to itself."""
        self.timeout_s = timeout_s
        self._solvers = [Solver(SOLVER) for _ in range(workers)]
        self._idle: asyncio.Queue[Solver] = asyncio.Queue()
        for solver in self._solvers:
            self._idle.put_nowait(solver)
        self._running = False
        self.warm = False
        """Whether `start` has come to its end; a process that died since is replaced at the next round."""

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes now at work or waiting for it."""
        return tuple(pid for solver in self._solvers if (pid := solver.pid) is not None)

    async def start(self) -> None:
        """Start the processes and wait until they are warm. A round that is asked for meanwhile waits for them.

        Raises SolverFailed when one does not become warm; those that wait are then told that there is no solver.
        """
        self._running = True
        taken: list[Solver] = []
        try:
            while len(taken) < len(self._solvers):
                taken.append(await self._idle.get())
            await asyncio.gather(*(solver.start() for solver in taken))
            self.warm = True
        except BaseException:
            await self.stop()
            raise
        finally:
            for solver in taken:
                self._idle.put_nowait(solver)

    async def run(self) -> None:
        """Keep the processes until cancelled. Raises SolverFailed as `start` does; whoever runs it begins again."""
        await self.start()
        try:
            await asyncio.Event().wait()
        finally:
            await self.stop()

    async def clear(
        self,
        market: Market,
        policy: Policy,
        now_us: int,
        limits: Limits | None = None,
        changed: Collection[str] | None = None,
    ) -> Plan:
        """`clear.clear` in another process, or independent parts of it in several.

        Raises SolverFailed, also while the pool is not running. Unless told otherwise a round knows how long it has,
        and so ends with a plan and its gap where it would else be given up, each time anew.
        """
        limits = limits or Limits(seconds=self.timeout_s)
        pieces = len(self._solvers)
        answer = await self._answer(clear_or_divide, market, policy, now_us, limits, changed, pieces)
        if isinstance(answer, Plan):
            return answer
        clearing = [asyncio.create_task(self._answer(clear, part, policy, now_us, limits)) for part in answer]
        try:
            return merged(market, [await each for each in clearing])
        finally:
            await ended(*clearing)

    async def explain(
        self, market: Market, promised: Promised, policy: Policy, now_us: int, asked: Sequence[Who]
    ) -> list[Explanation]:
        """`explain.explain` in another process. Raises SolverFailed, also while the pool is not running.

        It has a short while only: rounds may be waiting for the same process.
        """
        limits = Limits(seconds=min(EXPLAIN_WITHIN_S, self.timeout_s))
        return await self._answer(explain, market, promised, policy, now_us, asked, limits)

    async def stop(self) -> None:
        """End the processes, whatever they are doing. Whoever waits for one is told."""
        self._running = self.warm = False
        await asyncio.gather(*(solver.stop() for solver in self._solvers))

    async def _answer(self, do: Callable[..., Answer], *question: object) -> Answer:
        """One whose process dies is tried once more in a new one."""
        solver = await self._idle.get()
        try:
            with suppress(SolverDied):
                return await self._ask(solver, do, *question)
            return await self._ask(solver, do, *question)
        finally:
            self._idle.put_nowait(solver)

    async def _ask(self, solver: Solver, do: Callable[..., Answer], *question: object) -> Answer:
        if not self._running:  # asked only now, for it may have been stopped while this one waited its turn
            raise SolverFailed("the solver pool is not running")
        answer: Answer = await solver.solve(do, *question, within_s=self.timeout_s)
        return answer
