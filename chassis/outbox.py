"""The outbox is a row and a relay: events are written with the change they report, and sent by one sender.

One relay a database (advisory lock) sends in the order of the rows and deletes what was acknowledged. It may send
twice after a crash; the inbox of each consumer makes the effect single.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog
from opentelemetry.trace import SpanKind
from sqlalchemy import ARRAY, BigInteger, Row, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from uuid_utils import uuid7

from chassis.bulk import copy_in, insert_given, parameters
from chassis.dead_letters import without_body
from chassis.ending import ended
from chassis.killing import point
from chassis.metrics import EVENTS_DEAD, EVENTS_RELAYED
from chassis.tables import OUTBOX
from chassis.tracing import batch_span, exporting, messaging
from chassis.transport.base import Record, RecordTooLarge, Transport, TransportUnavailable
from chassis.transport.headers import PackedHeaders
from contracts.event import Event, headers_of

if TYPE_CHECKING:
    from chassis.db import Database

log = structlog.get_logger()

RELAY_LOCK = 0x6F757462  # "outb": the advisory lock of the one relay of a database
BATCH = 4000  # a round trip to the database and one to the broker for each
BATCH_BYTES = 8_000_000  # of bodies, and one record more: two such batches are in memory
IDS = ARRAY(BigInteger)
Waiting = Row[int, str, str, bytes, Mapping[str, str]]

NEXT = (
    text("""
        WITH forgotten AS (
            DELETE FROM outbox USING set_config('synchronous_commit', 'off', true) WHERE id = ANY (:sent)
        )
        SELECT id, topic, key, value, headers FROM (
            SELECT *, sum(octet_length(value)) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS bytes FROM (
                SELECT id, topic, key, value, headers FROM outbox
                WHERE id NOT IN (SELECT unnest(:known)) -- a hash, whatever the plan
                ORDER BY id LIMIT :batch
            ) AS first
        ) AS summed
        WHERE bytes - octet_length(value) < :bytes_max
        ORDER BY id
    """)
    .bindparams(bindparam("sent", type_=IDS), bindparam("known", type_=IDS))
    .columns(OUTBOX.c.id, OUTBOX.c.topic, OUTBOX.c.key, OUTBOX.c.value, OUTBOX.c.headers)
)
"""Forgets what was `sent`, and reads from the lowest id on, whatever was read before: a lower one may come later.

Forgets without waiting for the disk: what a power cut brings back is sent a second time, in its order.
"""

COLUMNS = ("topic", "key", "headers", "value")
APPEND = insert_given(OUTBOX, *COLUMNS)
MANY = 20
"""From so many on they are copied in: it takes two round trips, and half the work."""

OLDEST_AGE_S = (
    select(func.extract("epoch", func.clock_timestamp() - OUTBOX.c.created_at)).order_by(OUTBOX.c.id).limit(1)
)
SIZE_MAX = 1_000_000
SIZE = select(func.count()).select_from(select(OUTBOX.c.id).limit(SIZE_MAX).subquery())
POLL_S = 0.05
KEY_TOLD = 100  # of a key in a log
EVENT_MAX_B = 1_000_000
"""A broker takes 1,048,588 bytes unless it is told otherwise; the rest is room for the reason of a dead letter."""


class EventTooLarge(Exception):
    """An event that no transport would carry: a fault of whoever made it, and nothing of its work is committed."""


Emitted = tuple[Event, str | None]
"""A fact, and the traceparent of what caused it."""


def to_record(event: Event, source: str, traceparent: str | None = None, time: str | None = None) -> Record:
    """The event in its envelope, ready for the wire; `traceparent` of what caused it, `time` when it is told."""
    key, told_at = event.key, time or datetime.now(UTC).isoformat()
    headers = headers_of(uuid7(), source, event.TYPE, key, told_at, traceparent)
    return Record(event.TOPIC, key, event.model_dump_json().encode(), PackedHeaders.of(headers))


async def append(session: AsyncSession, source: str, emitted: Sequence[Emitted]) -> None:
    """Write the events into the session's transaction. Raises EventTooLarge."""
    now = datetime.now(UTC).isoformat()
    records = [to_record(event, source, traceparent, now) for event, traceparent in emitted]
    for record in records:
        if (size := _bytes(record)) > EVENT_MAX_B:
            log.error("event_too_large", topic=record.topic, type=record.headers["ce_type"], bytes=size)
            raise EventTooLarge(f"{record.headers['ce_type']} has {size} bytes and may have {EVENT_MAX_B}")
    await append_records(session, records)


async def append_records(session: AsyncSession, records: Sequence[Record]) -> None:
    """Write records as they are, such as dead letters, into the session's transaction."""
    rows = [(record.topic, _storable(record.key), PackedHeaders.of(record.headers), record.value) for record in records]
    if len(rows) >= MANY:
        await copy_in(session, OUTBOX, COLUMNS, [(*row[:2], row[2].packed, row[3]) for row in rows])
    else:
        await session.execute(APPEND, parameters(dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))))


def _storable(text: str) -> str:
    """A foreign record's key may hold what PostgreSQL's text can't, and its dead letter has to be written."""
    return text.replace("\0", "\ufffd")


def _bytes(record: Record) -> int:
    return len(record.value) + len(record.key.encode()) + len(PackedHeaders.of(record.headers).packed)


async def oldest_age_s(db: Database) -> float:
    """For how long the event that is sent next has waited, by the database's clock; 0 when none waits."""
    async with db.at_once() as connection:
        return float(await connection.scalar(OLDEST_AGE_S) or 0.0)


async def size(db: Database) -> int:
    """How many events wait, up to a bound: counting more would hinder their sending."""
    async with db.at_once() as connection:
        return int(await connection.scalar(SIZE) or 0)


class Relay:
    """Sends what stands in the outbox. Any number may run; one of them works."""

    def __init__(self, db: Database, transport: Transport) -> None:
        self._db = db
        self._transport = transport
        self._batch = BATCH

    async def run(self) -> None:
        """Work until cancelled. Raises when the database or the transport is lost; the worker starts it again.

        What was not acknowledged is tried again by half as much at a time: over a slow line a full batch may never get
        through within its time.
        """
        try:
            await self._work()
        except TransportUnavailable:
            self._batch = max(1, self._batch // 2)
            raise

    async def _work(self) -> None:
        """While one batch is being sent the next is read and made ready, and the one before is deleted; a batch is
        sent only after the one before was acknowledged."""
        async with self._db.holding(RELAY_LOCK) as connection:
            sending: asyncio.Task[None] | None = None
            following: asyncio.Task[None] | None = None
            ids: list[int] = []
            acknowledged: list[int] = []
            try:
                while True:
                    rows = await self._next(connection, acknowledged, ids)
                    acknowledged = []
                    following = asyncio.create_task(self._send(rows, sending)) if rows else None
                    if sending is not None:
                        async with self._db.keeping(connection):
                            await sending
                        acknowledged = ids
                        self._batch = min(BATCH, 2 * self._batch)
                    elif following is None:
                        await self._db.outbox_wake.wait(POLL_S)
                    sending, ids = following, [row[0] for row in rows]
            finally:
                await ended(sending, following)

    async def _next(self, connection: AsyncConnection, sent: list[int], in_work: list[int]) -> Sequence[Waiting]:
        """Forget what was sent, by id: a row below the last one may have been committed meanwhile. Read what waits."""
        asked = {"sent": sent, "known": sent + in_work, "batch": self._batch, "bytes_max": BATCH_BYTES}
        found = await connection.execute(NEXT, asked)
        if sent:
            point("outbox.after_delete")
            EVENTS_RELAYED.labels(self._db.service).inc(len(sent))
        return found.all()

    async def _send(self, rows: Sequence[Waiting], after: asyncio.Task[None] | None) -> None:
        records = [Record(topic, key, value, headers) for _, topic, key, value, headers in rows]
        causes = [record.headers.get("traceparent") for record in records] if exporting() else []
        point("outbox.before_send")
        with batch_span("outbox send", SpanKind.PRODUCER, causes, messaging("send", len(records))):
            await self._publish(records, after)
        point("outbox.after_send")

    async def _publish(self, records: Sequence[Record], after: asyncio.Task[None] | None) -> None:
        """Together; when one is too large, in halves and in order, for which one it is is not told."""
        try:
            return await self._transport.publish(records, after=after)
        except RecordTooLarge as error:
            if after is not None:
                await after
            if len(records) == 1:
                return await self._bury(records[0], error)
        middle = len(records) // 2
        await self._publish(records[:middle], None)
        await self._publish(records[middle:], None)
        return None

    async def _bury(self, record: Record, error: RecordTooLarge) -> None:
        """To the dead letters without its body, and those behind it go on."""
        log.error("record_too_large", topic=record.topic, key=record.key[:KEY_TOLD], bytes=len(record.value))
        await self._transport.publish([without_body(record, self._db.source, str(error))])
        EVENTS_DEAD.labels(self._db.service).inc()
