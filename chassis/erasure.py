"""Erased accounts: what a service remembers of them, so that nothing let in before an erasure is written after it.

The gateway refuses an account that was erased, but it looks once, at the head of a request: a file may come in for
long after, another gateway hears of it later, and an agent writes for a producer. So every write asks here, in the
transaction that writes: `chassis.routes` for its caller, the use case for whom else it writes for. It holds a lock of
the account, shared, to its end; the handler of the erasure takes that lock alone. Whichever comes second sees what the
first has written.

So what there is of an account when its erasure is heard of is all that there will be, and may be forgotten afterwards:
some at a time, for it may be any number of things, and who holds the inbox's transaction holds up everyone's events.
"""

import struct
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import (
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Row,
    Select,
    Table,
    Uuid,
    func,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.bulk import GIVEN_LOCKS, among, fetch, insert_given, parameters
from chassis.db import Database, WriteSession, is_transient
from chassis.idempotency import forget_some_of
from chassis.metrics import TASKS_FAILED
from chassis.problems import Unauthenticated
from chassis.telemetry import described

_ALONE = select(func.pg_advisory_xact_lock(GIVEN_LOCKS))
_SHARED = "SELECT pg_try_advisory_xact_lock_shared(lock), clock_timestamp() FROM unnest($1::bigint[]) AS lock"
_AMONG = "SELECT account_id FROM erased_accounts WHERE account_id = ANY ($1::uuid[])"

Step = Callable[[WriteSession, UUID, UUID | None], Awaitable[UUID | None]]
"""Forget some things of an account, those after that id in their order: the last of them, None where that was all."""

ANSWERS_BATCH: Final = 1000
PAUSE_MIN_S: Final = 1.0
PAUSE_MAX_S: Final = 120.0
"""Before one that failed is tried again; often enough that `DuijieTaskFails` goes on saying so."""
TASK: Final = "erasures"
"""The name of the job that forgets, in every service that has one."""

log = structlog.get_logger()


class Erasures:
    """The accounts whose erasure one service has heard of: a table among its own.

    `forgotten_at`: when nothing was left to forget; until then `forget` is at that step, behind that id. `tries` in a
    row have failed there, and the next one comes no sooner than `try_at`.
    """

    def __init__(self, metadata: MetaData) -> None:
        self.table = Table(
            "erased_accounts",
            metadata,
            Column("account_id", Uuid, primary_key=True),
            Column("heard_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
            Column("step", Integer, nullable=False, server_default=text("0")),
            Column("after", Uuid),
            Column("forgotten_at", DateTime(timezone=True)),
            Column("tries", Integer, nullable=False, server_default=text("0")),
            Column("try_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
            Index("ix_erased_accounts_waiting", "heard_at", "account_id", postgresql_where="forgotten_at IS NULL"),
        )
        self._remember = insert_given(self.table, "account_id").on_conflict_do_nothing()

    async def remember(self, session: WriteSession, account_ids: Collection[UUID]) -> None:
        """These are erased: the first thing that a service does when it hears of it.

        What was being written for them is there afterwards, for `forget`; nothing more will be.
        """
        accounts = sorted(set(account_ids))
        if not accounts:
            return
        await session.execute(_ALONE, {"locks": [_lock(each) for each in accounts]})
        await session.execute(self._remember, parameters({"account_id": accounts}))

    async def among(self, session: WriteSession, account_ids: Collection[UUID]) -> set[UUID]:
        """Those of these that are erased, or just being erased; of the others none will be until this transaction ends.

        It waits for nobody: an account whose erasure is under way is as good as erased.
        """
        accounts = sorted(set(account_ids) - session.held)
        if not accounts:
            return set()
        rows = await fetch(session, _SHARED, [_lock(each) for each in accounts])
        return await self._erased(session, accounts, [mine for mine, _ in rows])

    async def hold(self, session: WriteSession, account_ids: Collection[UUID]) -> datetime:
        """Ask that beforehand, of at least one, and for the time by the database's clock, at the cost of the asking."""
        accounts = sorted(set(account_ids))
        rows = await fetch(session, _SHARED, [_lock(each) for each in accounts])
        await self._erased(session, accounts, [mine for mine, _ in rows])
        now: datetime = rows[0][1]
        return now

    async def _erased(self, session: WriteSession, accounts: Sequence[UUID], held: Sequence[bool]) -> set[UUID]:
        # a statement of its own: it sees what those committed who held a lock until just now
        erased = {account_id for (account_id,) in await fetch(session, _AMONG, accounts)}
        erased |= {each for each, mine in zip(accounts, held, strict=True) if not mine}
        if not session.in_nested_transaction():  # whose locks end with it
            session.held.update(set(accounts) - erased)
        return erased

    async def known_among(self, session: AsyncSession, account_ids: Collection[UUID]) -> set[UUID]:
        """Those of these whose erasure was heard of, for who writes nothing for them, and only says less of them then.

        It holds off nobody: another may be erased before this transaction ends.
        """
        if not account_ids:
            return set()
        erased = self.table.c.account_id
        return set((await session.scalars(select(erased).where(among(erased, account_ids)))).all())

    async def refuse(self, session: WriteSession, account_id: UUID) -> None:
        """Raises Unauthenticated, as the gateway does, for an account that is erased."""
        if await self.among(session, [account_id]):
            raise Unauthenticated()

    async def forget(self, db: Database, *steps: Step) -> None:
        """Forget what there is of erased accounts: the answers to them, then what the steps forget, in their order.

        Each call of a step is a transaction: who is killed is gone on for from where it was. Two at work at once take
        different accounts, who was heard of first before others. One that fails is told of, and put off for longer
        each time; the others are forgotten meanwhile.
        """
        done = False
        while not done:
            row: Row[Any] | None = None
            try:
                async with db.transaction() as session:
                    row = (await session.execute(self._due())).first()
                    if row is not None:
                        await self._forget_some(session, row, (_forget_answers, *steps))
            except Exception as error:
                if row is None:
                    raise
                await self._put_off(db, row, error)
            done = row is None

    async def oldest_age_s(self, db: Database) -> float:
        """For how long the erasure that was heard of first has had something left to forget; 0 where none has."""
        age = func.extract("epoch", func.clock_timestamp() - func.min(self.table.c.heard_at))
        async with db.at_once() as connection:
            return float(await connection.scalar(select(age).where(self.table.c.forgotten_at.is_(None))) or 0)

    def _due(self) -> Select[Any]:
        to_forget = select(self.table).where(self.table.c.forgotten_at.is_(None), self.table.c.try_at <= func.now())
        ordered = to_forget.order_by(self.table.c.heard_at, self.table.c.account_id)
        return ordered.limit(1).with_for_update(skip_locked=True)

    async def _forget_some(self, session: WriteSession, row: Row[Any], steps: Sequence[Step]) -> None:
        after = await steps[row.step](session, row.account_id, row.after)
        step = row.step + (after is None)
        forgotten_at = func.now() if step == len(steps) else None
        values = {"step": step, "after": after, "forgotten_at": forgotten_at, "tries": 0}
        await session.execute(update(self.table).where(self.table.c.account_id == row.account_id).values(values))

    async def _put_off(self, db: Database, row: Row[Any], error: Exception) -> None:
        """Raises where the database is lost: then it is nobody's fault, and all wait."""
        pause_s = min(PAUSE_MIN_S * 2 ** min(row.tries, 10), PAUSE_MAX_S)  # beyond 2**1023 there is no float
        values = {"tries": row.tries + 1, "try_at": func.clock_timestamp() + timedelta(seconds=pause_s)}
        mine = self.table.c.account_id == row.account_id, self.table.c.forgotten_at.is_(None)
        async with db.transaction() as session:
            await session.execute(update(self.table).where(*mine).values(values))
        TASKS_FAILED.labels(db.service, TASK).inc()
        fields = {"account_id": str(row.account_id), "step": row.step, "tries": row.tries + 1, "pause_s": pause_s}
        tell = log.warning if is_transient(error) else log.error
        tell("erasure_failed", service=db.service, **fields, error=described(error), exc_info=error)


async def _forget_answers(session: WriteSession, account_id: UUID, _: UUID | None) -> UUID | None:
    """They say again what was said of it."""
    forgotten = await forget_some_of(session, account_id, ANSWERS_BATCH)
    return account_id if forgotten == ANSWERS_BATCH else None


def _lock(account_id: UUID) -> int:
    """The random half of the id: no two accounts share it, nor has a key of `idempotency` it."""
    number: int = struct.unpack(">q", account_id.bytes[8:])[0]
    return number
