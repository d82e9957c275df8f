"""How long is kept what is needed only while an event may come again, and how it is forgotten.

A record lives in its topic for RECORD_LIVES, and whoever reads it late reads it then. A dead letter may be sent
again REDRIVEN_WITHIN its event (`chassis.dead_letters`), and lives as long once more. INBOX_KEPT is longer than both
together, and by two days more, for the clock of whoever tells an event may be wrong by one.

The time is that of the newest note, not of the clock: a platform that stood still for months finds what it had done
and not acknowledged, and must know it again. Its oldest records come first, before anything new moves that time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import ColumnElement, FromClause, Table, and_, delete, func, select

from chassis.db import Database
from chassis.tables import INBOX
from chassis.worker import Task, every

log = structlog.get_logger()

RECORD_LIVES = timedelta(days=14)
"""At most, and with room to spare: topics keep 7 days, and Kafka deletes whole segments, of a day each."""
INBOX_KEPT = timedelta(days=30)
BATCH = 5_000
FORGET_EVERY_S = 3600
JOINED_AFTER_S = 60


def redelivery_horizon(consumer: str) -> ColumnElement[Any]:
    """The time before which nothing comes to this consumer any more; NULL while it has had nothing."""
    of_consumer = INBOX.c.consumer == consumer
    newest = select(func.max(INBOX.c.received_at)).where(of_consumer, INBOX.c.received_at <= func.now())
    return newest.scalar_subquery() - INBOX_KEPT


async def forget_notes(db: Database, consumer: str) -> int:
    """Delete what the inbox need not know any more; how many notes."""
    old = and_(INBOX.c.consumer == consumer, INBOX.c.received_at < redelivery_horizon(consumer))
    return await delete_in_batches(db, INBOX, old)


def forgetting_notes(db: Database, consumer: str) -> Task:
    """The job of the worker with this consumer."""
    return every(FORGET_EVERY_S, "inbox", partial(forget_notes, consumer=consumer), db)


async def delete_in_batches(db: Database, table: FromClause, old: ColumnElement[bool]) -> int:
    """Delete these rows in short transactions; how many.

    What another process is deleting at the moment, or has locked for its work, is passed over until the next time.
    """
    assert isinstance(table, Table)
    key = table.primary_key.columns
    chosen = select(*key).where(old).limit(BATCH).with_for_update(skip_locked=True, of=table).cte("chosen")
    batch = delete(table).where(*(column == chosen.c[column.name] for column in key))
    deleted, last = 0, BATCH
    while last == BATCH:
        async with db.transaction() as session:
            last = (await session.execute(batch)).rowcount  # type: ignore[attr-defined]
        deleted += last
    if deleted:
        log.info("forgotten", table=table.name, rows=deleted)
    return deleted


def pruning_events(prune: Callable[[], Awaitable[object]]) -> Task:
    """The job that shortens the log of a transport that does not do so by itself.

    It begins a while after the start: by then every consumer has said that it reads its topics.
    """

    async def run() -> None:
        await asyncio.sleep(JOINED_AFTER_S)
        while True:
            await prune()
            await asyncio.sleep(FORGET_EVERY_S)

    return Task("events", run)
