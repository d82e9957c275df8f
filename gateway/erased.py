"""Tokens of accounts that were erased: good by their signature until they expire, and refused here from then on.

The gateway keeps the ids, and looks every few seconds for those that another process erased; nobody waits for that.
Services behind it are not asked from outside.
"""

import asyncio
import base64
import binascii
import json
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

import structlog
from sqlalchemy import func, select
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.db import Database
from chassis.problems import Unauthenticated, problem_response
from gateway.accounts.models import Account

log = structlog.get_logger()

LOOK_EVERY_S = 2.0
LOOK_MAX_S = 1.0
OVERLAP = timedelta(minutes=1)
"""A transaction that erased before the last look may have committed after it."""
TOKENS_KNOWN = 10_000


class ErasedAccounts:
    """Which accounts were erased. One object a process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._ids: set[UUID] = set()
        self._seen = datetime(2000, 1, 1, tzinfo=UTC)
        self._look_after_s = float("-inf")

    def add(self, account_id: UUID) -> None:
        self._ids.add(account_id)

    async def holds(self, token: str) -> bool:
        """Whether the token names one of them."""
        if time.monotonic() > self._look_after_s:
            self._look_after_s = time.monotonic() + LOOK_EVERY_S
            await self._look()
        return bool(self._ids) and _account_of(token) in self._ids

    async def _look(self) -> None:
        """What can't be read is looked for again; until then what is known must do."""
        try:
            async with asyncio.timeout(LOOK_MAX_S), self._db.reading() as session:
                rows = select(Account.id).where(Account.erased_at > self._seen - OVERLAP)
                found = (await session.scalars(rows)).all()
                self._seen = await session.scalar(select(func.now())) or self._seen
        except Exception as error:
            log.warning("erased_not_read", error=type(error).__name__)
            return
        self._ids.update(found)


@lru_cache(maxsize=TOKENS_KNOWN)
def _account_of(token: str) -> UUID | None:
    """Whom the token names, whether it is sound or not."""
    try:
        payload = token.split(".")[1]
        return UUID(json.loads(base64.urlsafe_b64decode(payload + "=="))["sub"])
    except (IndexError, KeyError, TypeError, AttributeError, ValueError, binascii.Error):
        return None


class ErasedGuard:
    """Refuses the tokens of `erased`, whoever would answer them."""

    def __init__(self, app: ASGIApp, erased: ErasedAccounts) -> None:
        self._app = app
        self._erased = erased

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and await self._is_refused(scope):
            problem = Unauthenticated(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
            await problem_response(problem, Request(scope))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _is_refused(self, scope: Scope) -> bool:
        for name, value in scope["headers"]:
            if name == b"authorization":
                scheme, _, token = value.decode("latin-1").partition(" ")
                return scheme.lower() == "bearer" and await self._erased.holds(token.strip())
        return False
