"""Answers without an end: server-sent events, how many of them a process bears, and how each of them ends.

Every stream's path ends in `/stream`, so that one is known before anything is done for it. A stream says something at
least every `BEAT_S`, however long its source is silent. It ends with its token, with its source, when its client hangs
up, and when the process is told to stop: all but the third with a whole last chunk, and the client comes again with the
last id that it had.
"""

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Hashable, Iterator
from contextlib import AbstractContextManager, aclosing, contextmanager, nullcontext, suppress
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.sse import KEEPALIVE_COMMENT
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.ending import ended
from chassis.metrics import STREAMS_OPEN, STREAMS_REFUSED
from chassis.problems import Problem, Text, problem_response

SUFFIX = "/stream"
AT_MOST = 5000
"""Open streams in one process: each is a socket, two small tasks, and at most one page that is being sent."""
A_CALLER = 20
"""Of one account in one process."""
BEAT_S = 12.0
"""The surface says 15; proxies on the way like to cut after 30 or 60."""
RETRY_MS = (1000, 4000)
"""When a browser comes again: those that were cut together not all at the same moment."""
RETRY_AFTER_S = (5, 15)
LAST_CHUNK_S = 1.0
"""How long a client that reads nothing may keep the end of its stream waiting."""

HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back until it has a page of them
}
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
        "一个账户同时至多打开 {at_most} 个推送连接；请先关闭一些。",
        "An account may hold {at_most} streams open at a time; close some first.",
    )

    def __init__(self, at_most: int) -> None:
        super().__init__(headers={"Retry-After": str(random.randint(*RETRY_AFTER_S))}, at_most=at_most)


def is_stream(scope: Scope) -> bool:
    return scope["type"] == "http" and str(scope["path"]).endswith(SUFFIX)


def event(name: bytes, number: object, data: bytes) -> bytes:
    """One event. `data` is one line, as JSON is: it is sent as it stands, where `fastapi.sse` would want it as text."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (str(number).encode(), name, data)


class OpenStreams:
    """The streams of one application: who has how many, what they share, and the word that ends them all."""

    def __init__(self, service: str, at_most: int = AT_MOST) -> None:
        self.at_most = at_most
        self.ending = False
        self._open: set[asyncio.Task[Any]] = set()
        self._readers: Counter[Hashable] = Counter()
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
        task = asyncio.current_task()
        assert task is not None
        if self.ending or len(self._open) >= self.at_most:
            raise StreamsFull()
        self._open.add(task)
        try:
            yield task
        finally:
            self._open.discard(task)

    @contextmanager
    def one_more_of(self, who: Hashable, at_most: int, refusal: Callable[[], Problem]) -> Iterator[None]:
        """One more of those of `who`. Raises `refusal()`."""
        if self._readers[who] >= at_most:
            self.refused.inc()
            raise refusal()
        self._readers[who] += 1
        try:
            yield
        finally:
            self._readers[who] -= 1
            if not self._readers[who]:
                del self._readers[who]

    def end(self) -> None:
        """End them all, and take no more: uvicorn would wait for them, and then cut them off."""
        self.ending = True
        for task in self._open:
            task.cancel()


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
        """Raises StreamsFull when the application was told to stop before there was an answer."""
        started = done = False

        async def watched(message: Message) -> None:
            nonlocal started, done
            started = True
            await send(message)
            done = message["type"] == "http.response.body" and not message.get("more_body", False)

        try:
            await self._app(scope, receive, watched)
        except asyncio.CancelledError:
            if not self._streams.ending or task.uncancel() > 0:
                raise
            if not started:
                raise StreamsFull() from None
            if not done:
                await _end(send)


async def _end(send: Send) -> None:
    """The last chunk; one who reads nothing is cut off instead."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_CHUNK_S):
            await send(LAST_CHUNK)


class EventStream(StreamingResponse):
    """Events as their source gives them, each of its chunks one or more of them. `place` is held from the head of the
    answer on, and refuses before it; `until_s` is when the caller's token ends, by the clock.

    Not `fastapi.sse`'s own: that renders what it is given, where a feed is bytes already, calls itself `no-cache`, and
    knows no end but its source's.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        chunks: AsyncGenerator[bytes, None],
        status_code: int = 200,
        *,
        place: AbstractContextManager[None] | None = None,
        until_s: float = math.inf,
    ) -> None:
        super().__init__(chunks, status_code, HEADERS)
        self._chunks = chunks
        self._place = place or nullcontext()
        self._until_s = until_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place:
            gone = asyncio.create_task(_hang_up(receive))
            try:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_left_s(self._until_s)), aclosing(self._chunks):
                        await send(
                            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
                        )
                        await self._send_on(gone, send)
                if not gone.done():
                    await _end(send)
            finally:
                await ended(gone)

    async def _send_on(self, gone: asyncio.Task[None], send: Send) -> None:
        """Until the source has no more or the client has gone. The next chunk is asked for when the last is sent."""
        await send(_chunk(b"retry: %d\n\n" % random.randint(*RETRY_MS)))
        coming: asyncio.Task[bytes | None] | None = None
        try:
            while True:
                coming = coming or asyncio.create_task(_next_of(self._chunks))
                await asyncio.wait({coming, gone}, timeout=BEAT_S, return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    return
                chunk: bytes | None = KEEPALIVE_COMMENT
                if coming.done():
                    chunk, coming = coming.result(), None
                if chunk is None:
                    return
                await send(_chunk(chunk))
        finally:
            await ended(coming)


def stream_of(data: type[BaseModel]) -> dict[str, Any]:
    """What a route says of itself whose events carry such data.

    OpenAPI 3.1 has no word for events; 3.2 reads a schema of this media type as the list of them.
    """
    told = {"$ref": f"#/components/schemas/{data.__name__}"}
    properties = {
        "id": {"type": "string"},
        "event": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": told},
    }
    one = {"type": "object", "required": [*properties], "properties": properties}
    schema = {"type": "array", "items": one}
    return {
        "response_class": EventStream,
        "response_model": data,
        "responses": {200: {"content": {EventStream.media_type: {"schema": schema}}}},
    }


def _left_s(until_s: float) -> float | None:
    return None if math.isinf(until_s) else max(0.0, until_s - time.time())


def _chunk(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": True}


async def _next_of(chunks: AsyncGenerator[bytes, None]) -> bytes | None:
    return await anext(chunks, None)


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
