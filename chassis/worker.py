"""The worker process of a service: relay, consumers and jobs, each started again when it fails."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from chassis.db import Database, is_transient
from chassis.metrics import TASKS_FAILED
from chassis.telemetry import described
from chassis.transport.base import TransportUnavailable

log = structlog.get_logger()

RESTART_MIN_S = 0.1
RESTART_MAX_S = 5.0


@dataclass(frozen=True, slots=True)
class Task:
    """A loop that works until it is cancelled. When it raises, or returns, that is logged, and it begins again."""

    name: str
    run: Callable[[], Awaitable[None]]


def every(seconds: float, name: str, do: Callable[[Database], Awaitable[object]], db: Database) -> Task:
    """A job at intervals. It must be safe to run in two processes at once."""

    async def run() -> None:
        while True:
            await do(db)
            await asyncio.sleep(seconds)

    return Task(name, run)


class TaskReturned(Exception):
    """A task came to an end by itself, so nobody would do its work any more."""


class Worker:
    """Runs its tasks until it is cancelled, and then ends every one of them."""

    def __init__(self, name: str, tasks: Sequence[Task]) -> None:
        self._name = name
        self._tasks = tasks

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for task in self._tasks:
                group.create_task(self._keep_running(task), name=f"{self._name}.{task.name}")

    async def _keep_running(self, task: Task) -> None:
        structlog.contextvars.bind_contextvars(service=self._name)  # of this task alone, for all that it logs
        pause_s = RESTART_MIN_S
        while True:
            started_s = asyncio.get_running_loop().time()
            try:
                await task.run()
                raise TaskReturned
            except (Exception, asyncio.CancelledError) as error:
                if _is_to_end():
                    raise
                self._tell(task, error)
            if asyncio.get_running_loop().time() - started_s > RESTART_MAX_S:
                pause_s = RESTART_MIN_S  # it had worked for a while: not the same fault over and over
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(2 * pause_s, RESTART_MAX_S)

    def _tell(self, task: Task, error: BaseException) -> None:
        TASKS_FAILED.labels(self._name, task.name).inc()
        fields = {"service": self._name, "task": task.name, "error": described(error)}
        if isinstance(error, TransportUnavailable) or is_transient(error):
            log.warning("task_waits", **fields)
        else:
            log.error("task_failed", **fields, exc_info=error)


def _is_to_end() -> bool:
    """Whether somebody has cancelled this task. A CancelledError alone does not say so: it may be that of a future
    inside a library, which ended for a reason of its own."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
