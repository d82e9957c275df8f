"""A client of server-sent events, as the standard reads them, of an application in this process."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message

WITHIN_S = 60.0


@dataclass(slots=True)
class Event:
    """One event as it came."""

    id: str = ""
    name: str = "message"
    data: str = ""

    def json(self) -> Any:
        return json.loads(self.data)


@dataclass(slots=True)
class Parser:
    """Events out of bytes, wherever these are cut."""

    comments: int = 0
    retry_ms: int | None = None
    _rest: bytes = b""

    def feed(self, chunk: bytes) -> list[Event]:
        *whole, self._rest = (self._rest + chunk).split(b"\n\n")
        return [event for block in whole if (event := self._read(block.decode())) is not None]

    def _read(self, block: str) -> Event | None:
        event, named = Event(), False
        for line in block.split("\n"):
            name, _, value = line.partition(": ")
            if not name or line.startswith(":"):
                self.comments += 1
            elif name == "retry":
                self.retry_ms = int(value)
            else:
                setattr(event, {"event": "name"}.get(name, name), value)
                named = True
        return event if named else None


@dataclass
class Listener:
    """One stream, open as long as the block lasts. With `paused` it reads nothing."""

    app: ASGIApp
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 0
    answer: Headers = field(default_factory=lambda: Headers(raw=[]))
    body: bytes = b""
    whole: bool = False
    parser: Parser = field(default_factory=Parser)
    events: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        self.begun, self.over, self._gone = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()

    async def __aenter__(self) -> Self:
        path, _, query = self.path.partition("?")
        raw = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(b"host", b"duijie.test"), *raw],
            "client": ("127.0.0.1", 1),
            "server": ("duijie.test", 80),
        }
        self._task = asyncio.create_task(self._run(scope))
        async with asyncio.timeout(WITHIN_S):
            await self.begun.wait()
        return self

    async def _run(self, scope: dict[str, Any]) -> None:
        try:
            await self.app(scope, self._receive, self._send)
        finally:
            self.begun.set()
            self.over.set()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self.hang_up()

    async def hang_up(self) -> None:
        """Close the connection; returns when the application has noticed."""
        self._gone.set()
        self.reads.set()
        async with asyncio.timeout(WITHIN_S):
            await self._task

    async def next(self, within_s: float = WITHIN_S) -> Event:
        async with asyncio.timeout(within_s):
            return await self.events.get()

    async def until_over(self) -> None:
        async with asyncio.timeout(WITHIN_S):
            await self.over.wait()

    async def _receive(self) -> Message:
        if not self.begun.is_set() and not hasattr(self, "_asked"):
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        await self.reads.wait()
        if message["type"] == "http.response.start":
            self.status, self.answer = message["status"], Headers(raw=list(message["headers"]))
            return
        self.whole = not message.get("more_body", False)
        body = message.get("body", b"")
        if "event-stream" in self.answer.get("content-type", ""):
            for event in self.parser.feed(body):
                self.events.put_nowait(event)
        else:
            self.body += body
        self.begun.set()
