"""Feeds: of each account an ordered sequence of events, numbered from 1 without a gap, that never changes.

A number drawn by the writers themselves would lose events: a lower one may become visible after a reader has passed
it. So an event waits, in the transaction that causes it, until whoever appends numbers it: who holds one lock until
its items are visible, and numbers only what is committed. What commits late is numbered late. All accounts that see
an event have it in one row until then, so they are numbered in one batch, also those who are told less of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
HEAD = "Feed-Head"
"""The header of the last `seq` that there is. A reader who stands behind it has lost nothing; one who stands beyond it
has come from a store that knew more."""

# Under READ COMMITTED this statement sees all that is committed when it begins, so also what the appender that held
# the lock before has numbered and deleted. ANY(ARRAY(...)) keeps it on the primary key however large the table is.
APPEND = r"""
WITH taken AS (
    DELETE FROM feed_pending
    WHERE id = ANY (ARRAY(SELECT id FROM feed_pending ORDER BY id LIMIT :batch))
    RETURNING id, accounts, type, at, reason, "MEMBER", states
), seen AS (
    SELECT account_id, type, at, reason, coalesce(own, "MEMBER") AS "MEMBER",
        row_number() OVER (PARTITION BY account_id ORDER BY id DESC) AS from_end
    FROM taken CROSS JOIN unnest(accounts, states) AS told (account_id, own)
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
    """One event for these accounts; `state` is JSON, rendered once for ever; or theirs of `state_for`.

    `state` says no more than every one of them may know: a process that does not know of `state_for` tells it to all.
    """

    type: str
    state: str
    accounts: Sequence[UUID]
    reason: str | None = None
    state_for: Mapping[UUID, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FeedPage:
    """The bytes of a page, and how long they are good for or how far the feed goes."""

    body: bytes
    headers: dict[str, str]


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
            Column("states", ARRAY(Text)),
        )
        """One row an event, with every account that sees it, written in the transaction that caused it. `states` are
        those of the accounts that get one of their own, None for the others, who get what all may know; all None is
        none.

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
        self._head = _head_of(self.heads)
        self._page = _page_of(self.items, self._head)
        self._behind = _behind(self.items)

    async def note(self, session: WriteSession, items: Sequence[Item]) -> None:
        """Put these events into the feeds of their accounts, in this order; the transaction holds their row locks."""
        if not items:
            return
        await session.execute(self._insert, [self._row(item) for item in items])
        session.wake(LOOP)

    def _row(self, item: Item) -> dict[str, Any]:
        accounts = list(dict.fromkeys(item.accounts))  # who is on both sides sees the event once
        return {
            "accounts": accounts,
            "type": item.type,
            "reason": item.reason,
            self._member: item.state,
            "states": [item.state_for.get(each) for each in accounts] if item.state_for else None,
        }

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
        items, count, last, head = found.one()
        body = b'{"items":[%b],"next":%d}' % (items or b"", last or after)
        return FeedPage(body, SEALED if count == limit else {**GROWING, HEAD: str(head or 0)})

    async def head(self, db: Database, account_id: UUID) -> int:
        """The last `seq` of this account's feed, 0 while it has none."""
        async with db.at_once() as connection:
            return await connection.scalar(self._head, {"account_id": account_id}) or 0

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


def _head_of(heads: Table) -> Select[Any]:
    return select(heads.c.seq).where(heads.c.account_id == bindparam("account_id"))


def _page_of(table: Table, head: Select[Any]) -> Select[Any]:
    """One statement whose answer is already the page, with the feed's head."""
    items = _behind(table).subquery()
    joined = func.string_agg(items.c.item, aggregate_order_by(literal(b",", LargeBinary), items.c.seq))
    return select(joined, func.count(), func.max(items.c.seq), head.scalar_subquery()).select_from(items)
