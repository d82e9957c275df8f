"""The inbox: events come at least once, their effect happens exactly once.

A batch is one transaction: insert the event ids, handle only the new ones, commit; the transport is told after.
What can't be read goes in that same transaction, through the outbox, to the dead letters of its topic: no further try
would read it. A batch that fails is redone in halves, down to a record alone; only an error of that record counts as
a try, after `MAX_TRIES` it is a dead letter, too, and the next record has its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple, TypeVar
from uuid import UUID

import structlog
from opentelemetry.trace import SpanKind
from sqlalchemy import Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from chassis.bulk import given, parameters
from chassis.db import Database, WriteSession, is_transient, is_works_own
from chassis.dead_letters import dead_letter
from chassis.ending import ended
from chassis.killing import point
from chassis.metrics import EVENTS_DEAD, EVENTS_HANDLED, EVENTS_SKIPPED, EVENTS_UNKNOWN
from chassis.outbox import KEY_TOLD, append_records
from chassis.tables import INBOX
from chassis.telemetry import described
from chassis.tracing import batch_span, continuing, messaging
from chassis.transport.base import Batch, Record, Transport
from chassis.turns import in_turns
from contracts.event import Envelope, Event

log = structlog.get_logger()

MAX_TRIES = 5
RETRY_S = 0.2
PATIENCE_S = 10.0  # for tries of all records of a batch together, well within what a rebalance waits for it
TRANSIENT_RETRY_S = 1.0
BATCH = 2000
"""A transaction's statements and its wait for the disk cost the same for however many; the work of each is short."""

T = TypeVar("T")

KNOWN = Event.known()
_GIVEN = given(INBOX, "event_id")
_NOTED = (
    insert(INBOX)
    .from_select(["consumer", "event_id"], select(bindparam("consumer", type_=Text), _GIVEN.c.event_id))
    .on_conflict_do_nothing()
    .returning(INBOX.c.event_id)
    .cte()
)
NOTE = select(func.array_agg(_NOTED.c.event_id)).having(func.count() < bindparam("all"))
"""Which ids are new, and nothing when all of them are, as nearly always: a thousand ids are then not sent back."""

Handler = Callable[[WriteSession, Sequence[Event]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A slice's interest in a topic: `handle` is given the new events of a batch, in order per key."""

    topic: str
    handle: Handler


class Received(NamedTuple):
    """A record and what it says: an event, or what is wrong with it, or neither, when its type is not known."""

    record: Record
    id: UUID | None = None
    event: Event | None = None
    error: Exception | None = None

    @property
    def traceparent(self) -> str | None:
        return self.record.headers.get("traceparent")


def decode(record: Record) -> Received:
    """The event of a record. A type that is not known is no error: a newer producer may tell it."""
    headers = record.headers
    try:
        id_, _ = Envelope.checked(headers)
        kind = KNOWN.get(headers["ce_type"])
        return Received(record) if kind is None else Received(record, id_, kind.model_validate_json(record.value))
    except (ValueError, KeyError) as error:  # pydantic's is a ValueError
        return Received(record, error=error)


class Consumer:
    """One consumer group of a service: `name` stands in its inbox and at the transport."""

    def __init__(self, name: str, db: Database, transport: Transport, subscriptions: Sequence[Subscription]) -> None:
        self.name = name
        self._db = db
        self._transport = transport
        self._patience_s = PATIENCE_S
        self._handlers: dict[str, list[Handler]] = {}
        for subscription in subscriptions:
            self._handlers.setdefault(subscription.topic, []).append(subscription.handle)

    async def lag(self) -> Mapping[str, int]:
        """How many records of each topic are still to be taken, as far as this process can see."""
        return await self._transport.lag(self.name, self._handlers.keys())

    async def run(self) -> None:
        """Work until cancelled. Raises when the transport is lost; the worker starts it again.

        While the database is at work on a batch, the one before is acknowledged and the next is read and decoded.
        """
        consumed = self._transport.consume(self.name, self._handlers.keys(), limit=BATCH)
        async with aclosing(consumed) as batches:
            following, acknowledging = asyncio.create_task(_read(batches)), asyncio.create_task(_nothing())
            try:
                while (found := await _next(following, acknowledging)) is not None:
                    batch, received = found
                    following = asyncio.create_task(_read(batches))
                    self._patience_s = PATIENCE_S
                    await self._take(received)
                    before, acknowledging = acknowledging, asyncio.create_task(batch.acknowledge())
                    await before
                await acknowledging
            finally:
                await ended(following, acknowledging)

    async def _take(self, received: Sequence[Received]) -> None:
        """Together; when that fails, in halves, so that one bad record costs its neighbours few transactions."""
        if len(received) == 1:
            with continuing(received[0].traceparent):
                return await self._take_alone(received[0])
        while True:
            try:
                return await self._handle(received)
            except Exception as error:
                log.warning("batch_redone", consumer=self.name, records=len(received), error=described(error))
                if not is_transient(error):
                    break
                await asyncio.sleep(TRANSIENT_RETRY_S)
        middle = len(received) // 2
        await self._take(received[:middle])
        await self._take(received[middle:])
        return None

    async def _handle(self, received: Sequence[Received]) -> None:
        """The effect of these records and the note of their ids, in one transaction."""
        unreadable = [each for each in received if each.error is not None]
        known = {each.id: each for each in received if each.id is not None}  # one may stand twice in a batch
        unknown = sum(each.id is None and each.error is None for each in received)
        if not known and not unreadable:
            EVENTS_UNKNOWN.labels(self.name).inc(unknown)
            return
        async with self._db.transaction() as session:
            await self._bury(session, unreadable)
            new = await self._new(known, session)
            for topic, handlers in self._handlers.items():
                fresh = [each for each in new if each.record.topic == topic]
                if fresh:
                    await self._tell(session, topic, handlers, fresh)
            point("inbox.before_commit")
        point("inbox.after_commit")
        EVENTS_HANDLED.labels(self.name).inc(len(new))
        EVENTS_SKIPPED.labels(self.name).inc(sum(each.id is not None for each in received) - len(new))
        EVENTS_UNKNOWN.labels(self.name).inc(unknown)

    async def _tell(
        self, session: WriteSession, topic: str, handlers: Sequence[Handler], fresh: Sequence[Received]
    ) -> None:
        told = messaging("process", len(fresh), destination__name=topic, consumer__group__name=self.name)
        events = [each.event for each in fresh if each.event is not None]
        with batch_span(f"{topic} process", SpanKind.CONSUMER, [each.traceparent for each in fresh], told):
            for handle in handlers:
                await handle(session, events)

    async def _new(self, known: Mapping[UUID, Received], session: WriteSession) -> Collection[Received]:
        """Note these; those that were not noted before."""
        if not known:
            return ()
        # sorted, so that two members that were given the same records can't wait for each other
        new = await self._note(sorted(known, key=attrgetter("int")), session)
        return known.values() if new is None else [each for id_, each in known.items() if id_ in new]

    async def _note(self, ids: Sequence[UUID], session: WriteSession) -> set[UUID] | None:
        """Note these ids, each of them once; which are new, None when all are."""
        asked = {"consumer": self.name, "all": len(ids), **parameters({"event_id": ids})}
        found = (await session.execute(NOTE, asked)).first()
        return None if found is None else set(found[0] or ())

    async def _take_alone(self, received: Received) -> None:
        tries = 0
        while True:
            try:
                return await self._handle([received])
            except Exception as error:
                topic = received.record.topic
                if not is_works_own(error):
                    log.warning("record_waits", consumer=self.name, topic=topic, error=described(error))
                    await asyncio.sleep(TRANSIENT_RETRY_S)
                    continue
                tries += 1
                if tries == MAX_TRIES:
                    async with self._db.transaction() as session:
                        return await self._bury(session, [received._replace(error=error)])
                await self._pause(RETRY_S * tries)

    async def _pause(self, seconds: float) -> None:
        """Before the next try, as long as the batch has patience left."""
        seconds = min(seconds, self._patience_s)
        self._patience_s -= seconds
        await asyncio.sleep(seconds)

    async def _bury(self, session: WriteSession, failed: Sequence[Received]) -> None:
        """Send these to their dead letters, each with its reason; they never block those behind them."""
        reasons = [(each.record, each.error) for each in failed if each.error is not None]
        if not reasons:
            return
        await append_records(session, [dead_letter(record, self.name, described(error)) for record, error in reasons])

        def tell() -> None:
            for record, error in reasons:
                key = record.key[:KEY_TOLD]
                log.error("record_dead", consumer=self.name, topic=record.topic, key=key, exc_info=error)
            EVENTS_DEAD.labels(self.name).inc(len(reasons))

        session.when_committed(tell)


async def _read(batches: AsyncGenerator[Batch, None]) -> tuple[Batch, list[Received]] | None:
    """The next batch and what its records say; None after the last."""
    batch = await anext(batches, None)
    return None if batch is None else (batch, await in_turns(decode, batch.records))


async def _next(following: asyncio.Task[T], acknowledging: asyncio.Task[None]) -> T:
    """What is read next. An acknowledgement that fails is told at once: after the last record of a day nothing else
    would come, and the group would lag behind for the night."""
    await asyncio.wait({following, acknowledging}, return_when=asyncio.FIRST_COMPLETED)
    if acknowledging.done():
        await acknowledging
    return await following


async def _nothing() -> None:
    """What was to be acknowledged before the first batch."""
