"""How long a body may take: with one bar of signal there is time, for who drips to hold a connection an end."""

import asyncio

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

GRACE_S = 30.0
LEAST_B_PER_S = 1024
"""Over the whole body, after the grace: 8 MiB may take some two hours, 256 KiB five minutes."""


class Patience:
    """Ends a body that comes more slowly than that, with 408 and the end of its connection."""

    def __init__(self, app: ASGIApp, grace_s: float) -> None:
        self._app = app
        self._grace_s = grace_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, self._grace_s)

        async def closing(message: Message) -> None:
            if body.too_slow and message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        await self._app(scope, body.receive, closing)


class _Body:
    """One request's body, whose time counts only while somebody waits for it."""

    def __init__(self, receive: Receive, grace_s: float) -> None:
        self._receive = receive
        self._left_s = grace_s
        self._complete = False
        self.too_slow = False

    async def receive(self) -> Message:
        if self._complete:
            return await self._receive()  # only a hang-up is still to come, at the end of a stream perhaps
        began_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._left_s):
                message = await self._receive()
        except TimeoutError:
            self.too_slow = True
            raise HTTPException(408) from None  # no Problem: FastAPI lets only its own pass while it reads a body
        self._left_s += len(message.get("body", b"")) / LEAST_B_PER_S
        self._left_s -= asyncio.get_running_loop().time() - began_s
        self._complete = not message.get("more_body", False)
        return message
