"""Tokens of accounts that were erased: good by their signature until they expire, and refused here from then on.

The gateway keeps the ids for as long as a token lives, and looks every few seconds for those that another process
erased; nobody waits for that. Services behind it are not asked from outside.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import func, select
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.auth import KeySource, caller_if_sound, is_too_long
from chassis.db import Database
from chassis.problems import Unauthenticated, problem_response
from gateway.accounts.models import Account

log = structlog.get_logger()

LOOK_EVERY_S = 2.0
LOOK_MAX_S = 1.0
OVERLAP = timedelta(minutes=1)
"""A transaction that erased before the last look may have committed after it."""
KEPT_AT_LEAST = timedelta(days=7)
"""Longer than the tokens that are given to who signs in. One that the operator made for longer, with
`duijie token --ttl`, is refused here for so long after the erasure, and from then on only by what reads the account
itself, such as `/v1/me`; it ends with the key that signed it at the latest."""


class ErasedAccounts:
    """Which accounts were erased within `kept`; `tell` hears of each once it is known here. One object a process."""

    def __init__(self, db: Database, kept: timedelta, tell: Callable[[Collection[UUID]], None]) -> None:
        self._db = db
        self._tell = tell
        self._kept = max(kept, KEPT_AT_LEAST) + OVERLAP
        self._erased_at: dict[UUID, datetime] = {}
        self._seen = datetime(2000, 1, 1, tzinfo=UTC)
        self._look_after_s = float("-inf")
        self._is_unread = False

    def add(self, account_id: UUID) -> None:
        self._erased_at[account_id] = datetime.now(UTC)
        self._tell([account_id])

    async def holds(self, account_id: UUID) -> bool:
        """Whether it is one of them."""
        if time.monotonic() > self._look_after_s:
            self._look_after_s = time.monotonic() + LOOK_EVERY_S
            await self._look()
        return account_id in self._erased_at

    async def _look(self) -> None:
        """What can't be read is looked for again; until then what is known must do."""
        try:
            async with asyncio.timeout(LOOK_MAX_S), self._db.reading() as session:
                now = await session.scalar(select(func.now())) or self._seen
                since = max(self._seen - OVERLAP, now - self._kept)
                rows = select(Account.id, Account.erased_at).where(Account.erased_at > since)
                found = {account_id: erased_at for account_id, erased_at in await session.execute(rows) if erased_at}
        except Exception as error:
            if not self._is_unread:  # once an outage, however often it is tried
                log.warning("erased_not_read", error=type(error).__name__)
            self._is_unread = True
            return
        if self._is_unread:
            log.info("erased_read_again")
        self._is_unread = False
        self._seen = now
        young = {each: at for each, at in self._erased_at.items() if at > now - self._kept}
        self._erased_at = young | found
        self._tell(found.keys() - young.keys())


class ErasedGuard:
    """Refuses the tokens of `erased`, whoever would answer them, and what is too long to be a token."""

    def __init__(self, app: ASGIApp, erased: ErasedAccounts, keys: KeySource) -> None:
        self._app = app
        self._erased = erased
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and await self._is_refused(Headers(scope=scope).getlist("authorization")):
            problem = Unauthenticated(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
            await problem_response(problem, Request(scope))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _is_refused(self, authorization: list[str]) -> bool:
        if is_too_long(authorization):
            return True
        caller = await caller_if_sound(authorization, self._keys)
        return caller is not None and await self._erased.holds(caller.account_id)
