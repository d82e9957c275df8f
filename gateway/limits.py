"""How often a caller may ask: writes by account, everything by address for who has no token, signing in more tightly.

Reads with a token are free: the guard of `chassis.overload` alone stands before them. A request counts once, however
long its answer streams or its body is, and whether or not its key repeats an earlier one. Answers tell what is left by
`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10); a refusal is 429 with `Retry-After`.
"""

import re
from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.auth import KeySource, caller_if_sound
from chassis.metrics import HTTP_LIMITED
from chassis.overload import EXEMPT, answer_at_once
from chassis.problems import Problem, Text, language_of, problem_response
from gateway.buckets import Buckets, Rate, Taken, more_in
from gateway.oauth import ForOAuth
from gateway.origins import Proxies

WRITES = Rate("writes", per_s=100, burst=1000)
ANONYMOUS = Rate("anonymous", per_s=10, burst=10)
SIGN_IN = Rate("sign-in", per_s=1, burst=30)
"""By address, which many share behind one router of their carrier, and by account for who proves again who it is;
a wrong secret costs 0.14 s of CPU."""
SIGN_IN_PHONE = Rate("sign-in-phone", per_s=1 / 6, burst=10)
"""By phone: a code is sent every minute and bears five tries, see `gateway.accounts.models.Code`."""

RENEWAL = Rate("renewal", per_s=1, burst=60)
"""By address: a page whose access token is over renews it by the reader's cookie, every quarter of an hour."""

READS = frozenset({"GET", "HEAD", "OPTIONS"})
SIGNING_IN = "/v1/auth/"
PROVING = re.compile(r"/sign-in(/(?!guest$).*)?")
"""Forms of the pages that send a code or prove who one is, whoever sends them."""
PROVING_TO_ORDER = re.compile(r"/board/[^/]+")
"""The form that asks who has no account yet for a phone and its code; who is signed in only orders by it."""
OF_OAUTH = frozenset({"/v1/auth/token", "/v1/auth/revoke"})
FREE = re.compile(r"/static/.*|/\.well-known/.*|/problems(/.*)?|/v1/board/[^/]+/photos/[^/]+")
"""Files that every browser keeps, of which one page shows many, the keys without which no service can verify a token,
and what a refusal means."""


class RateLimited(Problem):
    slug, status = "rate-limited", 429
    title = Text("请求过于频繁", "Too many requests")
    detail = Text(
        "请求超过了所允许的频率，请按 Retry-After 等候，再用同一个键重试。没有任何内容被更改。",
        "You ask more often than you may; wait as Retry-After says, then use the same key. Nothing was changed.",
    )

    def __init__(self, rate: Rate, taken: Taken) -> None:
        super().__init__(headers={"Retry-After": str(more_in(taken)), **told(rate, taken)})


Limits = Callable[[Rate], Buckets]
"""Makes the buckets of a rate: `LocalBuckets`, or those of a shared store."""


class Limited:
    """Buckets of one rate, and the refusal when one is empty."""

    def __init__(self, rate: Rate, buckets: Buckets) -> None:
        self.rate = rate
        self._buckets = buckets

    async def take(self, whose: str) -> dict[str, str]:
        """The headers that tell what is left. Raises RateLimited."""
        taken = await self._buckets.take(whose)
        if not taken.granted:
            HTTP_LIMITED.labels(self.rate.name).inc()
            raise RateLimited(self.rate, taken)
        return told(self.rate, taken)


def told(rate: Rate, taken: Taken) -> dict[str, str]:
    """What is left, and of what."""
    return {
        "RateLimit-Policy": f'"{rate.name}";q={rate.burst};w={rate.window_s}',
        "RateLimit": f'"{rate.name}";r={taken.left};t={more_in(taken)}',
    }


class RateLimits:
    """Before all that reads a body or asks a service: a refusal costs neither, nor a signature verified twice."""

    def __init__(self, app: ASGIApp, limits: Limits, keys: KeySource, proxies: Proxies) -> None:
        self._app = app
        self._keys = keys
        self._proxies = proxies
        self._writes, self._anonymous, self._sign_in = (
            Limited(rate, limits(rate)) for rate in (WRITES, ANONYMOUS, SIGN_IN)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in EXEMPT or FREE.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            left = await self._take(scope)
        except RateLimited as refusal:
            told = ForOAuth(refusal) if scope["path"] in OF_OAUTH else refusal
            await answer_at_once(problem_response(told, language_of(Request(scope))), Headers(scope=scope), send)
            return

        async def send_with_left(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in left.items():
                    answer.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_left if left else send)

    async def _take(self, scope: Scope) -> dict[str, str]:
        """Take from the bucket of the account, else from that of the address; nothing from a reader with a token."""
        signs_in = _signs_in(scope)
        account_id = None
        if not signs_in:
            account_id = await self._account_of(Headers(scope=scope).getlist("authorization"))
        if account_id is not None:
            return {} if scope["method"] in READS else await self._writes.take(account_id)
        proves = signs_in or (scope["method"] not in READS and PROVING_TO_ORDER.fullmatch(scope["path"]))
        limited = self._sign_in if proves else self._anonymous
        return await limited.take(self._proxies.origin(scope).address)

    async def _account_of(self, authorization: list[str]) -> str | None:
        caller = await caller_if_sound(authorization, self._keys)
        return None if caller is None else str(caller.account_id)


def _signs_in(scope: Scope) -> bool:
    """Whether it counts by address even with a token."""
    is_form = scope["method"] not in READS and PROVING.fullmatch(scope["path"]) is not None
    return is_form or scope["path"].startswith(SIGNING_IN)


class ProofBrake:
    """How often it may be tried to prove who one is, whoever asks and from wherever."""

    def __init__(self, limits: Limits | None) -> None:
        self._of_phone = Limited(SIGN_IN_PHONE, limits(SIGN_IN_PHONE)) if limits else None
        self._of_account = Limited(SIGN_IN, limits(SIGN_IN)) if limits else None
        self._of_address = Limited(RENEWAL, limits(RENEWAL)) if limits else None

    async def take(self, phone_hash: bytes | None) -> None:
        """Raises RateLimited. It knows a phone by its keyed hash alone, also in a store that others can read."""
        if self._of_phone and phone_hash:
            await self._of_phone.take(phone_hash.hex())

    async def take_of(self, account_id: UUID) -> None:
        """For whoever is signed in already. Raises RateLimited."""
        if self._of_account:
            await self._of_account.take(str(account_id))

    async def take_from(self, address: str) -> None:
        """For who is signed in on the pages and renews that. Raises RateLimited."""
        if self._of_address:
            await self._of_address.take(address)


def _brake(request: Request) -> ProofBrake:
    brake: ProofBrake = request.app.state.proof_brake
    return brake


Brake = Annotated[ProofBrake, Depends(_brake)]
