"""The inbox: events come at least once, their effect happens exactly once.

A batch is one transaction: insert the event ids, handle only the new ones, commit; the transport is told after.
A batch that fails is redone in halves, down to a record alone. Only an error of that record counts as a try; after
`MAX_TRIES` it goes through the outbox to the dead letters of its topic, and the next record has its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from operator import attrgetter
from uuid import UUID

import structlog
from opentelemetry.trace import SpanKind

from chassis.bulk import insert_given, parameters
from chassis.db import Database, WriteSession, is_transient
from chassis.dead_letters import dead_letter
from chassis.killing import point
from chassis.metrics import EVENTS_DEAD, EVENTS_HANDLED, EVENTS_SKIPPED
from chassis.outbox import append_records
from chassis.tables import INBOX
from chassis.telemetry import described
from chassis.tracing import batch_span, continuing, messaging
from chassis.transport.base import Record, Transport
from contracts.event import Envelope, Event

log = structlog.get_logger()

MAX_TRIES = 5
RETRY_S = 0.2
TRANSIENT_RETRY_S = 1.0
BATCH = 1000

NOTE = insert_given(INBOX, "consumer", "event_id").on_conflict_do_nothing().returning(INBOX.c.event_id)

Handler = Callable[[WriteSession, Sequence[Event]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A slice's interest in a topic: `handle` is given the new events of a batch, in order per key."""

    topic: str
    handle: Handler


@dataclass(frozen=True, slots=True)
class Received:
    id: UUID
    event: Event
    topic: str
    traceparent: str | None


def decode(record: Record) -> Received | None:
    """The event of a record, or None for a type that this consumer does not know (a newer producer may tell it).

    Raises ValueError, KeyError or ValidationError when the record is not what it says.
    """
    envelope = Envelope.from_headers(record.headers)
    kind = Event.known().get(envelope.type)
    if kind is None:
        return None
    return Received(envelope.id, kind.model_validate_json(record.value), record.topic, envelope.traceparent)


class Consumer:
    """One consumer group of a service: `name` stands in its inbox and at the transport."""

    def __init__(self, name: str, db: Database, transport: Transport, subscriptions: Sequence[Subscription]) -> None:
        self.name = name
        self._db = db
        self._transport = transport
        self._handlers: dict[str, list[Handler]] = {}
        for subscription in subscriptions:
            self._handlers.setdefault(subscription.topic, []).append(subscription.handle)

    async def lag(self) -> Mapping[str, int]:
        """How many records of each topic are still to be taken, as far as this process can see."""
        return await self._transport.lag(self.name, self._handlers.keys())

    async def run(self) -> None:
        """Work until cancelled. Raises when the transport is lost; the worker starts it again."""
        async with aclosing(self._transport.consume(self.name, self._handlers.keys(), limit=BATCH)) as batches:
            async for batch in batches:
                await self._take(batch.records)
                await batch.acknowledge()

    async def _take(self, records: Sequence[Record]) -> None:
        """Together; when that fails, in halves, so that one bad record costs its neighbours few transactions."""
        if len(records) == 1:
            with continuing(records[0].headers.get("traceparent")):
                return await self._take_alone(records[0])
        while True:
            try:
                return await self._handle(records)
            except Exception as error:
                log.warning("batch_redone", consumer=self.name, records=len(records), error=type(error).__name__)
                if not is_transient(error):
                    break
                await asyncio.sleep(TRANSIENT_RETRY_S)
        middle = len(records) // 2
        await self._take(records[:middle])
        await self._take(records[middle:])
        return None

    async def _handle(self, records: Sequence[Record]) -> None:
        """The effect of these records and the note of their ids, in one transaction."""
        decoded = [each for each in map(decode, records) if each is not None]
        if not decoded:
            return
        received = list({each.id: each for each in decoded}.values())  # one may stand twice in a batch
        async with self._db.transaction() as session:
            new = await self._note([each.id for each in received], session)
            for topic, handlers in self._handlers.items():
                fresh = [each for each in received if each.topic == topic and each.id in new]
                if fresh:
                    await self._tell(session, topic, handlers, fresh)
            point("inbox.before_commit")
        point("inbox.after_commit")
        EVENTS_HANDLED.labels(self.name).inc(len(new))
        EVENTS_SKIPPED.labels(self.name).inc(len(decoded) - len(new))

    async def _tell(
        self, session: WriteSession, topic: str, handlers: Sequence[Handler], fresh: Sequence[Received]
    ) -> None:
        told = messaging("process", len(fresh), destination__name=topic, consumer__group__name=self.name)
        with batch_span(f"{topic} process", SpanKind.CONSUMER, [each.traceparent for each in fresh], told):
            for handle in handlers:
                await handle(session, [each.event for each in fresh])

    async def _note(self, ids: Sequence[UUID], session: WriteSession) -> set[UUID]:
        # sorted, so that two members that were given the same records can't wait for each other
        noted = sorted(set(ids), key=attrgetter("int"))
        rows = parameters({"consumer": [self.name] * len(noted), "event_id": noted})
        return set((await session.scalars(NOTE, rows)).all())

    async def _take_alone(self, record: Record) -> None:
        tries = 0
        while True:
            try:
                return await self._handle([record])
            except Exception as error:
                if is_transient(error):
                    log.warning("record_waits", consumer=self.name, topic=record.topic, error=type(error).__name__)
                    await asyncio.sleep(TRANSIENT_RETRY_S)
                    continue
                tries += 1
                if tries == MAX_TRIES:
                    return await self._bury(record, error)
                await asyncio.sleep(RETRY_S * tries)

    async def _bury(self, record: Record, error: Exception) -> None:
        """Send the record to its dead letters, with the reason; it never blocks those behind it."""
        log.error("record_dead", consumer=self.name, topic=record.topic, key=record.key, exc_info=error)
        dead = dead_letter(record, self.name, described(error))
        async with self._db.transaction() as session:
            await append_records(session, [dead])
        EVENTS_DEAD.labels(self.name).inc()
