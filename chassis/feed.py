"""Feeds: of each account an ordered sequence of events, numbered from 1 without a gap, that never changes.

A number drawn by the writers themselves would lose events: a lower one may become visible after a reader has passed
it. So an event waits, in the transaction that causes it, until whoever appends numbers it: who holds one lock until
its items are visible, and numbers only what is committed. What commits late is numbered late. All accounts that see
an event have it in one row until then, so they are numbered in one batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    Identity,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Text,
    TextClause,
    Uuid,
    bindparam,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from chassis.db import Database, WriteSession
from chassis.killing import point
from chassis.sealed import SEALED

APPENDER_LOCK = 0x66656564  # "feed": the advisory lock of whoever appends to this database's feeds
BATCH = 1000
POLL_S = 0.05
LOOP = "feed"
"""The name under which the appender is woken."""
GROWN = "feed.grown"
"""The name under which those who wait for items are woken."""
LOCK = select(func.pg_advisory_xact_lock(APPENDER_LOCK))

SEQ_MAX = 2**63 - 1
After = Annotated[int, Query(ge=0, le=SEQ_MAX)]
"""The `next` of the page before; 0 begins at the beginning."""

GROWING = {"Cache-Control": "no-store"}

# Under READ COMMITTED this statement sees all that is committed when it begins, so also what the appender that held
# the lock before has numbered and deleted. ANY(ARRAY(...)) keeps it on the primary key however large the table is.
APPEND = r"""
WITH taken AS (
    DELETE FROM feed_pending
    WHERE id = ANY (ARRAY(SELECT id FROM feed_pending ORDER BY id LIMIT :batch))
    RETURNING id, accounts, type, at, reason, "MEMBER"
), seen AS (
    SELECT account_id, type, at, reason, "MEMBER",
        row_number() OVER (PARTITION BY account_id ORDER BY id DESC) AS from_end
    FROM taken CROSS JOIN unnest(accounts) AS account_id
), heads AS (
    INSERT INTO feed_heads AS head (account_id, seq)
    SELECT account_id, count(*) FROM seen GROUP BY account_id
    ON CONFLICT (account_id) DO UPDATE SET seq = head.seq + excluded.seq
    RETURNING account_id, seq
), numbered AS (
    SELECT account_id, heads.seq - from_end + 1 AS seq, type, at, reason, "MEMBER"
    FROM seen JOIN heads USING (account_id)
), added AS (
    INSERT INTO feed_items (account_id, seq, item)
    SELECT account_id, seq, convert_to(format('{"seq"\:%s,"type"\:"%s","at"\:"%s"%s,"MEMBER"\:%s}',
        seq, type, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24\:MI\:SS.US"Z"'),
        ',"reason"\:"' || reason || '"', "MEMBER"
    ), 'UTF8')
    FROM numbered
)
SELECT count(*) FROM taken
"""

HEADS_BEYOND = text("""
    SELECT account_id, head.seq
    FROM unnest(CAST(:accounts AS uuid[]), CAST(:seqs AS bigint[])) AS known (account_id, seq)
    JOIN feed_heads AS head USING (account_id)
    WHERE head.seq > known.seq
""")


@dataclass(frozen=True, slots=True)
class Item:
    """One event for these accounts; `state` is JSON, rendered once for ever."""

    type: str
    state: str
    accounts: Sequence[UUID]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class FeedPage:
    """The bytes of a page and how long they are good for."""

    body: bytes
    caching: dict[str, str]


class Feed:
    """The feeds of one database; `member` is what an item calls the state that it tells of."""

    def __init__(self, metadata: MetaData, member: str) -> None:
        self.pending = Table(
            "feed_pending",
            metadata,
            Column("id", BigInteger, Identity(), primary_key=True),
            Column("accounts", ARRAY(Uuid), nullable=False),
            Column("type", Text, nullable=False),
            # Not now(), when the transaction began: the next event of the same thing may have begun before its last
            # one was committed.
            Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
            Column("reason", Text),
            Column(member, Text, nullable=False),
        )
        """One row an event, with every account that sees it, written in the transaction that caused it.

        The ids of one thing's events rise in the order of its commits: each was written under its row lock, which is
        given on only by a commit. Between things an id says nothing, for a lower one may be committed after a higher.
        """
        self.items = Table(
            "feed_items",
            metadata,
            Column("account_id", Uuid, primary_key=True),
            Column("seq", BigInteger, primary_key=True),
            Column("item", LargeBinary, nullable=False),
        )
        """`item` is the JSON that every reader gets, byte for byte. Rows are only ever added."""
        self.heads = Table(
            "feed_heads",
            metadata,
            Column("account_id", Uuid, primary_key=True),
            Column("seq", BigInteger, nullable=False),
        )
        """The last `seq` of each account's feed."""
        self.append: TextClause = text(APPEND.replace("MEMBER", member))
        self._member = member
        self._insert = insert(self.pending)
        # on the primary key, as the appending
        self._first = select(self.pending.c.id).order_by(self.pending.c.id).limit(1)
        self._page = _page_of(self.items)
        self._behind = _behind(self.items)

    async def note(self, session: WriteSession, items: Sequence[Item]) -> None:
        """Put these events into the feeds of their accounts, in this order; the transaction holds their row locks."""
        if not items:
            return
        rows = [
            {
                "accounts": list(dict.fromkeys(item.accounts)),  # who is on both sides sees the event once
                "type": item.type,
                "reason": item.reason,
                self._member: item.state,
            }
            for item in items
        ]
        await session.execute(self._insert, rows)
        session.wake(LOOP)

    async def append_batch(self, db: Database) -> int:
        """Number the oldest events that wait, at most `BATCH`, in one transaction; how many those were."""
        async with db.transaction() as session:
            # A statement of its own: the next one's snapshot has to be younger than the lock.
            await session.execute(LOCK)
            appended = int((await session.execute(self.append, {"batch": BATCH})).scalar_one())
            if appended:
                point("feed.after_append")
                session.wake(GROWN)
            return appended

    async def waits(self, db: Database) -> bool:
        """Whether there is anything to number. For a look a transaction with a lock is too dear: most find nothing."""
        async with db.at_once() as connection:
            return await connection.scalar(self._first) is not None

    async def keep_appending(self, db: Database) -> None:
        """Number events as they are committed, until cancelled. Any number may run; they take turns.

        Raises when the database is lost; the worker starts it again.
        """
        while True:
            if not await self.waits(db) or await self.append_batch(db) < BATCH:
                await db.wake(LOOP).wait(POLL_S)

    async def page(self, db: Database, account_id: UUID, after: int, limit: int) -> FeedPage:
        """At most `limit` items of this account behind `after`. A full page never changes, as no item does."""
        async with db.at_once() as connection:
            found = await connection.execute(self._page, {"account_id": account_id, "after": after, "limit": limit})
        items, count, last = found.one()
        body = b'{"items":[%b],"next":%d}' % (items or b"", last or after)
        return FeedPage(body, SEALED if count == limit else GROWING)

    async def behind(self, db: Database, account_id: UUID, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """At most `limit` items of this account behind `after`, each with its `seq`."""
        asked = {"account_id": account_id, "after": after, "limit": limit}
        async with db.at_once() as connection:
            return [(seq, item) for seq, item in await connection.execute(self._behind, asked)]

    async def grown(self, db: Database, known: Mapping[UUID, int | None]) -> Mapping[UUID, int]:
        """The last `seq` of each of these accounts' feeds that is beyond the one that is known of it."""
        asked = {"accounts": list(known), "seqs": [seq or 0 for seq in known.values()]}
        async with db.at_once() as connection:
            rows = await connection.execute(HEADS_BEYOND, asked)
        return {row.account_id: row.seq for row in rows}


def type_of(item: bytes) -> bytes:
    """The type in an item of `APPEND`, in which it is the second member."""
    return item.split(b'"', 6)[5]


def _behind(table: Table) -> Select[Any]:
    """Along the primary key."""
    return (
        select(table.c.seq, table.c.item)
        .where(table.c.account_id == bindparam("account_id"), table.c.seq > bindparam("after"))
        .order_by(table.c.seq)
        .limit(bindparam("limit"))
    )


def _page_of(table: Table) -> Select[Any]:
    """One statement whose answer is already the page."""
    items = _behind(table).subquery()
    joined = func.string_agg(items.c.item, aggregate_order_by(literal(b",", LargeBinary), items.c.seq))
    return select(joined, func.count(), func.max(items.c.seq)).select_from(items)
