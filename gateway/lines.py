"""Connections to one service, kept open for the next request.

Each stands in a pool of its own. A pool of httpcore's that holds many asks the socket of each of them at every request
whether it is still open: with 40 clients that was two thirds of the gateway's time.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from ssl import SSLContext

import httpx

IDLE_S = 3.0
"""How long one waits for the next request: uvicorn closes after 5 s, and ours must be the first to let go."""
IDLE_MAX = 100
OPEN_MAX = 2000


class LinesExhausted(httpx.TransportError):
    """So many requests are on their way to this service that no more are let through."""


class Lines:
    """The connections to one service; the last one given back is the first taken."""

    def __init__(self, open_max: int = OPEN_MAX) -> None:
        self._open_max = open_max
        self._in_use = 0
        self._idle: deque[tuple[float, httpx.AsyncHTTPTransport]] = deque()

    @property
    def idle(self) -> int:
        return len(self._idle)

    @asynccontextmanager
    async def sent(self, request: httpx.Request) -> AsyncIterator[httpx.Response]:
        """The head of the answer; its body is still to be read. Raises httpx.TransportError."""
        if self._in_use >= self._open_max:
            raise LinesExhausted("too many requests are on their way")
        self._in_use += 1
        line = self._idle.pop()[1] if self._idle else self._new()
        try:
            response = await line.handle_async_request(request)
            try:
                yield response
            finally:
                await response.aclose()
        finally:
            self._in_use -= 1
            self._idle.append((_now_s(), line))
            await self._close_old()

    async def aclose(self) -> None:
        while self._idle:
            await self._idle.pop()[1].aclose()

    def _new(self) -> httpx.AsyncHTTPTransport:
        one = httpx.Limits(max_connections=1, keepalive_expiry=IDLE_S)
        return httpx.AsyncHTTPTransport(verify=_tls(), limits=one, trust_env=False)

    async def _close_old(self) -> None:
        while self._idle and (self._idle[0][0] < _now_s() - IDLE_S or len(self._idle) > IDLE_MAX):
            await self._idle.popleft()[1].aclose()


@cache
def _tls() -> SSLContext:
    """One for all lines of this process: reading the roots takes forty requests' time."""
    return httpx.create_ssl_context(trust_env=False)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
