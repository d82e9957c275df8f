"""Numbering what waits: the one place where an event gets its `seq`.

A number drawn by the writers themselves would lose events: a lower one may become visible after a reader has passed
it. So whoever appends holds one lock until its items are visible, and numbers only what is committed. What commits
late is numbered late. The two sides of a match are one row until here, so they are numbered in one batch.
"""

from sqlalchemy import func, select, text

from chassis.db import Database
from chassis.killing import point
from services.matching.feed.models import FEED_PENDING
from services.matching.feed.service import LOOP

APPENDER_LOCK = 0x66656564  # "feed": the advisory lock of whoever appends to this database's feeds
BATCH = 1000
POLL_S = 0.05

# Under READ COMMITTED this statement sees all that is committed when it begins, so also what the appender that held
# the lock before has numbered and deleted. ANY(ARRAY(...)) keeps it on the primary key however large the table is.
APPEND = text(r"""
WITH taken AS (
    DELETE FROM feed_pending
    WHERE id = ANY (ARRAY(SELECT id FROM feed_pending ORDER BY id LIMIT :batch))
    RETURNING id, accounts, type, at, reason, match
), seen AS (
    SELECT account_id, type, at, reason, match,
        row_number() OVER (PARTITION BY account_id ORDER BY id DESC) AS from_end
    FROM taken CROSS JOIN unnest(accounts) AS account_id
), heads AS (
    INSERT INTO feed_heads AS head (account_id, seq)
    SELECT account_id, count(*) FROM seen GROUP BY account_id
    ON CONFLICT (account_id) DO UPDATE SET seq = head.seq + excluded.seq
    RETURNING account_id, seq
), numbered AS (
    SELECT account_id, heads.seq - from_end + 1 AS seq, type, at, reason, match FROM seen JOIN heads USING (account_id)
), added AS (
    INSERT INTO feed_items (account_id, seq, item)
    SELECT account_id, seq, convert_to(format('{"seq"\:%s,"type"\:"%s","at"\:"%s"%s,"match"\:%s}',
        seq, type, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24\:MI\:SS.US"Z"'),
        ',"reason"\:"' || reason || '"', match
    ), 'UTF8')
    FROM numbered
)
SELECT count(*) FROM taken
""")


LOCK = select(func.pg_advisory_xact_lock(APPENDER_LOCK))
FIRST = select(FEED_PENDING.c.id).order_by(FEED_PENDING.c.id).limit(1)  # on the primary key, as APPEND


async def append_batch(db: Database) -> int:
    """Number the oldest events that wait, at most `BATCH`, in one transaction; how many those were."""
    async with db.transaction() as session:
        # A statement of its own: the next one's snapshot has to be younger than the lock.
        await session.execute(LOCK)
        appended = int((await session.execute(APPEND, {"batch": BATCH})).scalar_one())
        if appended:
            point("feed.after_append")
        return appended


async def waits(db: Database) -> bool:
    """Whether there is anything to number. For a look a transaction with a lock is too dear: most find nothing."""
    async with db.at_once() as connection:
        return await connection.scalar(FIRST) is not None


class Appender:
    """Numbers events as they are committed. Any number may run; they take turns."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def run(self) -> None:
        """Work until cancelled. Raises when the database is lost; the worker starts it again."""
        while True:
            if not await waits(self._db) or await append_batch(self._db) < BATCH:
                await self._db.wake(LOOP).wait(POLL_S)
