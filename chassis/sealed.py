"""Answers that never change, such as full pages of feeds, are kept in memory: an HTTP cache of our own, as private as
they say that they are.

The same request of the same account gets the same bytes; whether its token is still good is asked each time. Most of
what a small answer costs is finding out what is asked, and of that nothing is done twice.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.auth import current_caller
from chassis.problems import Unauthenticated, Unavailable
from chassis.routes import Route

SEALED = {
    # The cache of one reader may keep it for ever, under the token with which it was fetched: the next
    # account that signs in on the same machine must not find it.
    "Cache-Control": "private, max-age=31536000, immutable",
    "Vary": "Authorization",
}
HEAD = [(b"content-type", b"application/json"), *((k.lower().encode(), v.encode()) for k, v in SEALED.items())]
KEPT_B = 32 * 1024 * 1024
ASKED_MAX_B = 2048
"""Of a path and its query, in bytes: who asks at greater length is answered, and not remembered."""
OWN_B = 512
"""What keeping an answer takes besides its bytes and those of what was asked, and somewhat more."""


class Asked(NamedTuple):
    """All that such an answer depends on. The account is one whose token was found good, not what a header says."""

    account_id: UUID
    role: str
    path: str
    query: bytes

    @property
    def size_b(self) -> int:
        return len(self.path.encode()) + len(self.query)


class SealedAnswers:
    """Those that were asked for last, up to so many bytes with all that it takes to find them."""

    def __init__(self, kept_b: int = KEPT_B) -> None:
        self._kept_b = kept_b
        self._bodies: OrderedDict[Asked, bytes] = OrderedDict()
        self._routes: dict[str, BaseRoute] = {}
        self._paths: Counter[str] = Counter()
        self._size_b = 0

    def route_of(self, path: str) -> BaseRoute | None:
        """By which answers of this path were found out, where any is kept."""
        return self._routes.get(path)

    def get(self, asked: Asked) -> bytes | None:
        body = self._bodies.get(asked)
        if body is not None:
            self._bodies.move_to_end(asked)
        return body

    def keep(self, asked: Asked, body: bytes, route: BaseRoute) -> None:
        if asked in self._bodies or asked.size_b > ASKED_MAX_B:  # two may have asked for it at once
            return
        self._bodies[asked] = body
        self._routes[asked.path] = route
        self._paths[asked.path] += 1
        self._size_b += _size_b(asked, body)
        while self._size_b > self._kept_b:
            self._drop(*self._bodies.popitem(last=False))

    def _drop(self, asked: Asked, body: bytes) -> None:
        self._size_b -= _size_b(asked, body)
        self._paths[asked.path] -= 1
        if not self._paths[asked.path]:
            del self._paths[asked.path], self._routes[asked.path]


def _size_b(asked: Asked, body: bytes) -> int:
    return OWN_B + asked.size_b + len(body)


class SealedRoute(Route):
    """A route for who has a token, some of whose answers are JSON for ever, and say so by the headers `SEALED`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        find_out = super().get_route_handler()

        async def handle(request: Request) -> Response:
            answers: SealedAnswers = request.app.state.sealed
            asked = await _asked(request)
            if (body := answers.get(asked)) is not None:
                return Response(body, media_type="application/json", headers=SEALED)
            response = await find_out(request)
            if response.headers.get("cache-control") == SEALED["Cache-Control"]:
                answers.keep(asked, bytes(response.body), request.scope["route"])
            return response

        return handle


class SealedGuard:
    """Answers what is kept before its route is looked for, which is half of what such an answer costs.

    Where FastAPI tells of spans, which have names of its routing, it is left to the route.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope.get("fastapi.telemetry") is not None:
            await self._app(scope, receive, send)
            return
        answers: SealedAnswers = scope["app"].state.sealed
        route = answers.route_of(scope["path"])
        body = None
        if route is not None:
            with suppress(Unauthenticated, Unavailable):  # the route tells them
                body = answers.get(await _asked(Request(scope)))
        if body is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = route  # by which the answer is timed
        headers = [*HEAD, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _asked(request: Request) -> Asked:
    """Raises Unauthenticated, and Unavailable as long as nobody can tell."""
    caller, scope = await current_caller(request), request.scope
    return Asked(caller.account_id, caller.role, scope["path"], scope["query_string"])
