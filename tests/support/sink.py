"""A partner's server: a real one on loopback, that answers as it is told and verifies what comes by itself."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

Says = Callable[[str, int], str]
"""What is said to the `n`-th try of a message: a status with more headers as it goes over the wire, or `reset` or
`silence`."""

OK = "200 OK"
RESET, SILENCE = "reset", "silence"


def always_ok(_: str, __: int) -> str:
    return OK


@dataclass
class Received:
    """One request that came, verified unless there is nothing to verify it by."""

    path: str
    headers: dict[str, str]
    body: bytes
    at_s: float

    @property
    def message(self) -> str:
        return self.headers["webhook-id"]

    @property
    def item(self) -> dict[str, Any]:
        item: dict[str, Any] = json.loads(self.body)
        return item


@dataclass
class Sink:
    """`secrets`: who could have signed; each request is verified by every one of them."""

    secrets: Sequence[str] = ()
    says: Says = always_ok
    delay_s: float = 0.0
    url: str = ""
    received: list[Received] = field(default_factory=list)
    accepted: list[Received] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)
    under_way: Counter[str] = field(default_factory=Counter)
    at_once: int = 0
    at_once_of_one: int = 0
    """The most requests at one moment, and the most of one message."""
    unverified: int = 0
    connections: int = 0

    @property
    def seqs(self) -> list[int]:
        """Of what was accepted, in the order in which it came."""
        return [each.item["seq"] for each in self.accepted]

    @property
    def by_message(self) -> dict[str, list[Received]]:
        found: dict[str, list[Received]] = defaultdict(list)
        for each in self.received:
            found[each.message].append(each)
        return found

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        request = Received(head[0].split()[1], headers, body, asyncio.get_running_loop().time())
        self.received.append(request)
        self._verify(request)
        message = headers.get("webhook-id", "")
        self.tries[message] += 1
        self.under_way[message] += 1
        self.at_once_of_one = max(self.at_once_of_one, self.under_way[message])
        self.at_once = max(self.at_once, self.under_way.total())
        try:
            said = self.says(message, self.tries[message])
            if said == SILENCE:
                await reader.read()  # until the other side hangs up
                return False
            return await self._say(said, request, writer)
        finally:
            self.under_way[message] -= 1

    def _verify(self, request: Received) -> None:
        for secret in self.secrets:
            try:
                Webhook(secret).verify(request.body, request.headers)
            except WebhookVerificationError:
                self.unverified += 1

    async def _say(self, said: str, request: Received, writer: asyncio.StreamWriter) -> bool:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if said == RESET:
            writer.transport.abort()
            return False
        if said.startswith("2"):
            self.accepted.append(request)
        writer.write(f"HTTP/1.1 {said}\r\nContent-Length: 2\r\n\r\nok".encode())
        await writer.drain()
        return True


@asynccontextmanager
async def listening(sink: Sink) -> AsyncIterator[Sink]:
    """The sink on a free port of loopback."""
    conversations: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        with suppress(asyncio.CancelledError):
            await sink.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    sink.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield sink
    finally:
        server.close()
        for task in conversations:
            task.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)
