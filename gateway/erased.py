"""Tokens of accounts that were erased, and of sessions that were ended: good by their signature until they expire, and
refused here from then on.

The gateway keeps the ids for as long as a token lives, and looks every few seconds for those that another process
erased or ended; nobody waits for that. Services behind it are not asked from outside.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

import structlog
from sqlalchemy import Select, func, select
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.auth import Caller, KeySource, caller_if_sound, is_too_long
from chassis.db import Database
from chassis.problems import Unauthenticated, problem_response
from gateway.accounts.models import Account
from gateway.sessions.models import EndedSession

log = structlog.get_logger()

LOOK_EVERY_S = 2.0
LOOK_MAX_S = 1.0
OVERLAP = timedelta(minutes=1)
"""A transaction that erased before the last look may have committed after it."""
KEPT_AT_LEAST = timedelta(days=7)
"""Longer than the tokens that are given to who signs in. One that the operator made for longer, with
`duijie token --ttl`, is refused here for so long after the erasure, and from then on only by what reads the account
itself, such as `/v1/me`; it ends with the key that signed it at the latest."""

Tell = Callable[[Collection[UUID]], None]


class _Lately(ABC):
    """What was over within `kept`, by its id; `tell` hears of each one's account once it is known here."""

    WHAT: ClassVar[str]

    def __init__(self, db: Database, kept: timedelta, tell: Tell) -> None:
        self._db = db
        self._tell = tell
        self._kept = kept + OVERLAP
        self._over_at: dict[UUID, datetime] = {}
        self._seen = datetime(2000, 1, 1, tzinfo=UTC)
        self._look_after_s = float("-inf")
        self._is_unread = False

    @abstractmethod
    def _since(self, moment: datetime) -> Select[*tuple[Any, ...]]:
        """Of those over since then: id, when, and the account."""

    def look_again(self) -> None:
        """Before the next that asks: this process has just added to them."""
        self._look_after_s = float("-inf")

    async def holds(self, which: UUID) -> bool:
        """Whether it is one of them."""
        if time.monotonic() > self._look_after_s:
            self._look_after_s = time.monotonic() + LOOK_EVERY_S
            await self._look()
        return which in self._over_at

    async def _look(self) -> None:
        """What can't be read is looked for again; until then what is known must do."""
        try:
            async with asyncio.timeout(LOOK_MAX_S), self._db.reading() as session:
                now = await session.scalar(select(func.now())) or self._seen
                rows = (await session.execute(self._since(max(self._seen - OVERLAP, now - self._kept)))).all()
        except Exception as error:
            if not self._is_unread:  # once an outage, however often it is tried
                log.warning("erased_not_read", what=self.WHAT, error=type(error).__name__)
            self._is_unread = True
            return
        if self._is_unread:
            log.info("erased_read_again", what=self.WHAT)
        self._is_unread = False
        self._seen = now
        young = {each: at for each, at in self._over_at.items() if at > now - self._kept}
        self._over_at = young | {which: at for which, at, _ in rows}
        self._tell({account_id for which, _, account_id in rows if which not in young})


class ErasedAccounts(_Lately):
    """Which accounts were erased. One object a process."""

    WHAT = "accounts"

    def __init__(self, db: Database, kept: timedelta, tell: Tell) -> None:
        super().__init__(db, max(kept, KEPT_AT_LEAST), tell)

    def add(self, account_id: UUID) -> None:
        self._over_at[account_id] = datetime.now(UTC)
        self._tell([account_id])

    def _since(self, moment: datetime) -> Select[*tuple[Any, ...]]:
        return select(Account.id, Account.erased_at, Account.id).where(Account.erased_at > moment)


class EndedSessions(_Lately):
    """Which sessions were ended: by their owner, with their key, or because an old token of theirs was used again.

    Streams of their accounts end, too: those of other sessions come again, and the ended one's can't.
    """

    WHAT = "sessions"

    def _since(self, moment: datetime) -> Select[*tuple[Any, ...]]:
        columns = (EndedSession.id, EndedSession.ended_at, EndedSession.account_id)
        return select(*columns).where(EndedSession.ended_at > moment)


class ErasedGuard:
    """Refuses the tokens of `erased` and `ended`, whoever would answer them, and what is too long to be a token."""

    def __init__(self, app: ASGIApp, erased: ErasedAccounts, ended: EndedSessions, keys: KeySource) -> None:
        self._app = app
        self._erased = erased
        self._ended = ended
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
        return caller is not None and await self._is_over(caller)

    async def _is_over(self, caller: Caller) -> bool:
        if await self._erased.holds(caller.account_id):
            return True
        return caller.session_id is not None and await self._ended.holds(caller.session_id)
