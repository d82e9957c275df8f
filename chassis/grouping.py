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
from pydantic import BaseModel

from chassis.auth import Caller
from chassis.db import Database, WriteSession, is_transient
from chassis.idempotency import Claim, StillRunning, claim_all, claim_of, remember
from chassis.problems import Problem
from chassis.routes import set_etag, set_location
from chassis.tracing import batch_span, current_traceparent

Work = TypeVar("Work")
Do = Callable[[WriteSession, Sequence[tuple[Caller, Work]]], Awaitable[Sequence[Response | Problem]]]
"""A Problem in an answer's place refuses that request alone, of which nothing may have been written."""

TOGETHER = 100
"""Of requests for one row each: more would lengthen what the first of them waits, and spare next to nothing."""


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
        done: list[tuple[_Job[Work], Claim | None, Response]] = []
        async with self._db.transaction() as session:
            taken, refused = await self._claim(session, jobs)
            answers = await self._answers([job for job, _ in taken], session) if taken else ()
            for (job, held), answer in zip(taken, answers, strict=True):
                if isinstance(answer, Problem):
                    refused.append((job, answer))
                else:
                    done.append((job, held, answer))
            await remember(session, [(held, response) for _, held, response in done if held is not None])
        for job, _, response in done:
            job.respond(response)
        for job, error in refused:
            job.refuse(error)

    async def _answers(self, jobs: Sequence[_Job[Work]], session: WriteSession) -> Sequence[Response | Problem]:
        causes = [job.traceparent for job in jobs]
        with batch_span("grouped requests", SpanKind.INTERNAL, causes, {"duijie.requests": len(jobs)}):
            return await self._do(session, [(job.caller, job.work) for job in jobs])

    async def _claim(
        self, session: WriteSession, jobs: Sequence[_Job[Work]]
    ) -> tuple[list[tuple[_Job[Work], Claim | None]], list[tuple[_Job[Work], Exception]]]:
        """Those that may go on, with the keys that they hold; and those that may not."""
        asking: list[tuple[_Job[Work], Claim | None]] = []
        refused: list[tuple[_Job[Work], Exception]] = []
        for job in jobs:
            try:
                asking.append((job, await claim_of(job.request, str(job.caller.account_id))))
            except Problem as problem:
                refused.append((job, problem))
        known = await claim_all(session, [mine for _, mine in asking if mine is not None])
        going: list[tuple[_Job[Work], Claim | None]] = []
        held: set[tuple[str, str]] = set()
        for job, mine in asking:
            if mine is None:
                going.append((job, None))
            elif mine in known:
                refused.append((job, known[mine]))
            elif (mine.caller, mine.key) in held:
                # the lock of a key is the transaction's, so it does not keep out the same key within the group
                refused.append((job, StillRunning(headers={"Retry-After": "1"})))
            else:
                going.append((job, mine))
                held.add((mine.caller, mine.key))
        return going, refused


def group_of(request: Request, name: str, do: Do[Work], limit: int) -> Group[Work]:
    """The group of that name in the application that serves this request."""
    groups: dict[str, Group[Work]] = request.app.state.groups
    if name not in groups:
        groups[name] = Group(request.app.state.db, do, limit)
    return groups[name]


def created(thing: BaseModel, version: int, address: str) -> Response:
    """The answer to a request that made this, with its version as ETag and its address as Location."""
    response = Response(thing.model_dump_json(), 201, media_type="application/json")
    set_etag(response, version)
    set_location(response, address)
    return response
