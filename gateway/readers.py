"""Who has which stream open at the one address: an account, so that its streams end with it, or a network address.

Strangers may have so many an address, and all of them together only a share of what the gateway bears: however many
addresses somebody has, the feeds of accounts are open.
"""

from collections.abc import Callable
from contextlib import ExitStack

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.auth import caller_if_sound
from chassis.problems import Problem, problem_response
from chassis.streams import A_CALLER, AT_MOST, OpenStreams, StreamsFull, TooManyStreams, is_stream

STRANGERS_MAX = AT_MOST * 2 // 5


class ReadersGuard:
    """Behind the guard of all streams. `address_of` tells where a request comes from."""

    def __init__(self, app: ASGIApp, streams: OpenStreams, address_of: Callable[[Scope], str]) -> None:
        self._app = app
        self._streams = streams
        self._address_of = address_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_stream(scope):
            await self._app(scope, receive, send)
            return
        with ExitStack() as places:
            try:
                await self._take(places, scope)
            except Problem as full:
                await problem_response(full, Request(scope))(scope, receive, send)
                return
            await self._app(scope, receive, send)

    async def _take(self, places: ExitStack, scope: Scope) -> None:
        """Raises TooManyStreams and StreamsFull."""
        request = Request(scope)
        caller = await caller_if_sound(request.headers.getlist("authorization"), request.app.state.keys)
        account_id = caller.account_id if caller else None
        who = account_id or self._address_of(scope)
        places.enter_context(self._streams.one_more_of(who, A_CALLER, TooManyStreams))
        if account_id is None:
            places.enter_context(self._streams.one_more_of("strangers", STRANGERS_MAX, StreamsFull))
