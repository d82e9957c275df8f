"""HEAD wherever GET is answered (RFC 9110, section 9.3.2): the same head, and nothing behind it."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.ending import ended

ASKED_AS = "duijie.asked_as"


class HeadAsGet:
    """Innermost: what stands outside counts it as the HEAD that it is. An answer without an end ends with its head."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        # a copy, for the server looks into its own what it may send
        asked = {**scope, "method": "GET", ASKED_AS: "HEAD"}
        head = _Head(receive, send)
        try:
            await self._app(asked, head.receive, head.send)
        finally:
            if "route" in asked:
                scope["route"] = asked["route"]  # by which the answer is timed


def method_of(scope: Scope) -> str:
    """As it was asked, for who passes it on."""
    method: str = scope.get(ASKED_AS, scope["method"])
    return method


class _Head:
    """The two ends of such a request: once its head is sent, its client is as good as gone."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._sent = asyncio.Event()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._send(message)
            await self._send({"type": "http.response.body", "body": b""})
            self._sent.set()

    async def receive(self) -> Message:
        coming = asyncio.ensure_future(self._receive())
        sent = asyncio.create_task(self._sent.wait())
        try:
            await asyncio.wait({coming, sent}, return_when=asyncio.FIRST_COMPLETED)
            return {"type": "http.disconnect"} if sent.done() else coming.result()
        finally:
            await ended(coming, sent)
