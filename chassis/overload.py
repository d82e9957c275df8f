"""More requests than a process can do: some wait for a moment, the rest hear at once to come back later.

Without it they all wait in the event loop and for the database's connections, until none is answered in time. A
request holds a place from its whole body's arrival to the head of its answer, so neither a slow sender nor an open
stream keeps one.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from itertools import cycle

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.metrics import HTTP_AT_WORK, HTTP_REFUSED
from chassis.problems import LANGUAGES, Problem, Text, language_named, problem_response
from chassis.telemetry import request_id_of
from chassis.tracing import sound_or_new

AT_ONCE = 64
"""Requests at work in one process. Some 20 keep the database's connections busy, and a group commit gains from 40 more
that wait (chassis.grouping); beyond, more bring no more answers, only later ones. Five times as many readers as it
takes to keep everyone busy got 99 and 101 % of the peak done with 64 places, 89 and 91 % with 128, in turns on one
machine. A model with 20 connections of 50 ms each gave 58 % without a limit."""
WAIT_S = 0.5
"""How long one may wait for its place; who would wait longer is refused when it comes."""
BODY_S = 0.25
"""How long a place is kept for whoever waits for the rest of its body. Who asks for none of it keeps its place."""
RETRY_AFTER_S = (1, 2, 3)
"""In turns: who was refused together does not come back together."""
RECENT = 0.05
"""The weight of the newest in the mean time that a request takes."""
EXEMPT = frozenset({"/healthz", "/readyz", "/metrics"})
HAS_PLACE = "duijie.has_place"  # of a request's scope, once it has one


class Overloaded(Problem):
    slug, status = "overloaded", 503
    title = Text("请求过多", "Too many requests at once")
    detail = Text(
        "现在的请求多于所能处理的，请稍后用同一个键重试。没有任何内容被更改。",
        "More is asked than can be done just now; try again shortly, with the same key. Nothing was changed.",
    )

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(headers={"Retry-After": str(retry_after_s)})


class Places:
    """So many requests at work, `AT_ONCE` unless told; in their order, those that may expect a place in time wait for
    it."""

    def __init__(self, count: int | None = None, wait_s: float = WAIT_S) -> None:
        self._count = count or AT_ONCE
        self._wait_s = wait_s
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._mean_s = 0.0
        self.taken = 0

    async def take(self) -> bool:
        """Whether there is a place for this one; `give_back` it then."""
        if self.taken < self._count:
            self.taken += 1
            return True
        if self._expected_s() > self._wait_s:
            return False
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._waiting.append(turn)
        late = loop.call_later(self._wait_s, _refuse, turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if not turn.cancelled() and turn.result():
                self._pass_on()
            raise
        finally:
            late.cancel()

    def give_back(self, after_s: float) -> None:
        """The request took so long."""
        self._mean_s += RECENT * (after_s - self._mean_s)
        self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(True)
                return
        self.taken -= 1

    def _expected_s(self) -> float:
        return self._mean_s * (len(self._waiting) + 1) / self._count


def _refuse(turn: "asyncio.Future[bool]") -> None:
    if not turn.done():
        turn.set_result(False)


class OverloadGuard:
    """Refuses with 503 and Retry-After what finds no place in time. Those who run the process are always answered.

    Behind another guard it takes no second place. `guards` says of a path whether it is this one's to guard.
    """

    def __init__(
        self, app: ASGIApp, service: str, places: Places, guards: Callable[[str], bool] = lambda path: True
    ) -> None:
        self._app = app
        self._places = places
        self._guards = guards
        self._refused = HTTP_REFUSED.labels(service)
        self._refusals = {
            language: cycle([problem_response(Overloaded(seconds), language) for seconds in RETRY_AFTER_S])
            for language in LANGUAGES
        }
        HTTP_AT_WORK.labels(service).set_function(lambda: places.taken)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._is_mine(scope):
            await self._app(scope, receive, send)
            return
        if not await self._places.take():
            self._refused.inc()
            await self._refuse(scope, send)
            return
        stay = _Stay(self._places, receive, send)
        scope[HAS_PLACE] = True
        try:
            await self._app(scope, stay.receive, stay.send)
        finally:
            stay.end()

    def _is_mine(self, scope: Scope) -> bool:
        if scope["type"] != "http" or HAS_PLACE in scope:
            return False
        path = scope["path"]
        return path not in EXEMPT and self._guards(path)

    async def _refuse(self, scope: Scope, send: Send) -> None:
        """As cheap as it can be: this is what a process does most while it is asked too much."""
        headers = Headers(scope=scope)
        language = language_named(headers.get("accept-language", ""))
        await answer_at_once(next(self._refusals[language]), headers, send)


async def answer_at_once(prepared: Response, headers: Headers, send: Send) -> None:
    """Send this and no more, with the ids that every answer has: nobody further in has seen the request of these
    headers."""
    ids = {
        "x-request-id": request_id_of(headers),
        "traceparent": sound_or_new(headers.get("traceparent", "")),
    }
    raw = [*prepared.raw_headers, *((name.encode(), value.encode("latin-1")) for name, value in ids.items())]
    await send({"type": "http.response.start", "status": prepared.status_code, "headers": raw})
    await send({"type": "http.response.body", "body": prepared.body})


class _Stay:
    """One request's hold of its place."""

    def __init__(self, places: Places, receive: Receive, send: Send) -> None:
        self._places = places
        self._receive = receive
        self._send = send
        self._since_s: float | None = time.perf_counter()  # None while it holds no place
        self._ended = False
        self._patience_s: float | None = BODY_S  # None once the whole body is there

    async def receive(self) -> Message:
        if self._patience_s is None:
            return await self._receive()
        began_s = time.perf_counter()
        patience = asyncio.get_running_loop().call_later(self._patience_s, self._leave)
        try:
            message = await self._receive()
        finally:
            patience.cancel()
        self._patience_s = max(0.0, self._patience_s - (time.perf_counter() - began_s))
        if not message.get("more_body", False):
            self._patience_s = None
            if self._since_s is None and not self._ended:
                self._places.taken += 1  # it was let in before; it only had to wait for the sender
                self._since_s = time.perf_counter()
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.end()
        await self._send(message)

    def end(self) -> None:
        self._ended = True
        self._leave()

    def _leave(self) -> None:
        if self._since_s is not None:
            self._places.give_back(time.perf_counter() - self._since_s)
            self._since_s = None
