"""Who is calling: Ed25519 JWTs, issued by the gateway and verified by every service."""

import asyncio
import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Protocol
from uuid import UUID

import httpx
import jwt
import structlog
from fastapi import Depends, Request
from pydantic import BaseModel, Field, ValidationError

from chassis.problems import Forbidden, Unauthenticated, Unavailable

ISSUER = AUDIENCE = "duijie"
ALGORITHM = "EdDSA"
OPERATOR = "operator"
"""By whom a token was made that came of no signing in."""
KEYS_STAY_FRESH_S = 300
REFETCH_AFTER_S = 5
FIRST_RETRY_S = 0.5
AUTHORIZATION_MAX_B = 4096
"""A token of ours has some 350; what is longer is refused before anything reads or keeps it."""
TOKENS_KNOWN = 10_000
HEADERS_KNOWN = 64
"""Each key of ours has one header, the same in all its tokens."""

log = structlog.get_logger()


class Caller(BaseModel, frozen=True):
    """The account behind a token."""

    account_id: UUID
    role: str
    name: str = ""
    until_s: float = Field(math.inf, exclude=True, repr=False)
    """When the token ends, by the clock: a stream ends with it."""
    session_id: UUID | None = Field(None, exclude=True, repr=False)
    """Which signing in the token came of; None for one that the operator made."""
    by_operator: bool = Field(False, exclude=True, repr=False)
    """Whether the token says that the operator made it: `OPERATOR`."""

    @property
    def owner_id(self) -> UUID | None:
        """Whose things a caller sees: their own; an admin everyone's (None)."""
        return None if self.role == "admin" else self.account_id


class KeySource(Protocol):
    """Where public keys come from: in process, or over HTTP."""

    async def key(self, kid: str) -> jwt.PyJWK | None:
        """The public key of that id; None when the gateway has none such."""


class LocalKeys:
    """The gateway's keys in the same process; `jwks` returns its JWK set, which is read again for an unknown id, and
    now and then, so that a key that was taken back is good no more. Who makes ids up has it read every few seconds."""

    def __init__(self, jwks: Callable[[], Mapping[str, Any]]) -> None:
        self.jwks = jwks
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_after_s = float("-inf")
        self._read_for_unknown_after_s = float("-inf")

    async def key(self, kid: str) -> jwt.PyJWK | None:
        now_s = time.monotonic()
        if now_s > self._read_after_s:
            self._read(now_s)
        elif kid not in self._keys and now_s > self._read_for_unknown_after_s:
            self._read_for_unknown_after_s = now_s + REFETCH_AFTER_S
            self._read(now_s)
        return self._keys.get(kid)

    def _read(self, now_s: float) -> None:
        self._keys = _by_id(self.jwks(), self._keys)
        self._read_after_s = now_s + KEYS_STAY_FRESH_S


class RemoteKeys:
    """The gateway's `/.well-known/jwks.json`, kept for some minutes; an unknown id asks again, not too often."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.AsyncClient(timeout=5)
        self._keys: dict[str, jwt.PyJWK] = {}
        self._ask_after_s = float("-inf")
        self._ask_at_once_after_s = float("-inf")
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> jwt.PyJWK | None:
        """Raises Unavailable as long as the gateway has never answered."""
        async with self._lock:
            known = kid in self._keys
            if time.monotonic() > (self._ask_after_s if known else self._ask_at_once_after_s):
                await self._ask()
        if not self._keys:
            raise Unavailable(headers={"Retry-After": "1"})
        return self._keys.get(kid)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _ask(self) -> None:
        """Keys that were good stay good while the gateway is away; nobody waits for it again within REFETCH_AFTER_S."""
        stay_fresh_s = KEYS_STAY_FRESH_S
        try:
            answer = (await self._client.get(self._url)).raise_for_status()
            self._keys = _by_id(answer.json(), self._keys)
        except (httpx.HTTPError, ValueError, jwt.PyJWTError) as error:
            log.warning("keys_not_fetched", error=type(error).__name__)
            stay_fresh_s = REFETCH_AFTER_S
        now_s = time.monotonic()
        self._ask_after_s = now_s + stay_fresh_s
        self._ask_at_once_after_s = now_s + (REFETCH_AFTER_S if self._keys else FIRST_RETRY_S)


def _by_id(jwks: Mapping[str, Any], known: Mapping[str, jwt.PyJWK]) -> dict[str, jwt.PyJWK]:
    """The keys by their ids. One that is known and the same stays the same object: by it signatures are remembered."""
    read = {each.key_id: each for each in jwt.PyJWKSet.from_dict(dict(jwks)).keys if each.key_id}
    return {kid: known[kid] if kid in known and known[kid].key == key.key else key for kid, key in read.items()}


async def verify(token: str, keys: KeySource) -> Caller:
    """The caller named by a token. Raises Unauthenticated for any token that isn't ours, sound and in time."""
    if len(token) > AUTHORIZATION_MAX_B:
        raise _invalid_token()
    try:
        key = await keys.key(_key_id(token.partition(".")[0]))
        if key is None:
            raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"})
        caller = _sound(token, key)
        if caller.until_s <= time.time():
            raise jwt.ExpiredSignatureError
        return caller
    except (jwt.InvalidTokenError, KeyError, ValidationError) as error:
        raise _invalid_token() from error


def _invalid_token() -> Unauthenticated:
    return Unauthenticated(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


@lru_cache(maxsize=HEADERS_KNOWN)
def _key_id(header: str) -> str:
    """Which key a token of that header says that it is signed with."""
    return str(jwt.get_unverified_header(f"{header}..").get("kid", ""))


@lru_cache(maxsize=TOKENS_KNOWN)
def _sound(token: str, key: jwt.PyJWK) -> Caller:
    """Whom a token names, in time or not. Kept, for its signature takes longer than a small request;
    never beyond its key: it is asked for with the one that is good now. What raises isn't kept."""
    claims = jwt.decode(
        token,
        key.key,
        algorithms=[ALGORITHM],  # ours alone: never what the token itself asks for
        audience=AUDIENCE,
        issuer=ISSUER,
        options={"require": ["exp", "iat", "sub", "iss", "aud"]},
    )
    return Caller(
        account_id=claims["sub"],
        role=claims["role"],
        name=claims.get("name", ""),
        until_s=float(claims["exp"]),
        session_id=claims.get("sid"),
        by_operator=claims.get("by") == OPERATOR,
    )


async def caller_or_none(request: Request) -> Caller | None:
    """The caller, or None when no token came. A bad token is refused even where none is needed."""
    return await caller_told(request.headers.getlist("authorization"), request.app.state.keys)


async def caller_told(authorization: Sequence[str], keys: KeySource) -> Caller | None:
    """The same, of what stands in the headers `Authorization`."""
    if not any(authorization):
        return None
    if is_too_long(authorization):
        raise _invalid_token()
    scheme, _, token = authorization[0].partition(" ")
    if scheme.lower() != "bearer" or len(authorization) > 1:  # of two, others in a row of servers may read the other
        raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"})
    return await verify(token.strip(), keys)


async def caller_if_sound(authorization: Sequence[str], keys: KeySource) -> Caller | None:
    """The same, and None for a token that is not ours, too: whoever answers it says what is wrong with it."""
    try:
        return await caller_told(authorization, keys)
    except (Unauthenticated, Unavailable):
        return None


def is_too_long(authorization: Sequence[str]) -> bool:
    """Whether it can be nothing of ours, and is not worth reading."""
    return sum(map(len, authorization)) > AUTHORIZATION_MAX_B


async def current_caller(request: Request) -> Caller:
    """The caller; 401 without a token. Who needs the caller asks here: a
    dependency of a dependency costs as much as a small answer."""
    caller = await caller_or_none(request)
    if caller is None:
        raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"})
    return caller


class OfRole:
    """A dependency: the caller, when of one of these roles, else 403. An admin may everything."""

    def __init__(self, roles: Collection[str]) -> None:
        self._allowed = {*roles, "admin"}

    async def __call__(self, request: Request) -> Caller:
        caller = await current_caller(request)
        if caller.role not in self._allowed:
            raise Forbidden()
        return caller


def only(*roles: str) -> OfRole:
    """The dependency for callers of these roles."""
    return OfRole(roles)


def takes_token(dependency: object) -> bool:
    """Whether this dependency refuses who brings none."""
    return dependency is current_caller or isinstance(dependency, OfRole)


AnyCaller = Annotated[Caller, Depends(current_caller)]
