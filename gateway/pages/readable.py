"""Whoever reads pages is refused by a page, whatever it is that refuses: a limit, another site's form, a body that is
too large, an address of nothing. Programs read the same problem as JSON.
"""

import json
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.problems import Internal, language_of
from gateway.pages.cookies import is_no_page
from gateway.pages.reader import trouble
from gateway.pages.render import reader_language

PROBLEM = "application/problem+json"
OF_THE_JSON = frozenset({b"content-type", b"content-length", b"content-language", b"vary"})


class Readable:
    """In front of whatever may refuse; behind what adds headers to a page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_no_page(scope["path"]) or not _reads_pages(scope):
            await self._app(scope, receive, send)
            return
        scope = _asks_in_own_language(scope)
        refusal: Message | None = None
        said, started = bytearray(), False

        async def readable(message: Message) -> None:
            nonlocal refusal, started
            started = True
            if message["type"] == "http.response.start" and _is_problem(message):
                refusal = message
            elif refusal is None or message["type"] != "http.response.body":
                await send(message)
            else:
                said.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    await _shown(scope, refusal, json.loads(said))(scope, receive, send)

        try:
            await self._app(scope, receive, readable)
        except Exception:
            if not started:
                await _failed(scope)(scope, receive, send)
            raise  # it is logged as what it was


def _reads_pages(scope: Scope) -> bool:
    return "text/html" in Headers(scope=scope).get("accept", "")


def _asks_in_own_language(scope: Scope) -> Scope:
    """What refuses knows `Accept-Language` alone, and the reader may have chosen another on a page."""
    request = Request(scope)
    chosen = reader_language(request)
    if chosen == language_of(request):
        return {"state": {}, **scope}
    headers = [(name, value) for name, value in scope["headers"] if name != b"accept-language"]
    return {"state": {}, **scope, "headers": [*headers, (b"accept-language", chosen.encode())]}


def _is_problem(message: Message) -> bool:
    return Headers(raw=list(message.get("headers", ()))).get("content-type", "").startswith(PROBLEM)


def _shown(scope: Scope, refusal: Message, problem: Any) -> Response:
    """With the headers of the refusal that are not of its JSON: when to come back, say."""
    response = trouble(Request(scope), refusal["status"], problem)
    of_page = {name for name, _ in response.raw_headers}
    kept = [(name, value) for name, value in refusal["headers"] if name.lower() not in OF_THE_JSON | of_page]
    response.raw_headers.extend(kept)
    return response


def _failed(scope: Scope) -> Response:
    problem = Internal().body(language_of(Request(scope)))
    return trouble(Request(scope), Internal.status, problem)
