"""Reading Apache Kafka in a group: batches, rebalances, and what was acknowledged."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from chassis.ending import ended
from chassis.transport import kafka_consuming
from chassis.transport.base import Record, TransportUnavailable
from chassis.transport.kafka import KafkaTransport
from chassis.transport.kafka_clients import settings_of
from chassis.transport.kafka_consuming import Consuming, Membership
from chassis.transport.kafka_topics import ensure_topics
from tests.support.events import records, take


async def test_a_foreign_record_is_handed_on_for_its_consumer_to_judge(kafka_bootstrap: str) -> None:
    topic = f"test.{uuid4().hex}.v1"
    await ensure_topics(kafka_bootstrap, {topic: 1})
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        await producer.send_and_wait(topic, b"no key", headers=[("bytes", b"\xff"), ("nothing", None)])
        await producer.send_and_wait(topic, None, key=b"\xfe")
    async with KafkaTransport(kafka_bootstrap) as transport:
        nameless, tombstone = await take(transport, "matching", [topic], 2)
    assert nameless == Record(topic, "", b"no key", {"bytes": "\ufffd", "nothing": ""})
    assert tombstone == Record(topic, "\ufffd", b"", {})


class Buffered:
    """A consumer of aiokafka's that answers with these, one after the other, and then with nothing; an error of theirs
    it raises."""

    def __init__(self, *pieces: Sequence[int] | KafkaError, then: Callable[[], object] = lambda: None) -> None:
        self._pieces = list(pieces)
        self._then = then

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        piece = self._pieces.pop(0) if self._pieces else ()
        self._then()
        if isinstance(piece, KafkaError):
            raise piece
        assert len(piece) <= max_records
        read = [SimpleNamespace(topic="t", key=b"k", value=b"v", headers=(), offset=each) for each in piece]
        return {AT: read} if read else {}

    async def topics(self) -> set[str]:
        return {"t"}


AT = TopicPartition("t", 0)


async def next_of(consumer: Any, membership: Membership, limit: int = 5) -> tuple[int, int] | None:
    """How many records the next batch has, and the offset behind them."""
    found = await Consuming(settings_of("127.0.0.1:9", 10.0, None), 10.0, 10.0)._next(consumer, membership, limit)
    return None if found is None else (len(found.records), found.offsets[AT])


async def test_a_batch_is_what_is_there_at_once_up_to_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_consuming, "PIECE", 2)
    consumer, membership = Buffered((0, 1), (2, 3), (4,), (5, 6), (), (7, 8)), Membership()
    assert [await next_of(consumer, membership) for _ in range(4)] == [(5, 5), (2, 7), (2, 9), None]
    assert membership.acknowledged == {AT: 0}


async def test_a_batch_does_not_read_on_into_a_rebalance_that_waits_for_it() -> None:
    membership = Membership()
    revoking: list[asyncio.Task[None]] = []

    def revoke() -> None:
        revoking.append(asyncio.create_task(membership.on_partitions_revoked([])))

    assert await next_of(Buffered((0, 1), (2, 3), then=revoke), membership) == (2, 2)
    assert not revoking[0].done()
    membership.end_work(1)
    await revoking[0]
    membership.on_partitions_assigned([])
    assert await next_of(Buffered((2, 3), (4,)), membership) == (3, 5)


async def test_what_was_read_before_an_error_is_handed_on_and_the_error_is_raised_by_the_next() -> None:
    consumer, membership = Buffered((0, 1), KafkaError(), KafkaError()), Membership()
    assert await next_of(consumer, membership) == (2, 2)
    with pytest.raises(TransportUnavailable):
        await next_of(consumer, membership)


async def test_a_rebalance_waits_for_every_batch_in_work() -> None:
    membership = Membership()
    first, second, third = [membership.begin_work() for _ in range(3)]
    revoking = asyncio.create_task(membership.on_partitions_revoked([]))
    await asyncio.sleep(0.05)
    membership.end_work(second)  # and with it the first, which was read before
    await asyncio.sleep(0.05)
    assert not revoking.done()
    assert membership.generation == 0
    membership.end_work(first)
    membership.end_work(third)
    await revoking
    assert membership.generation == 1


async def test_who_is_at_work_for_longer_than_a_session_keeps_its_batch_while_another_joins(
    kafka_bootstrap: str,
) -> None:
    topic = f"test.{uuid4().hex}.v1"
    await ensure_topics(kafka_bootstrap, {topic: 1})
    *sent, last = records(topic, *map(str, range(11)))
    async with (
        KafkaTransport(kafka_bootstrap, session_timeout_s=1.5) as transport,
        aclosing(transport.consume("test", [topic])) as working,
        aclosing(transport.consume("test", [topic])) as joining,
    ):
        await transport.publish(sent)
        batch = await anext(working)
        joined = asyncio.create_task(anext(joining))
        await asyncio.sleep(4)
        await batch.acknowledge()
        reading = {joined, asyncio.create_task(anext(working))}
        await transport.publish([last])
        read, _ = await asyncio.wait(reading, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        assert [record for task in read for record in task.result().records] == [last]
        await ended(*reading)


async def test_a_rebalance_waits_for_nobody_who_left() -> None:
    membership = Membership()
    membership.begin_work()
    membership.end()
    async with asyncio.timeout(1):
        await membership.on_partitions_revoked([])


async def test_a_batch_that_was_not_acknowledged_in_time_is_not_waited_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kafka_consuming, "HANDOVER_S", 0.05)
    membership = Membership()
    membership.begin_work()
    await membership.on_partitions_revoked([])
    async with asyncio.timeout(1):
        monkeypatch.setattr(kafka_consuming, "HANDOVER_S", 60)
        await membership.on_partitions_revoked([])
    assert membership.generation == 2


async def test_a_cancellation_that_comes_together_with_the_end_of_the_work_is_not_lost() -> None:
    membership = Membership()
    number = membership.begin_work()
    revoking = asyncio.create_task(membership.on_partitions_revoked([]))
    await asyncio.sleep(0.01)
    membership.end_work(number)
    revoking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await revoking


async def test_the_lag_counts_from_the_first_record_that_was_read() -> None:
    membership, at = Membership(), TopicPartition("t", 1)
    membership.has_read({at: 5})
    membership.has_read({at: 9})
    assert membership.acknowledged == {at: 5}


def test_an_earlier_offset_does_not_take_the_group_back() -> None:
    membership, one, two = Membership(), TopicPartition("t", 1), TopicPartition("t", 2)
    membership.acknowledged[one] = 10
    assert membership.beyond_acknowledged({one: 9, two: 4}) == {two: 4}
    assert membership.beyond_acknowledged({one: 11}) == {one: 11}
