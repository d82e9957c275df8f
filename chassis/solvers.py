"""A solver in a process of its own, so that work that holds the interpreter's lock never stalls the event loop.

The child is a program of its own rather than a `multiprocessing` one: that would import the parent's main module (the
whole platform) before it starts, and an executor can neither give up on one question nor stop a child that is solving.
"""

import asyncio
import os
import pickle
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from chassis.solver_child import HEADER_BYTES, frame

START_TIMEOUT_S = 60.0


class SolverFailed(RuntimeError):
    """There is no answer. The message says why; it is the solver's own error unless a subclass says else."""


class SolverDied(SolverFailed):
    """The process ended before it answered."""


class SolverTimeout(SolverFailed):
    """The question took longer than it may."""


class Solver:
    """One warm process that answers `solve(*question)` of a module, one question at a time.

    The module has `solve` and `warm_up`, and is imported by the child alone. A process that dies or takes too long is
    replaced when it is asked next.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: Process | None = None
        self._spawning = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The process now at work; None while there is none."""
        return self._process.pid if self._process is not None else None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> Process:
        """A new process in place of any other; returns when it is warm.

        Raises SolverDied or SolverTimeout when it does not become so.
        """
        async with self._spawning:
            self._kill()
            self._process = process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "chassis.solver_child",
                str(os.getpid()),
                self._module,
                stdin=PIPE,
                stdout=PIPE,
                env=_light_environment(),
                start_new_session=True,  # a Ctrl-C at the terminal goes to the parent alone
            )
        await self._within(START_TIMEOUT_S, _receive(process))
        return process

    async def solve(self, *question: object, within_s: float) -> Any:
        """The answer of the module's `solve`. Raises SolverFailed, or one of its kinds."""
        process = self._process
        if process is None or process.returncode is not None:
            process = await self.start()
        kind, answer = await self._within(within_s, _exchange(process, frame(question)))
        if kind == "error":
            raise SolverFailed(answer)
        return answer

    async def stop(self) -> None:
        """Kill the process, whatever it is doing, and see it gone."""
        async with self._spawning:  # one that is about to be there is stopped, too
            process = self._process
            self._kill()
        if process is not None:
            await process.wait()

    async def _within(self, seconds: float, talk: Awaitable[tuple[str, Any]]) -> tuple[str, Any]:
        """What it says in time; else it is killed: a late answer would be the answer to another question."""
        try:
            async with asyncio.timeout(seconds):
                return await talk
        except BaseException as error:
            self._kill()
            if isinstance(error, TimeoutError):
                raise SolverTimeout(f"no answer in {seconds} s") from error
            if isinstance(error, (EOFError, ConnectionError)):
                raise SolverDied("the process ended without an answer") from error
            raise

    def _kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
        self._process = None


async def _exchange(process: Process, question: bytes) -> tuple[str, Any]:
    assert process.stdin is not None
    process.stdin.write(question)
    await process.stdin.drain()
    return await _receive(process)


async def _receive(process: Process) -> tuple[str, Any]:
    assert process.stdout is not None
    header = await process.stdout.readexactly(HEADER_BYTES)
    kind, answer = pickle.loads(await process.stdout.readexactly(int.from_bytes(header, "big")))
    return kind, answer


def _light_environment() -> dict[str, str]:
    """The parent's, with the way to its modules, and one thread: these solvers have no use for more."""
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return os.environ | single | {"PYTHONPATH": os.pathsep.join(path or os.curdir for path in sys.path)}
