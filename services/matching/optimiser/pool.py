"""Solver processes, ready and waiting, so that a round never stalls the event loop.

The network simplex holds the interpreter's lock, so a thread would not do. The children are programs of their own
rather than ``multiprocessing`` ones: those import the parent's main module (the whole platform) before they start,
and an executor can neither give up on one round nor stop a child that is solving.
"""

import asyncio
import os
import pickle
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

from services.matching.optimiser.child import HEADER_BYTES, frame
from services.matching.optimiser.clear import Limits
from services.matching.optimiser.market import Market
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import Policy

START_TIMEOUT_S = 60.0


class SolverFailed(RuntimeError):
    """The round could not be solved; the message says why."""


class SolverTimeout(SolverFailed):
    """The round took longer than it may."""


class SolverPool:
    """A few warm solver processes; one that dies or takes too long is replaced at the next round."""

    def __init__(self, workers: int = 1, timeout_s: float = 60.0) -> None:
        """``timeout_s`` is for one round, from when it has a process to itself."""
        self._solvers = [_Solver() for _ in range(workers)]
        self.timeout_s = timeout_s
        self._idle: asyncio.Queue[_Solver] = asyncio.Queue()
        self._running = False

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes now at work or waiting for it."""
        return tuple(pid for solver in self._solvers if (pid := solver.pid) is not None)

    async def start(self) -> None:
        """Start the processes and wait until they are warm. A round that is asked for meanwhile waits for them."""
        self._idle = asyncio.Queue()
        self._running = True
        try:
            await asyncio.gather(*(solver.start() for solver in self._solvers))
        except BaseException:
            await self.stop()
            raise
        for solver in self._solvers:
            self._idle.put_nowait(solver)

    async def clear(self, market: Market, policy: Policy, now_us: int, limits: Limits | None = None) -> Plan:
        """``clear.clear`` in another process. A round whose process dies is tried once more in a new one."""
        if not self._running:
            raise SolverFailed("the solver pool is not running")
        job = frame((market, policy, now_us, limits))
        solver = await self._idle.get()
        try:
            return await self._try_twice(solver, job)
        finally:
            self._idle.put_nowait(solver)

    async def stop(self) -> None:
        """End the processes, whatever they are doing."""
        self._running = False
        await asyncio.gather(*(solver.stop() for solver in self._solvers))

    async def _try_twice(self, solver: "_Solver", job: bytes) -> Plan:
        try:
            return await solver.ask(job, self.timeout_s)
        except (EOFError, ConnectionError) as error:
            if not self._running:
                raise SolverFailed("the solver pool was stopped") from error
        try:
            return await solver.ask(job, self.timeout_s)
        except (EOFError, ConnectionError) as error:
            raise SolverFailed("the solver's process died twice") from error


class _Solver:
    """One process, started again when it is gone."""

    def __init__(self) -> None:
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """None where there is no process at present."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> Process:
        """A new, warm process."""
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.matching.optimiser.child",
            str(os.getpid()),
            stdin=PIPE,
            stdout=PIPE,
            env=_light_environment(),
            start_new_session=True,  # a Ctrl-C at the terminal goes to the parent alone
        )
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await _receive(process)
        except BaseException:
            self._kill()
            raise
        return process

    async def ask(self, job: bytes, timeout_s: float) -> Plan:
        """The plan of this job."""
        process = self._process
        if process is None or process.returncode is not None:
            process = await self.start()
        try:
            async with asyncio.timeout(timeout_s):
                kind, answer = await _exchange(process, job)
        except BaseException as error:
            # Dead, late or no longer waited for: what it may yet answer would be the answer to another question.
            self._kill()
            if isinstance(error, TimeoutError):
                raise SolverTimeout(f"not solved in {timeout_s} s") from error
            raise
        if not isinstance(answer, Plan):
            raise SolverFailed(f"{kind}: {answer}")
        return answer

    async def stop(self) -> None:
        """Kill the process and see it gone."""
        process = self._process
        self._kill()
        if process is not None:
            await process.wait()

    def _kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
        self._process = None


async def _exchange(process: Process, job: bytes) -> tuple[str, object]:
    assert process.stdin is not None
    process.stdin.write(job)
    await process.stdin.drain()
    return await _receive(process)


async def _receive(process: Process) -> tuple[str, object]:
    assert process.stdout is not None
    header = await process.stdout.readexactly(HEADER_BYTES)
    body = await process.stdout.readexactly(int.from_bytes(header, "big"))
    kind, answer = pickle.loads(body)
    return kind, answer


def _light_environment() -> dict[str, str]:
    """The parent's, where it finds its modules, and one thread: the simplex has no use for more."""
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return os.environ | single | {"PYTHONPATH": os.pathsep.join(path or os.curdir for path in sys.path)}
