"""Events over a log table in PostgreSQL: what one machine uses instead of Kafka.

The log is numbered in commit order: whoever appends holds one lock from before its rows are numbered until they
are visible, so a reader that goes on behind the last number it saw misses none. A plain sequence would let a
later number become visible first. There is no LISTEN/NOTIFY, which slows every write: a consumer is woken by a
publisher in its own process, and otherwise polls.
"""

# mypy: allow-untyped-calls

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from types import TracebackType
from typing import Any, Self

import asyncpg
from asyncpg.exceptions import InternalClientError
from asyncpg.exceptions._base import InterfaceError
from sqlalchemy import make_url

from chassis.dead_letters import Written
from chassis.transport.base import Batch, Record, TransportUnavailable
from contracts.event import DEAD_LETTERS

APPENDER = 0x6475696A6965  # the advisory lock of whoever appends or makes the tables
READ_AT_ONCE = 50  # what is read without a group, each up to 1 MB
PRUNED_AT_ONCE = 5_000
SLOWEST_POLL = 16  # polling slows down to so many times `poll_s` while nothing comes

TABLES = """
CREATE TABLE IF NOT EXISTS event_log (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    topic text NOT NULL,
    key text NOT NULL,
    value bytea NOT NULL,
    headers text NOT NULL,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (topic, seq)
);
CREATE TABLE IF NOT EXISTS event_position (
    consumer_group text,
    topic text,
    seq bigint NOT NULL,
    PRIMARY KEY (consumer_group, topic)
);
"""
APPEND = """
INSERT INTO event_log (topic, key, value, headers)
SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[])
"""
READ = """
SELECT l.seq, l.topic, l.key, l.value, l.headers
FROM unnest($1::text[], $2::bigint[]) AS behind (topic, seq)
CROSS JOIN LATERAL (
    SELECT * FROM event_log WHERE topic = behind.topic AND seq > behind.seq ORDER BY seq LIMIT $3
) AS l
ORDER BY l.seq LIMIT $3
"""
TAKE_FREE_TOPICS = """
SELECT topic FROM unnest($2::text[]) AS topic
WHERE pg_try_advisory_lock(hashtextextended(topic, hashtextextended($1, 0)))
"""
JOIN = """
INSERT INTO event_position (consumer_group, topic, seq) SELECT $1, topic, 0 FROM unnest($2::text[]) AS topic
ON CONFLICT (consumer_group, topic) DO UPDATE SET seq = event_position.seq
RETURNING topic, seq
"""
ACKNOWLEDGE = """
UPDATE event_position AS p SET seq = read.seq
FROM unnest($2::text[], $3::bigint[]) AS read (topic, seq)
WHERE p.consumer_group = $1 AND p.topic = read.topic AND p.seq < read.seq
"""
END = "SELECT coalesce(max(seq), 0) FROM event_log WHERE topic = ANY ($1::text[])"
PAGE = """
SELECT seq, topic, key, value, headers, published_at FROM event_log
WHERE topic = ANY ($1::text[]) AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4
"""
LAG_MAX = 1_000_000  # counting more would hinder the catching up
LAG = """
SELECT wanted.topic, (
    SELECT count(*) FROM (
        SELECT FROM event_log AS l WHERE l.topic = wanted.topic AND l.seq > coalesce(p.seq, 0) LIMIT $3
    ) AS behind
) AS records
FROM unnest($2::text[]) AS wanted (topic)
LEFT JOIN event_position AS p ON p.consumer_group = $1 AND p.topic = wanted.topic
"""
PRUNE = """
WITH old AS MATERIALIZED (
    SELECT topic, seq FROM event_log AS l
    WHERE published_at < now() - make_interval(
            days => CASE WHEN starts_with(reverse(topic), reverse($3)) THEN $2::int ELSE $1::int END
        )
        AND seq <= coalesce((SELECT min(seq) FROM event_position AS p WHERE p.topic = l.topic), seq)
    LIMIT $4 FOR UPDATE SKIP LOCKED
)
DELETE FROM event_log AS l USING old WHERE l.topic = old.topic AND l.seq = old.seq
"""

LOST = (
    OSError,  # also TimeoutError
    InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # it shuts down, starts up, or ended this connection
    asyncpg.InsufficientResourcesError,  # its disk is full, or it has too many connections
    asyncpg.PostgresSystemError,
)


class PostgresTransport:
    """The log in the database `url`, of its own; the tables are made when they are first needed.

    Give all parts of a process the same instance: then a consumer hears of what they publish at once.
    """

    def __init__(self, url: str, *, poll_s: float = 0.02, timeout_s: float = 10.0) -> None:
        where = make_url(url)
        self._connection: dict[str, Any] = {
            **where.translate_connect_args(username="user"),
            **where.query,
            "timeout": timeout_s,
            "command_timeout": timeout_s,
        }
        self._poll_s = poll_s
        self._pool: asyncpg.Pool | None = None
        self._pool_wanted = asyncio.Lock()
        self._waiting: dict[asyncio.Event, frozenset[str]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.terminate()

    async def publish(self, records: Sequence[Record], *, after: Awaitable[object] | None = None) -> None:
        if not records:
            return
        columns = [
            [record.topic for record in records],
            [record.key for record in records],
            [record.value for record in records],
            [json.dumps(dict(record.headers), ensure_ascii=False) for record in records],
        ]
        if after is not None:
            await after
        with _lost_is_unavailable():
            async with (await self._ready_pool()).acquire() as connection, connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", APPENDER)
                await connection.execute(APPEND, *columns)
        self._wake({record.topic for record in records})

    async def consume(self, group: str, topics: Collection[str], *, limit: int = 500) -> AsyncGenerator[Batch, None]:
        async with self._member(group, topics) as member, self._woken(topics) as woken:
            pause_s = self._poll_s
            while True:
                woken.clear()  # before reading: what is published from here on wakes us again
                with _lost_is_unavailable():
                    rows = await member.read(limit)
                if rows:
                    pause_s = self._poll_s
                    reached = {row["topic"]: row["seq"] for row in rows}
                    yield Batch(tuple(map(_record, rows)), partial(member.acknowledge, reached))
                    continue
                with contextlib.suppress(TimeoutError):  # timeout, for wait_for in Python 3.11 loses cancellations
                    async with asyncio.timeout(pause_s):
                        await woken.wait()
                pause_s = min(2 * pause_s, SLOWEST_POLL * self._poll_s)

    async def lag(self, group: str, topics: Collection[str]) -> Mapping[str, int]:
        """Of the whole group, whoever reads."""
        with _lost_is_unavailable():
            rows = await (await self._ready_pool()).fetch(LAG, group, sorted(topics), LAG_MAX)
        return {row["topic"]: row["records"] for row in rows}

    async def read(self, topics: Collection[str]) -> AsyncGenerator[Written, None]:
        """See `chassis.dead_letters.Log`."""
        with _lost_is_unavailable():
            pool = await self._ready_pool()
            end: int = await pool.fetchval(END, list(topics))
        behind = 0
        while behind < end:
            with _lost_is_unavailable():
                rows = await pool.fetch(PAGE, list(topics), behind, end, READ_AT_ONCE)
            for row in rows:
                yield Written(str(row["seq"]), row["published_at"], _record(row))
            behind = rows[-1]["seq"] if rows else end  # none when what was there was pruned meanwhile

    async def prune(self, *, older_than_days: int, dead_letters_older_than_days: int = 30) -> int:
        """Delete what is older and acknowledged by every group that ever read its topic; return how much.

        In short transactions, so that it may be long since the last time; any number may do it at once.
        """
        deleted, last = 0, PRUNED_AT_ONCE
        while last == PRUNED_AT_ONCE:
            with _lost_is_unavailable():
                told: str = await (await self._ready_pool()).execute(
                    PRUNE, older_than_days, dead_letters_older_than_days, DEAD_LETTERS, PRUNED_AT_ONCE, timeout=600
                )
            last = int(told.removeprefix("DELETE "))
            deleted += last
        return deleted

    async def _ready_pool(self) -> asyncpg.Pool:
        """Return the pool of publishers. It is small: they take turns."""
        async with self._pool_wanted:
            if self._pool is None:
                pool = await asyncpg.create_pool(**self._connection, min_size=0, max_size=4)
                await _make_tables(pool)
                self._pool = pool
            return self._pool

    @asynccontextmanager
    async def _member(self, group: str, topics: Collection[str]) -> AsyncIterator["_Member"]:
        """A member on its own connection: when that ends, however it ends, what it held is free."""
        with _lost_is_unavailable():
            await self._ready_pool()
            connection = await asyncpg.connect(**self._connection)
        try:
            yield _Member(connection, group, topics)
        finally:
            connection.terminate()

    @asynccontextmanager
    async def _woken(self, topics: Collection[str]) -> AsyncIterator[asyncio.Event]:
        woken = asyncio.Event()
        self._waiting[woken] = frozenset(topics)
        try:
            yield woken
        finally:
            del self._waiting[woken]

    def _wake(self, published: set[str]) -> None:
        for woken, topics in self._waiting.items():
            if topics & published:
                woken.set()


class _Member:
    """One consumer of a group. It reads the topics whose lock it holds, and tries for those it does not."""

    def __init__(self, connection: asyncpg.Connection, group: str, topics: Collection[str]) -> None:
        self._connection = connection
        self._one_at_a_time = asyncio.Lock()  # a batch may be acknowledged while the next is being read
        self._group = group
        self._missing = set(topics)
        self._read: dict[str, int] = {}

    async def read(self, limit: int) -> list[asyncpg.Record]:
        async with self._one_at_a_time:
            if self._missing:
                await self._take_free_topics()
            if not self._read:
                return []
            behind = list(self._read), list(self._read.values())
            rows: list[asyncpg.Record] = await self._connection.fetch(READ, *behind, limit)
        self._read.update((row["topic"], row["seq"]) for row in rows)
        return rows

    async def acknowledge(self, reached: Mapping[str, int]) -> None:
        """On the connection that holds the locks, so that who lost them can't move the group."""
        with _lost_is_unavailable():
            async with self._one_at_a_time:
                await self._connection.execute(ACKNOWLEDGE, self._group, list(reached), list(reached.values()))

    async def _take_free_topics(self) -> None:
        free = await self._connection.fetch(TAKE_FREE_TOPICS, self._group, sorted(self._missing))
        taken = [row["topic"] for row in free]
        if taken:
            # A second statement: the first one's snapshot may be older than the last acknowledgement.
            positions = await self._connection.fetch(JOIN, self._group, taken)
            self._read.update((row["topic"], row["seq"]) for row in positions)
            self._missing.difference_update(taken)


@contextmanager
def _lost_is_unavailable() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if isinstance(error, LOST) or type(error) is InternalClientError:  # see `chassis.db.is_transient`
            raise TransportUnavailable(f"PostgreSQL did not answer: {error!r}") from error
        raise


async def _make_tables(pool: asyncpg.Pool) -> None:
    """Make them once; under the lock, for IF NOT EXISTS fails when two create at the same time."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", APPENDER)
        await connection.execute(TABLES)


def _record(row: asyncpg.Record) -> Record:
    return Record(row["topic"], row["key"], row["value"], json.loads(row["headers"]))
