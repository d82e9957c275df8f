"""Headers that keep a browser from doing with an answer what it was not made for; on whatever the gateway answers.

There is no CORS: no page of another origin may read what this surface answers, since no `Access-Control-Allow-Origin`
is ever sent. A partner's web page asks its own server, which asks us.
"""

from starlette.datastructures import Headers, MutableHeaders
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
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(), microphone=(), payment=(), usb=(), interest-cohort=()",
}
HTTPS_ALWAYS = "max-age=31536000; includeSubDomains"


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
                self._add(scope, MutableHeaders(scope=message))
            await send(message)

        try:
            await self._app(scope, receive, shielded)
        except Exception:
            if not started:  # here, for the framework would answer outside of this; it still logs what it was
                await problem_response(Internal(), Request(scope))(scope, receive, shielded)
            raise

    def _add(self, scope: Scope, answer: MutableHeaders) -> None:
        for name, value in ALWAYS.items():
            answer.setdefault(name, value)
        is_page = answer.get("content-type", "").startswith("text/html")
        answer.setdefault("Content-Security-Policy", PAGE_POLICY if is_page else DATA_POLICY)
        if self._proxies.origin(scope).secure:
            answer.setdefault("Strict-Transport-Security", HTTPS_ALWAYS)
        if "authorization" in Headers(scope=scope) or scope["path"].startswith(SIGNING_IN):
            answer.setdefault("Cache-Control", "no-store")
        if "server" in answer:
            del answer["server"]
