"""Pages travel compressed, for the phones that read them over a poor line.

Compressed, the length of an answer tells of a secret on it whoever may put guesses beside that secret, have it asked
for again and again in its reader's name, and watch the line (BREACH). The pages hold no token against forged forms
(`cookies.py` says what keeps those off), but a reader's own figures; and it is from a page of another origin that
somebody has things asked for in another's name. So what a signed-in reader is led to from elsewhere travels as it is.
"""

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.gzipped import takes_gzip
from gateway.pages.cookies import ACCESS, SESSION, is_no_page

LEAST_B = 1024
"""What is shorter fits into one packet as it is."""
LEVEL = 6
"""A page is made anew for each reader: the last per cent is not worth twice the time."""
ELSEWHERE = frozenset({"cross-site", "same-site"})


class Packed:
    """Compresses the pages' answers for who takes them so; never photos or events as they come."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._packing = GZipMiddleware(app, minimum_size=LEAST_B, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._packing if _may_be_packed(scope) else self._app)(scope, receive, send)


def _may_be_packed(scope: Scope) -> bool:
    if scope["type"] != "http" or is_no_page(scope["path"]):
        return False
    headers = Headers(scope=scope)
    if "gzip" in headers.get("accept-encoding", "") and not takes_gzip(Request(scope)):
        return False  # `gzip;q=0`, which the middleware takes for a yes
    return not _may_be_signed_in(headers) or headers.get("sec-fetch-site") not in ELSEWHERE


def _may_be_signed_in(headers: Headers) -> bool:
    cookies = ", ".join(headers.getlist("cookie"))
    return "authorization" in headers or ACCESS in cookies or SESSION in cookies
