"""Answers that never change, such as full pages of feeds, are kept in memory: an HTTP cache of our own, as private as
they say that they are.

The same request under the same token gets the same bytes; whether the token is still good is asked each time. Most of
what a small answer costs is finding out what is asked, and of that nothing is done twice.
"""

from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.responses import Response

from chassis.auth import current_caller
from chassis.routes import Route

SEALED = {
    # The cache of one reader may keep it for ever, under the token with which it was fetched: the next
    # account that signs in on the same machine must not find it.
    "Cache-Control": "private, max-age=31536000, immutable",
    "Vary": "Authorization",
}
KEPT_B = 32 * 1024 * 1024


class Asked(NamedTuple):
    """All that such an answer depends on."""

    authorization: str
    path: str
    query: bytes


class SealedAnswers:
    """Those that were asked for last, up to so many bytes."""

    def __init__(self, kept_b: int = KEPT_B) -> None:
        self._kept_b = kept_b
        self._bodies: OrderedDict[Asked, bytes] = OrderedDict()
        self._size_b = 0

    def get(self, asked: Asked) -> bytes | None:
        body = self._bodies.get(asked)
        if body is not None:
            self._bodies.move_to_end(asked)
        return body

    def keep(self, asked: Asked, body: bytes) -> None:
        if asked in self._bodies:
            return  # two asked for it at once
        self._bodies[asked] = body
        self._size_b += len(body)
        while self._size_b > self._kept_b:
            _, oldest = self._bodies.popitem(last=False)
            self._size_b -= len(oldest)


class SealedRoute(Route):
    """A route some of whose answers are JSON for ever, and say so by the headers `SEALED`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        find_out = super().get_route_handler()

        async def handle(request: Request) -> Response:
            answers: SealedAnswers = request.app.state.sealed
            scope = request.scope
            asked = Asked(request.headers.get("authorization", ""), scope["path"], scope["query_string"])
            if (body := answers.get(asked)) is not None:
                await current_caller(request)
                return Response(body, media_type="application/json", headers=SEALED)
            response = await find_out(request)
            if response.headers.get("cache-control") == SEALED["Cache-Control"]:
                answers.keep(asked, bytes(response.body))
            return response

        return handle
