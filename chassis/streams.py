"""Answers without an end: how many of them a process bears, and what ends them; `chassis.event_stream` writes them.

Every stream's path ends in `/stream`, so that one is known before anything is done for it. It ends with its token, with
its source, when its client hangs up, when its account is erased, and when the process is told to stop: all but the
third with a whole last chunk, and the client comes again with the last id that it had.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from uuid import UUID

from fastapi import FastAPI
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.metrics import STREAMS_OPEN, STREAMS_REFUSED
from chassis.problems import Problem, Text, problem_response

SUFFIX = "/stream"
AT_MOST = 5000
"""Open streams in one process: each is a socket, two small tasks, and at most one page that is being sent."""
A_CALLER = 20
"""Of one account in one process, or of one address without a token."""
RETRY_AFTER_S = (5, 15)
LAST_CHUNK_S = 1.0
"""How long a client that reads nothing may keep the end of its stream waiting."""

LAST_CHUNK: Message = {"type": "http.response.body", "body": b""}

Shared = TypeVar("Shared")


class StreamsFull(Problem):
    slug, status = "streams-full", 503
    title = Text("长连接已满", "Too many open streams")
    detail = Text(
        "现在打开的推送连接已达上限，请稍后再连，或改用分页读取。",
        "As many streams are open as can be borne; connect again later, or read the pages instead.",
    )

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": str(random.randint(*RETRY_AFTER_S))})


class TooManyStreams(Problem):
    slug, status = "too-many-streams", 429
    title = Text("您打开的长连接过多", "You have too many open streams")
    detail = Text(
        f"一个账户（未登录时为一个网络地址）同时至多打开 {A_CALLER} 个推送连接；请先关闭一些。",
        f"An account, or an address without a token, may hold {A_CALLER} streams open at a time; close some first.",
    )

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": str(random.randint(*RETRY_AFTER_S))})


def is_stream(scope: Scope) -> bool:
    return scope["type"] == "http" and str(scope["path"]).endswith(SUFFIX)


class OpenStreams:
    """The streams of one application: who has how many, what they share, and the word that ends them all."""

    def __init__(self, service: str, at_most: int = AT_MOST) -> None:
        self.at_most = at_most
        self.ending = False
        self._open: set[asyncio.Task[Any]] = set()
        self._told: set[asyncio.Task[Any]] = set()
        self._of: dict[Hashable, Counter[asyncio.Task[Any]]] = {}
        self._shared: dict[Hashable, Any] = {}
        STREAMS_OPEN.labels(service).set_function(lambda: len(self._open))
        self.refused = STREAMS_REFUSED.labels(service)

    def __len__(self) -> int:
        return len(self._open)

    def shared(self, key: Hashable, make: Callable[[], Shared]) -> Shared:
        """What all streams of one kind stand on, made by the first."""
        if key not in self._shared:
            self._shared[key] = make()
        found: Shared = self._shared[key]
        return found

    @contextmanager
    def one_more(self) -> Iterator[asyncio.Task[Any]]:
        """This task carries a stream. Raises StreamsFull."""
        task = _this_task()
        if self.ending or len(self._open) >= self.at_most:
            raise StreamsFull()
        self._open.add(task)
        try:
            yield task
        finally:
            self._open.discard(task)
            self._told.discard(task)

    @contextmanager
    def one_more_of(self, who: Hashable, at_most: int, refusal: Callable[[], Problem]) -> Iterator[None]:
        """This task carries one more of those of `who`. Raises `refusal()`."""
        task, theirs = _this_task(), self._of.setdefault(who, Counter())
        if theirs.total() >= at_most:
            self.refused.inc()
            raise refusal()
        theirs[task] += 1
        try:
            yield
        finally:
            theirs[task] -= 1
            if not theirs[task]:
                del theirs[task]
            if not theirs:
                del self._of[who]

    def end(self) -> None:
        """End them all, and take no more: uvicorn would wait for them, and then cut them off."""
        self.ending = True
        self._tell(self._open)

    def end_of(self, accounts: Iterable[UUID]) -> None:
        """End the streams of these accounts; that they open no others is for others to see to."""
        for account in accounts:
            self._tell(self._of.get(account, ()))

    def is_told(self, task: asyncio.Task[Any]) -> bool:
        """Whether we have ended it, and not its server."""
        return task in self._told

    def _tell(self, tasks: Iterable[asyncio.Task[Any]]) -> None:
        """Each once: who is cancelled a second time would say no last chunk."""
        for task in self._open.intersection(tasks) - self._told:
            self._told.add(task)
            task.cancel()


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


def end_streams(app: FastAPI) -> None:
    """Of an application that is about to stop, where it has any."""
    streams: OpenStreams | None = getattr(app.state, "streams", None)
    if streams is not None:
        streams.end()


class StreamGuard:
    """Bounds the streams of an application, its own and those that it passes on, and ends them when it is to stop."""

    def __init__(self, app: ASGIApp, streams: OpenStreams) -> None:
        self._app = app
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_stream(scope):
            await self._app(scope, receive, send)
            return
        try:
            with self._streams.one_more() as task:
                await self._until_the_end(task, scope, receive, send)
        except StreamsFull as full:
            self._streams.refused.inc()
            await problem_response(full, Request(scope))(scope, receive, send)

    async def _until_the_end(self, task: asyncio.Task[Any], scope: Scope, receive: Receive, send: Send) -> None:
        """Raises StreamsFull when it was ended before there was an answer."""
        started = done = False

        async def watched(message: Message) -> None:
            nonlocal started, done
            started = True
            await send(message)
            done = message["type"] == "http.response.body" and not message.get("more_body", False)

        try:
            await self._app(scope, receive, watched)
        except asyncio.CancelledError:
            if not self._streams.is_told(task) or task.uncancel() > 0:
                raise
            if not started:
                raise StreamsFull() from None
            if not done:
                await say_end(send)


async def say_end(send: Send) -> None:
    """The last chunk; one who reads nothing is cut off instead."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_CHUNK_S):
            await send(LAST_CHUNK)
