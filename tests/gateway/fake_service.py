"""A service behind the gateway that does whatever a service can do to a proxy."""

import asyncio
import hashlib
import json
from dataclasses import dataclass, field

from starlette.types import Message, Receive, Scope, Send


@dataclass
class FakeService:
    """A bare ASGI application that answers by the last step of the path, and remembers what it saw."""

    seen: list[Scope] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    bytes_seen: int = 0
    some_bytes: asyncio.Event = field(default_factory=asyncio.Event)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    events: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(scope)
        self.arrived.set()
        step = scope["path"].rsplit("/", 1)[1]
        answer = getattr(self, f"answer_{step}", self.answer_echo)
        await answer(scope, receive, send)

    async def answer_echo(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await self._read(receive)
        told = {
            "method": scope["method"],
            "path": scope["path"],
            "raw_path": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "headers": [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]],
            "body": body.decode("latin-1"),
        }
        await _answer(send, 200, [(b"content-type", b"application/json")], json.dumps(told).encode())

    async def answer_import(self, scope: Scope, receive: Receive, send: Send) -> None:
        digest = hashlib.sha256()
        while True:
            message = await receive()
            digest.update(message.get("body", b""))
            self.bytes_seen += len(message.get("body", b""))
            if self.bytes_seen:
                self.some_bytes.set()
            if message["type"] == "http.disconnect":
                self.hung_up.set()
                return
            if not message.get("more_body"):
                break
        await _answer(send, 200, [], digest.hexdigest().encode())

    async def answer_stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Events without end, one for each that the test puts in; an empty one is the end of the service."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        gone = asyncio.create_task(self._wait_for_hang_up(receive))
        while not gone.done():
            coming = asyncio.create_task(self.events.get())
            await asyncio.wait({coming, gone}, return_when=asyncio.FIRST_COMPLETED)
            if coming.done():
                if not coming.result():
                    raise ConnectionAbortedError("the service dies here")
                await send({"type": "http.response.body", "body": coming.result(), "more_body": True})
            coming.cancel()

    async def answer_slow(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._wait_for_hang_up(receive)

    async def answer_special(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"etag", b'"7"'), (b"content-encoding", b"x-own")]
        await _answer(send, 207, [*headers, (b"connection", b"x-hop"), (b"x-hop", b"1")], b"\x00\xff raw")

    async def answer_empty(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": [(b"x-own", b"1")]})
        await send({"type": "http.response.body", "body": b""})

    async def answer_head(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"12345"), (b"x-own", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def answer_refused(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An answer before the body was read."""
        await _answer(send, 413, [], b"too large")

    async def answer_broken(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ConnectionAbortedError("the service dies here")

    async def _read(self, receive: Receive) -> bytes:
        body = b""
        while True:
            message = await receive()
            body += bytes(message.get("body", b""))
            if not message.get("more_body"):
                return body

    async def _wait_for_hang_up(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.hung_up.set()


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
