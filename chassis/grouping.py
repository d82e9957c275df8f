"""Requests that wait together share one transaction, and are answered after its commit.

A durable commit, and the lock of a hot row, cost as much for one request as for fifty. While one transaction of a
group runs, what comes queues up behind it and becomes the next; a request that finds none running starts at once. An
error undoes the whole group, and each of its requests is then done again by itself: nobody pays for another's mistake.
Beside "one transaction a request", for the few operations where it pays.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from fastapi import Request
from fastapi.responses import Response
from opentelemetry.trace import SpanKind

from chassis.auth import Caller
from chassis.db import Database, WriteSession, is_transient
from chassis.idempotency import Claim, Replay, StillRunning, claim, remember
from chassis.problems import Problem
from chassis.tracing import batch_span, current_traceparent

Work = TypeVar("Work")
Do = Callable[[WriteSession, Sequence[tuple[Caller, Work]]], Awaitable[Sequence[Response]]]


@dataclass(slots=True, eq=False)
class _Job(Generic[Work]):
    request: Request
    caller: Caller
    work: Work
    size: int
    traceparent: str | None = field(default_factory=current_traceparent)
    answer: asyncio.Future[Response] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def refuse(self, error: Exception) -> None:
        if not self.answer.done():  # who hung up waits no more
            self.answer.set_exception(error)

    def respond(self, response: Response) -> None:
        if not self.answer.done():
            self.answer.set_result(response)


class Group(Generic[Work]):
    """One operation's requests of one process. `do` answers for all of them, in order, or raises; `limit` bounds the
    sizes of those that are taken together."""

    def __init__(self, db: Database, do: Do[Work], limit: int) -> None:
        self._db = db
        self._do = do
        self._limit = limit
        self._waiting: deque[_Job[Work]] = deque()
        self._running: asyncio.Task[None] | None = None

    async def submit(self, request: Request, caller: Caller, work: Work, size: int = 1) -> Response:
        """The answer to this request, once its effect is durable. Raises its Problem, or Replay for a repeated key."""
        job = _Job(request, caller, work, size)
        self._waiting.append(job)
        if self._running is None or self._running.done():
            # a context of its own: the group is nobody's request
            self._running = asyncio.create_task(self._work_off(), context=Context())
        return await job.answer

    async def _work_off(self) -> None:
        while self._waiting:
            jobs = self._next()
            try:
                await self._try_together(jobs)
            finally:
                for job in jobs:
                    job.answer.cancel()  # does nothing to what was answered: only when this loop itself is ended

    def _next(self) -> list[_Job[Work]]:
        jobs: list[_Job[Work]] = []
        room = self._limit
        while self._waiting and (not jobs or self._waiting[0].size <= room):
            jobs.append(self._waiting.popleft())
            room -= jobs[-1].size
        return [job for job in jobs if not job.answer.done()]

    async def _try_together(self, jobs: Sequence[_Job[Work]]) -> None:
        try:
            await self._together(jobs)
        except Exception as error:
            if len(jobs) == 1 or is_transient(error):
                for job in jobs:
                    job.refuse(error)
                return
            for job in jobs:
                await self._try_together([job])

    async def _together(self, jobs: Sequence[_Job[Work]]) -> None:
        """One transaction for all of them; what was answered before is not done again."""
        answered: list[tuple[_Job[Work], Exception]] = []
        taken: list[tuple[_Job[Work], Claim | None]] = []
        async with self._db.transaction() as session:
            for job in jobs:
                try:
                    mine = await self._claim(session, job, [held for _, held in taken])
                except (Replay, Problem) as known:
                    answered.append((job, known))
                else:
                    taken.append((job, mine))
            responses = await self._answers([job for job, _ in taken], session) if taken else ()
            for (_, held), response in zip(taken, responses, strict=True):
                if held is not None:
                    await remember(session, held, response)
        for (job, _), response in zip(taken, responses, strict=True):
            job.respond(response)
        for job, error in answered:
            job.refuse(error)

    async def _answers(self, jobs: Sequence[_Job[Work]], session: WriteSession) -> Sequence[Response]:
        causes = [job.traceparent for job in jobs]
        with batch_span("grouped requests", SpanKind.INTERNAL, causes, {"duijie.requests": len(jobs)}):
            return await self._do(session, [(job.caller, job.work) for job in jobs])

    async def _claim(self, session: WriteSession, job: _Job[Work], held: Sequence[Claim | None]) -> Claim | None:
        mine = await claim(session, job.request, str(job.caller.account_id))
        # the lock of a key is the transaction's, so it does not keep out the same key within the group
        if mine is not None and any(each and (each.caller, each.key) == (mine.caller, mine.key) for each in held):
            raise StillRunning(headers={"Retry-After": "1"})
        return mine


def group_of(request: Request, name: str, do: Do[Work], limit: int) -> Group[Work]:
    """The group of that name in the application that serves this request."""
    groups: dict[str, Group[Work]] = request.app.state.groups
    if name not in groups:
        groups[name] = Group(request.app.state.db, do, limit)
    return groups[name]
