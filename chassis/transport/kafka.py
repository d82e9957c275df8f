"""Events over Apache Kafka, by aiokafka."""

# mypy: allow-untyped-calls

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import count
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerClosed, RecordListTooLargeError
from aiokafka.partitioner import murmur2

from chassis.transport.base import Batch, Record, RecordTooLarge, TransportUnavailable
from chassis.transport.headers import encoded
from chassis.transport.kafka_start import start
from chassis.turns import in_turns

BATCH_BYTES = 512 * 1024  # half of what a broker accepts by default
HEARTBEAT_MS = 1000  # a member learns of a rebalance with its heartbeat
TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
PIECE = 200  # records that are read at once
HANDOVER_S = 60.0  # how long a rebalance waits for a batch in work


class KafkaTransport:
    """One idempotent producer, made when it is first needed, and one consumer for each `consume`.

    `timeout_s` bounds a publish, an acknowledgement, and how long a lost broker goes unnoticed by a consumer.
    A member that is not heard of for `session_timeout_s` loses its partitions to the others.
    `connection` holds aiokafka's settings for TLS and SASL, such as `security_protocol`.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        timeout_s: float = 10.0,
        session_timeout_s: float = 10.0,
        connection: Mapping[str, Any] | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._session_timeout_s = session_timeout_s
        self._connection = {
            "bootstrap_servers": bootstrap,
            "request_timeout_ms": int(timeout_s * 1000),
            **(connection or {}),
        }
        self._producer: AIOKafkaProducer | None = None
        self._producer_wanted = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()
        self._members: defaultdict[str, list[tuple[AIOKafkaConsumer, _Membership]]] = defaultdict(list)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard_producer(self._producer)
        if self._closing:
            await asyncio.wait(self._closing)

    async def publish(self, records: Sequence[Record], *, after: Awaitable[object] | None = None) -> None:
        if not records:
            return
        made_ready = await self._made_ready(records)
        if after is not None:
            await after
            if made_ready.producer is not self._producer:  # it failed meanwhile, and its batches with it
                made_ready = await self._made_ready(records)
        with self._refusing(made_ready.producer):
            async with asyncio.timeout(self._timeout_s):
                await made_ready.send()

    async def _made_ready(self, records: Sequence[Record]) -> "_Sending":
        with self._refusing(self._producer):
            async with asyncio.timeout(self._timeout_s):
                return await _Sending.of(await self._started_producer(), records)

    @contextmanager
    def _refusing(self, producer: AIOKafkaProducer | None) -> Iterator[None]:
        """Raise in the transport's own words."""
        try:
            yield
        except (KafkaError, OSError, TimeoutError) as error:
            # After a failure the sequence numbers of an idempotent producer may have a hole, which the
            # broker refuses for ever: a new producer starts a new sequence.
            self._discard_producer(producer)
            if isinstance(error, TOO_LARGE):
                raise RecordTooLarge(f"Kafka refused: {error!r}") from error
            raise TransportUnavailable(f"Kafka did not acknowledge: {error!r}") from error

    async def consume(self, group: str, topics: Collection[str], *, limit: int = 500) -> AsyncGenerator[Batch, None]:
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
    ) -> AsyncIterator[tuple[AIOKafkaConsumer, "_Membership"]]:
        membership = _Membership()
        consumer = AIOKafkaConsumer(
            **self._connection,
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
            await self._bounded(start(consumer, self._connection))
            # Not before: `start` would wait for the group, which may wait for a dead member's session to end.
            consumer.subscribe(list(topics), listener=membership)
            self._members[group].append((consumer, membership))
            yield consumer, membership
        finally:
            self._members[group] = [each for each in self._members[group] if each[0] is not consumer]
            membership.end()
            # `stop` can be cut short by a CancelledError of aiokafka's own making (its issue 647), so what it
            # closes last is closed again, and neither may pass for our own cancellation.
            await _ended(consumer.stop(), self._timeout_s)
            await _ended(consumer._client.close(), self._timeout_s)

    async def _next(self, consumer: AIOKafkaConsumer, membership: "_Membership", limit: int) -> "_Found | None":
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

    async def _acknowledge(self, consumer: AIOKafkaConsumer, membership: "_Membership", found: "_Found") -> None:
        if found.generation != membership.generation:
            raise TransportUnavailable("the records may be with another member by now, and come again")
        try:
            further = membership.beyond_acknowledged(found.offsets)
            if further:
                await self._bounded(consumer.commit(further))
                membership.acknowledged.update(further)
        finally:
            membership.end_work(found.number)

    async def _bounded(self, asked: Any) -> Any:
        """Await what aiokafka would retry for ever."""
        try:
            # not wait_for, which in Python 3.11 loses a cancellation that comes together with the answer
            async with asyncio.timeout(self._timeout_s):
                return await asked
        except (KafkaError, OSError, TimeoutError) as error:
            raise TransportUnavailable(f"Kafka did not answer: {error!r}") from error

    async def _started_producer(self) -> AIOKafkaProducer:
        async with self._producer_wanted:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **self._connection, enable_idempotence=True, acks="all", max_batch_size=BATCH_BYTES
                )
                try:
                    await start(producer, self._connection)
                except BaseException:
                    await producer.stop()
                    raise
                _tell_nothing_of_transactions(producer)
                self._producer = producer
            return self._producer

    def _discard_producer(self, producer: AIOKafkaProducer | None) -> None:
        """Stop it in the background; whoever else publishes through it fails, too, and tries again."""
        if producer is None or producer is not self._producer:
            return
        self._producer = None
        closing = asyncio.create_task(_abandoned(producer, self._timeout_s))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read at once, in which generation, and up to where. The numbers of a member's batches ascend."""

    number: int
    generation: int
    records: tuple[Record, ...]
    offsets: Mapping[TopicPartition, int]


class _Membership(ConsumerRebalanceListener):
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


@lru_cache(maxsize=16_384)
def _partition(key: str, count: int) -> int:
    """Where Kafka's own clients would put the key. aiokafka's murmur2 is pure Python, hence the cache."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % count)


@dataclass(frozen=True, slots=True)
class _Sending:
    """Records in the batches of their partitions, as they go over the wire."""

    producer: AIOKafkaProducer
    batches: Mapping[TopicPartition, Sequence[Any]]

    @classmethod
    async def of(cls, producer: AIOKafkaProducer, records: Sequence[Record]) -> Self:
        partitions = {topic: len(await producer.partitions_for(topic)) for topic in {r.topic for r in records}}
        batches: dict[str, list[list[Any]]] = {topic: [[] for _ in range(n)] for topic, n in partitions.items()}

        def append(record: Record) -> None:
            topic, key, value, headers = record
            these = batches[topic][_partition(key, partitions[topic])]
            name, wire = key.encode(), encoded(headers)
            if not these or these[-1].append(timestamp=None, key=name, value=value, headers=wire) is None:
                these.append(producer.create_batch())
                these[-1].append(timestamp=None, key=name, value=value, headers=wire)

        await in_turns(append, records)
        return cls(
            producer,
            {TopicPartition(topic, at): those for topic in batches for at, those in enumerate(batches[topic]) if those},
        )

    async def send(self) -> None:
        """Return when all are acknowledged."""
        sent = [self._send_in_order(at, those) for at, those in self.batches.items()]
        for outcome in await asyncio.gather(*sent, return_exceptions=True):
            if outcome is not None:
                raise outcome

    async def _send_in_order(self, at: TopicPartition, batches: Sequence[Any]) -> None:
        """A batch only after the one before it was acknowledged.

        With several batches waiting, the first may time out and the second arrive: out of order for its keys.
        """
        for batch in batches:
            batch.close()
            await (await self.producer.send_batch(batch, at.topic, partition=at.partition))


def _tell_nothing_of_transactions(producer: AIOKafkaProducer) -> None:
    """What aiokafka does when its sender fails, but for the end of a transaction: it has none, and raises for that."""
    sender = producer._sender

    def fail_all(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            producer._message_accumulator.fail_all(error)

    sender.sender_task.remove_done_callback(sender._fail_all)
    sender.sender_task.add_done_callback(fail_all)


async def _abandoned(producer: AIOKafkaProducer, timeout_s: float) -> None:
    """aiokafka never gives up a batch of an idempotent producer, and `stop` alone would wait for it."""
    accumulator = producer._message_accumulator
    batches = [*accumulator._pending_batches, *(batch for those in accumulator._batches.values() for batch in those)]
    accumulator.fail_all(ProducerClosed())
    for batch in batches:  # whoever waited has gone; asked for, so that they are not reported as forgotten
        for told in (batch.future, batch._drain_waiter):
            if told.done() and not told.cancelled():
                told.exception()
    await _ended(producer._sender.close(), timeout_s)
    await _ended(producer.stop(), timeout_s)


async def _ended(closing: Coroutine[Any, Any, None], timeout_s: float) -> None:
    """Run it to its end, however it ends, or cancel it."""
    task = asyncio.create_task(closing)
    await asyncio.wait({task}, timeout=timeout_s)
    if not task.cancel() and not task.cancelled():
        task.exception()  # asked for, so that it is not reported as forgotten


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
