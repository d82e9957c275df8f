"""Many clients at once who cost next to nothing themselves: what is measured is the house and not its guests.

They live in a process of their own (`python -m tests.faults.kit.pressure`), for the test's has the proxies in it. On
the same machine they still take their share of its processors, the more the faster they ask; `cpu_s` says how much.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import uvloop

from duijie.running import take_files
from tests.faults.kit.child import ROOT

TICK_S = 0.002
CONNECTIONS_MAX = 1500
"""What is due while all of them wait is sent late, and `late_s` tells of it."""
DRAINED_WITHIN_S = 10.0
NOT_ANSWERED = 0
"""The status of a request whose connection ended first."""

LISTING = {
    "produce": "potato",
    "quantity_kg": 100,
    "min_price_fen_per_kg": 100,
    "origin": {"adcode": "321323"},
}


@dataclass(frozen=True, slots=True)
class Order:
    """What to ask: `rate` a second, whatever is answered (an open loop); or else by so many `clients`, each asking
    again as soon as it is answered, or when a refusal says. Of the requests `posts` (a share) are POST /v1/listings,
    each with a key of its own, and the others read a page of them."""

    url: str
    token: str
    posts: float
    warm_s: float
    seconds: float
    clients: int = 0
    rate: float = 0.0


@dataclass(slots=True)
class Pressure:
    """What came back of what was asked within the measured time; each time counts from when it was due."""

    seconds: float
    asked: int = 0
    good: int = 0
    """2xx answers that came within the measured time, whenever they were asked."""
    posted: int = 0
    """The POSTs among them."""
    statuses: dict[int, int] = field(default_factory=dict)
    good_s: list[float] = field(default_factory=list)
    refused_s: list[float] = field(default_factory=list)
    late_s: float = 0.0
    """How late, at the worst, this process itself sent what was due: much of it, and it has measured itself."""
    connections: int = 0
    cpu_s: float = 0.0

    @property
    def goodput(self) -> float:
        """Good answers a second."""
        return self.good / self.seconds

    @classmethod
    def of(cls, told: dict[str, Any]) -> Self:
        return cls(**told | {"statuses": {int(status): count for status, count in told["statuses"].items()}})


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


async def press(order: Order) -> Pressure:
    """Have it asked by a process of its own."""
    asking = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.faults.kit.pressure",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    said, _ = await asking.communicate(json.dumps(asdict(order)).encode())
    assert asking.returncode == 0, "its own words are above"
    return Pressure.of(json.loads(said))


class _Connection(asyncio.Protocol):
    """One request at a time; `answered` hears its status, and for how long to stay away."""

    def __init__(self) -> None:
        self.gone = False
        self._received = b""
        self._answered: Callable[[int, float], None] | None = None
        self._transport: Any

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def ask(self, request: bytes, answered: Callable[[int, float], None]) -> None:
        self._received, self._answered = b"", answered
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if found and len(body) >= _number(head, b"content-length"):
            self._tell(int(head[9:12]), _number(head, b"retry-after"))

    def connection_lost(self, _: Exception | None) -> None:
        self.gone = True
        self._tell(NOT_ANSWERED, 0)

    def _tell(self, status: int, stay_away_s: float) -> None:
        answered, self._answered = self._answered, None
        if answered is not None:
            answered(status, stay_away_s)


def _number(head: bytes, name: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\n" + name + b":")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


class Crowd:
    """Those who ask, over connections that are kept."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._told = Pressure(order.seconds)
        self._statuses: Counter[int] = Counter()
        self._chance = random.Random(1)
        self._free: deque[_Connection] = deque()
        self._due: deque[float] = deque()
        self._under_way = self._open = 0
        where = urlsplit(order.url)
        self._host, self._port = where.hostname, where.port
        common = f"HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: Bearer {order.token}\r\n"
        body = json.dumps(LISTING)
        self._get = f"GET /v1/listings?limit=5 {common}\r\n".encode()
        self._post = (
            f"POST /v1/listings {common}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"Idempotency-Key: %b\r\n\r\n{body}"
        ).encode()
        self._begins_s = time.monotonic() + order.warm_s
        self._ends_s = self._begins_s + order.seconds

    async def run(self) -> Pressure:
        ask: Coroutine[Any, Any, None] = self._ask_at_a_rate() if self._order.rate else self._ask_in_turns()
        await ask
        deadline = time.monotonic() + DRAINED_WITHIN_S
        while (self._under_way or self._due) and time.monotonic() < deadline:
            await self._send_what_is_due()
            await asyncio.sleep(TICK_S)
        self._statuses[NOT_ANSWERED] += self._under_way + len(self._due)
        self._told.statuses = dict(+self._statuses)
        self._told.cpu_s = time.process_time()
        return self._told

    async def _ask_at_a_rate(self) -> None:
        next_s = time.monotonic()
        while (now_s := time.monotonic()) < self._ends_s:
            while next_s <= now_s:
                self._due.append(next_s)
                next_s += self._chance.expovariate(self._order.rate)
            await self._send_what_is_due()
            await asyncio.sleep(TICK_S)

    async def _send_what_is_due(self) -> None:
        while self._due:
            connection = await self._connected()
            if connection is None:
                return
            self._ask(connection, self._due.popleft())

    async def _ask_in_turns(self) -> None:
        for _ in range(self._order.clients):
            self._free.append(await self._connect())
        while time.monotonic() < self._ends_s:
            for _ in range(len(self._free)):
                connection = await self._connected()
                assert connection is not None, "there are fewer clients than connections may be"
                self._ask(connection, time.monotonic())
            await asyncio.sleep(TICK_S)

    async def _connected(self) -> _Connection | None:
        """The one that is free for the longest: the gateway ends those that were not used for some seconds."""
        while self._free:
            connection = self._free.popleft()
            if not connection.gone:
                return connection
            self._open -= 1
        return await self._connect() if self._open < CONNECTIONS_MAX else None

    async def _connect(self) -> _Connection:
        self._open += 1
        self._told.connections += 1
        _, connection = await asyncio.get_running_loop().create_connection(_Connection, self._host, self._port)
        return connection

    def _give_back(self, connection: _Connection, after_s: float) -> None:
        if after_s:
            asyncio.get_running_loop().call_later(after_s, self._free.append, connection)
        else:
            self._free.append(connection)

    def _ask(self, connection: _Connection, due_s: float) -> None:
        measured = self._begins_s <= due_s < self._ends_s
        posts = self._chance.random() < self._order.posts
        self._under_way += 1
        if measured:
            self._told.asked += 1
            self._told.late_s = max(self._told.late_s, time.monotonic() - due_s)

        def answered(status: int, stay_away_s: float) -> None:
            now_s = time.monotonic()
            self._under_way -= 1
            self._give_back(connection, 0 if self._order.rate else stay_away_s)
            good = 200 <= status < 300
            if good and self._begins_s <= now_s < self._ends_s:
                self._told.good += 1
                self._told.posted += posts
            if measured:
                self._statuses[status] += 1
                (self._told.good_s if good else self._told.refused_s).append(now_s - due_s)

        connection.ask(self._post % uuid4().hex.encode() if posts else self._get, answered)


if __name__ == "__main__":
    os.nice(10)
    take_files()
    heard = uvloop.run(Crowd(Order(**json.load(sys.stdin))).run())
    # Not by print: unbuffered (PYTHONUNBUFFERED), its stream drops what a pipe did not take at once.
    with open(sys.stdout.fileno(), "w", encoding="ascii") as out:
        json.dump(asdict(heard), out)
