"""Signed in on the pages: two cookies instead of a token that a script would have to keep.

`duijie_access` is an access token, `duijie_session` the refresh token that renews it; no script can read either. In
front of the pages their reader is told like any caller, by `Authorization`; the API itself (`/v1/…`) takes no cookie,
so a page of another origin can do nothing there in the reader's name. Here it can't either: `SameSite=Lax`, and
whatever changes something must come from a page of ours.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import structlog
from pydantic import ValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.auth import Caller, KeySource, verify
from chassis.db import Database
from chassis.problems import Problem, Text, Unauthenticated, Unavailable, problem_response
from gateway.accounts.service import SignIn
from gateway.erased import ErasedAccounts
from gateway.limits import READS, ProofBrake, RateLimited
from gateway.oauth import OAuthError
from gateway.origins import Proxies
from gateway.sessions import service as sessions
from gateway.sessions.schemas import TokenForm
from gateway.sessions.service import Granted

log = structlog.get_logger()

LOOK_MAX_S = 1.0
ACCESS, SESSION = "duijie_access", "duijie_session"
NO_PAGES = ("/v1/", "/static/", "/.well-known/", "/openapi.json", "/healthz", "/readyz", "/metrics")
NOW = timedelta()
PRIVATE = "private, no-store"
"""Of whatever is answered to who is signed in, unless it says otherwise for itself."""


def is_no_page(path: str) -> bool:
    """Whether it is for programs, or a file: nobody is known by a cookie there."""
    return path.startswith(NO_PAGES)


class FromAnotherSite(Problem):
    slug, status = "from-another-site", 403
    title = Text("请求来自别的网站", "The request comes from another site")
    detail = Text(
        "页面上的操作只能从本站的页面发出。没有任何内容被更改。",
        "What the pages do can be asked for by a page of this site alone. Nothing was changed.",
    )


class SignedIn:
    """Turns the cookies of a page's reader into the `Authorization` that everything behind it knows."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        db: Database,
        desk: SignIn,
        brake: ProofBrake,
        keys: KeySource,
        erased: ErasedAccounts,
        proxies: Proxies,
    ) -> None:
        self._app = app
        self._db = db
        self._desk = desk
        self._brake = brake
        self._keys = keys
        self._erased = erased
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_no_page(scope["path"]):
            await self._app(scope, receive, send)
            return
        headers, secure = Headers(scope=scope), self._proxies.origin(scope).secure
        if scope["method"] not in READS and not _of_this_site(headers, "https" if secure else "http"):
            await problem_response(FromAnotherSite(), Request(scope))(scope, receive, send)
            return
        cookies = Request(scope).cookies
        token, renewed = None, None
        if "authorization" not in headers and (cookies.get(ACCESS) or cookies.get(SESSION)):
            try:
                token, renewed = await self._token(cookies, self._proxies.origin(scope).address)
            except RateLimited as refusal:
                await problem_response(refusal, Request(scope))(scope, receive, send)
                return
            if token is not None:
                scope = {"state": {}, **scope, "headers": [*scope["headers"], _bearer(token)]}
                scope["state"]["caller"] = await self._caller(token)  # also for a refusal's page, in front of any route

        async def send_to_reader(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                if token is not None:
                    answer.setdefault("Cache-Control", PRIVATE)
                    answer.add_vary_header("Cookie")
                told = any(value.startswith(f"{SESSION}=") for value in answer.getlist("set-cookie"))
                is_over = token is None and cookies.get(SESSION)
                if not told and (renewed is not None or is_over):  # signing in or out says it for itself
                    set_cookies(answer, renewed, secure=secure)
            await send(message)

        await self._app(scope, receive, send_to_reader)

    async def _token(self, cookies: Mapping[str, str], address: str) -> tuple[str | None, Granted | None]:
        """A good access token, and what was granted for it just now; neither where the session has ended.

        So who signed out elsewhere, or whose key was taken back, is out here at once, though the token lasts on.

        Raises RateLimited for an address that renews too often.
        """
        token = cookies.get(ACCESS, "")
        caller = await self._caller(token)
        if caller is not None and await self._lasts(caller):
            return token, None
        await self._brake.take_from(address)
        try:
            form = TokenForm(grant_type="refresh_token", refresh_token=cookies.get(SESSION, ""))
            granted = await sessions.grant(self._db, self._desk, form, on_pages=True)
        except (OAuthError, Unauthenticated, ValidationError):
            return None, None
        return granted.token, granted

    async def _caller(self, token: str) -> Caller | None:
        try:
            caller = await verify(token, self._keys)
        except (Unauthenticated, Unavailable):
            return None
        return None if await self._erased.holds(caller.account_id) else caller

    async def _lasts(self, caller: Caller) -> bool:
        """Where the database can't be asked, the token is good as long as it says."""
        if caller.session_id is None:
            return True
        try:
            async with asyncio.timeout(LOOK_MAX_S):
                return await sessions.lasts(self._db, caller.session_id)
        except Exception as error:
            log.warning("session_not_read", error=type(error).__name__)
            return True


def _bearer(token: str) -> tuple[bytes, bytes]:
    return b"authorization", f"Bearer {token}".encode()


def set_cookies(answer: MutableHeaders, granted: Granted | None, *, secure: bool) -> None:
    """Remember who is signed in; forget it without `granted`."""
    access = (granted.token, granted.ttl) if granted else ("", NOW)
    session = (granted.refresh_token, granted.refresh_ttl) if granted else ("", NOW)
    for name, (value, lasts) in ((ACCESS, access), (SESSION, session)):
        told = f"{name}={value}; Path=/; Max-Age={int(lasts.total_seconds())}; HttpOnly; SameSite=Lax"
        answer.append("Set-Cookie", f"{told}; Secure" if secure else told)


def remember(request: Request, answer: Response, granted: Granted | None) -> None:
    """Have the answer say who is signed in from now on; nobody without `granted`."""
    secure = request.app.state.proxies.origin(request.scope).secure
    set_cookies(MutableHeaders(raw=answer.raw_headers), granted, secure=secure)


def _of_this_site(headers: Headers, scheme: str) -> bool:
    """By what browsers say and no page can change (Fetch Metadata; `Origin` where that is missing).

    Who sends neither is no browser, and has no cookies that it did not mean to send.
    """
    told = headers.get("sec-fetch-site")
    if told is not None:
        return told in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is None or origin == f"{scheme}://{headers.get('host', '')}"
