"""Headers that keep a browser from doing with an answer what it was not made for; on whatever the gateway answers.

There is no CORS: no page of another origin may read what this surface answers, since no `Access-Control-Allow-Origin`
is ever sent. A partner's web page asks its own server, which asks us.
"""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.problems import Internal, problem_response
from gateway.limits import SIGNING_IN
from gateway.origins import Proxies

PAGE_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; "
    "img-src 'self' data:"
)
"""A page loads what is ours, and no script or style stands in its text."""
DATA_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""What is no page loads nothing, even if somebody opens it as one."""
OF_PAGES = (b"content-security-policy", PAGE_POLICY.encode())
OF_DATA = (b"content-security-policy", DATA_POLICY.encode())
ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"geolocation=(self), camera=(), microphone=(), payment=(), usb=(), interest-cohort=()",
    ),
)
HTTPS_ALWAYS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
NOT_KEPT = (b"cache-control", b"no-store")


class Shield:
    """Outermost: it is there on refusals and on failures, too. What an answer says for itself stays."""

    def __init__(self, app: ASGIApp, proxies: Proxies) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def shielded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._add(scope, message)
            await send(message)

        try:
            await self._app(scope, receive, shielded)
        except Exception:
            if not started:  # here, for the framework would answer outside of this; it still logs what it was
                await problem_response(Internal(), Request(scope))(scope, receive, shielded)
            raise

    def _add(self, scope: Scope, answer: Message) -> None:
        """By the bytes themselves: a refusal is what is answered most when too much is asked."""
        said = list(answer.get("headers", ()))
        names = {name for name, _ in said}
        is_page = any(name == b"content-type" and value.startswith(b"text/html") for name, value in said)
        added = [*ALWAYS, OF_PAGES if is_page else OF_DATA]
        if self._proxies.origin(scope).secure:
            added.append(HTTPS_ALWAYS)
        if "authorization" in Headers(scope=scope) or scope["path"].startswith(SIGNING_IN):
            added.append(NOT_KEPT)
        said += [each for each in added if each[0] not in names]
        answer["headers"] = [each for each in said if each[0] != b"server"] if b"server" in names else said
