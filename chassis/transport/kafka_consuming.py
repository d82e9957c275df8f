"""Reading Apache Kafka as members of a group, each with its partitions."""

# mypy: allow-untyped-calls

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from chassis.transport.base import Batch, Record, TransportUnavailable
from chassis.transport.kafka_clients import bounded, closed, start

HEARTBEAT_MS = 1000  # a member learns of a rebalance with its heartbeat
PIECE = 200  # records that are read at once
HANDOVER_S = 60.0  # how long a rebalance waits for a batch in work

T = TypeVar("T")


class Consuming:
    """One consumer for each `consume`. `settings` are aiokafka's; see `kafka.KafkaTransport` for the seconds."""

    def __init__(self, settings: Mapping[str, Any], timeout_s: float, session_timeout_s: float) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._session_timeout_s = session_timeout_s
        self._members: defaultdict[str, list[tuple[AIOKafkaConsumer, Membership]]] = defaultdict(list)

    async def consume(self, group: str, topics: Collection[str], limit: int) -> AsyncGenerator[Batch, None]:
        """See `base.Transport`."""
        async with self._joined(group, topics) as (consumer, membership):
            while True:
                found = await self._next(consumer, membership, limit)
                if found is not None:
                    yield Batch(found.records, partial(self._acknowledge, consumer, membership, found))

    async def lag(self, group: str, topics: Collection[str]) -> Mapping[str, int]:
        """Of the partitions that this process reads. Where their topics end is asked: a consumer that is stuck fetches
        nothing, and would believe what it was told before."""
        behind = dict.fromkeys(topics, 0)
        for consumer, membership in list(self._members[group]):
            for at, end in (await self._bounded(consumer.end_offsets(consumer.assignment()))).items():
                reached = membership.acknowledged.get(at)
                if reached is None:  # nothing of it was read yet, so it stands where the group had acknowledged
                    reached = await self._bounded(consumer.position(at))
                behind[at.topic] += max(0, end - reached)
        return behind

    @asynccontextmanager
    async def _joined(
        self, group: str, topics: Collection[str]
    ) -> AsyncIterator[tuple[AIOKafkaConsumer, "Membership"]]:
        membership = Membership()
        consumer = AIOKafkaConsumer(
            **self._settings,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=int(self._session_timeout_s * 1000),
            # aiokafka would take the session's: who is still at work on a batch would be put out, come back, and so
            # put the others out of theirs, for ever. Who is dead is still put out by its session.
            rebalance_timeout_ms=int((HANDOVER_S + self._timeout_s) * 1000),
            heartbeat_interval_ms=HEARTBEAT_MS,
        )
        try:
            await self._bounded(start(consumer, self._settings))
            # Not before: `start` would wait for the group, which may wait for a dead member's session to end.
            consumer.subscribe(list(topics), listener=membership)
            self._members[group].append((consumer, membership))
            yield consumer, membership
        finally:
            self._members[group] = [each for each in self._members[group] if each[0] is not consumer]
            membership.end()
            # `stop` can be cut short by a CancelledError of aiokafka's own making (its issue 647), so what it
            # closes last is closed again, and neither may pass for our own cancellation.
            await closed(consumer.stop(), self._timeout_s)
            await closed(consumer._client.close(), self._timeout_s)

    async def _next(self, consumer: AIOKafkaConsumer, membership: "Membership", limit: int) -> "_Found | None":
        """Wait a while for records. A silence is followed by a question, for aiokafka hides a lost broker.

        They are read piece by piece, each made ours at once: of thousands the first would have left the processor's
        cache. Not on into a rebalance, which waits for those that were read.
        """
        found = await self._read(consumer, self._timeout_s / 2, min(PIECE, limit))
        if not found:
            await self._bounded(consumer.topics())
            return None
        number, generation = membership.begin_work(), membership.generation
        records: list[Record] = []
        offsets: dict[TopicPartition, int] = {}
        while found:
            membership.has_read({at: those[0].offset for at, those in found.items()})
            for at, those in found.items():
                records += map(record_of, those)
                offsets[at] = those[-1].offset + 1
            await asyncio.sleep(0)
            if membership.is_rebalancing or len(records) == limit:
                break
            found = {}
            with contextlib.suppress(TransportUnavailable):  # the next call hears of it, not these records
                found = await self._read(consumer, 0, min(PIECE, limit - len(records)))
        return _Found(number, generation, tuple(records), offsets)

    async def _read(self, consumer: AIOKafkaConsumer, timeout_s: float, limit: int) -> Mapping[TopicPartition, Any]:
        try:
            with contextlib.suppress(TimeoutError):  # a rebalance under way holds `getmany` up
                async with asyncio.timeout(self._timeout_s):
                    return dict(await consumer.getmany(timeout_ms=int(timeout_s * 1000), max_records=limit))
        except KafkaError as error:
            raise TransportUnavailable(f"Kafka refused to be read: {error!r}") from error
        return {}

    async def _acknowledge(self, consumer: AIOKafkaConsumer, membership: "Membership", found: "_Found") -> None:
        if found.generation != membership.generation:
            raise TransportUnavailable("the records may be with another member by now, and come again")
        try:
            further = membership.beyond_acknowledged(found.offsets)
            if further:
                await self._bounded(consumer.commit(further))
                membership.acknowledged.update(further)
        finally:
            membership.end_work(found.number)

    async def _bounded(self, asked: Awaitable[T]) -> T:
        return await bounded(asked, self._timeout_s)


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read at once, in which generation, and up to where. The numbers of a member's batches ascend."""

    number: int
    generation: int
    records: tuple[Record, ...]
    offsets: Mapping[TopicPartition, int]


class Membership(ConsumerRebalanceListener):
    """Holds a rebalance up while batches are in work, so that their keys are not with two members at once.

    A batch is in work until it is acknowledged; while a rebalance waits, aiokafka reads no further. A batch can be
    acknowledged only in the generation it was read in. aiokafka would also send an offset after it lost its place,
    and the broker takes it when the group happens to be empty.
    """

    def __init__(self) -> None:
        self.generation = 0
        self.is_rebalancing = False
        self.acknowledged: dict[TopicPartition, int] = {}
        self._numbers = count(1)
        self._in_work: set[int] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def has_read(self, first: Mapping[TopicPartition, int]) -> None:
        """Records from these offsets on. What the group had acknowledged lies before the first that is ever read."""
        for at, offset in first.items():
            self.acknowledged.setdefault(at, offset)

    def begin_work(self) -> int:
        """The number of a batch."""
        number = next(self._numbers)
        self._in_work.add(number)
        self._idle.clear()
        return number

    def end_work(self, number: int) -> None:
        """That of this batch, and of those that were read before it."""
        self._in_work = {each for each in self._in_work if each > number}
        if not self._in_work:
            self._idle.set()

    def end(self) -> None:
        self.generation += 1
        self.acknowledged.clear()
        self._in_work.clear()
        self._idle.set()

    def beyond_acknowledged(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Leave out what would take the group back."""
        return {at: offset for at, offset in offsets.items() if offset > self.acknowledged.get(at, 0)}

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        self.is_rebalancing = True
        with contextlib.suppress(TimeoutError):  # timeout, for wait_for in Python 3.11 loses cancellations
            async with asyncio.timeout(HANDOVER_S):
                await self._idle.wait()
        self.generation += 1
        self.acknowledged.clear()
        self._in_work.clear()
        self._idle.set()

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """aiokafka reads on from what was acknowledged."""
        self.is_rebalancing = False


def record_of(read: Any) -> Record:
    """What aiokafka has read, as ours.

    Foreign records may lack a key or hold no UTF-8; what a record means is for its consumer to refuse.
    """
    try:  # as ours are, and in two thirds of the time
        return Record(
            read.topic, read.key.decode(), read.value or b"", {name: value.decode() for name, value in read.headers}
        )
    except (AttributeError, UnicodeDecodeError):
        return Record(
            read.topic,
            (read.key or b"").decode("utf-8", "replace"),
            read.value or b"",
            {name: (value or b"").decode("utf-8", "replace") for name, value in read.headers},
        )
