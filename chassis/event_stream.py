"""Answers of server-sent events: what one is made of, and that it says something at least every `BEAT_S`."""

import asyncio
import math
import random
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractContextManager, aclosing, nullcontext, suppress
from typing import Any

from fastapi.sse import KEEPALIVE_COMMENT
from pydantic import BaseModel
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from chassis.ending import ended
from chassis.streams import say_end

BEAT_S = 12.0
"""The surface says 15; proxies on the way like to cut after 30 or 60."""
RETRY_MS = (1000, 4000)
"""When a browser comes again: those that were cut together not all at the same moment."""

HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back until it has a page of them
}


def event(name: bytes, number: object, data: bytes) -> bytes:
    """One event. `data` is one line, as JSON is: it is sent as it stands, where `fastapi.sse` would want it as text."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (str(number).encode(), name, data)


class EventStream(StreamingResponse):
    """Events as their source gives them, each of its chunks one or more of them. `headers` are its own beside those of
    all streams. `place` is held from the head of the answer on, and refuses before it; `until_s` is when the caller's
    token ends, by the clock.

    Not `fastapi.sse`'s own: that renders what it is given, where a feed is bytes already, calls itself `no-cache`, and
    knows no end but its source's.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        chunks: AsyncGenerator[bytes, None],
        status_code: int = 200,
        *,
        headers: Mapping[str, str] | None = None,
        place: AbstractContextManager[None] | None = None,
        until_s: float = math.inf,
    ) -> None:
        super().__init__(chunks, status_code, {**HEADERS, **(headers or {})})
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
                    await say_end(send)
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
