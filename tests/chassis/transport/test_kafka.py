"""What only the Kafka transport does."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from chassis.ending import ended
from chassis.transport import kafka
from chassis.transport.base import Record, TransportUnavailable
from chassis.transport.kafka import KafkaTransport, _Membership, _partition
from chassis.transport.kafka_topics import Found, _within, ensure_topics, found_topics
from deploy.kafka.broker import Broker
from tests.support.events import records, take
from tests.support.kafka import set_on


async def test_topics_are_created_once_and_then_left_as_they_are(kafka_bootstrap: str) -> None:
    name, other = (f"test.{uuid4().hex}.v1" for _ in range(2))
    assert await ensure_topics(kafka_bootstrap, {name: 2}) == [name]
    assert await ensure_topics(kafka_bootstrap, {name: 5, other: 1}) == [other]
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    async with producer:
        assert await producer.partitions_for(name) == {0, 1}


async def test_topics_are_found_and_settings_are_brought_up_to_date(kafka_bootstrap: str) -> None:
    name, other = (f"test.{uuid4().hex}.v1" for _ in range(2))
    await ensure_topics(kafka_bootstrap, {name: 3}, configs={name: {"retention.ms": "60000"}})
    found = await found_topics(kafka_bootstrap)
    assert (found.get(name), found.get(other)) == (Found(partitions=3, replicas=1), None)
    assert await ensure_topics(kafka_bootstrap, {name: 3}, configs={name: {"retention.ms": "70000"}}) == []
    assert await set_on(kafka_bootstrap, name) == {"retention.ms": "70000"}


async def test_what_someone_else_has_set_on_a_topic_stays(kafka_bootstrap: str) -> None:
    name = f"test.{uuid4().hex}.v1"
    theirs = {"max.message.bytes": "2000000", "retention.ms": "50000"}
    await ensure_topics(kafka_bootstrap, {name: 1}, configs={name: theirs})
    await ensure_topics(kafka_bootstrap, {name: 1}, configs={name: {"retention.ms": "70000", "segment.ms": "90000"}})
    wanted = {"max.message.bytes": "2000000", "retention.ms": "70000", "segment.ms": "90000"}
    assert await set_on(kafka_bootstrap, name) == wanted


async def test_a_topic_that_is_as_declared_is_not_touched(
    kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"test.{uuid4().hex}.v1"
    await ensure_topics(kafka_bootstrap, {name: 1}, configs={name: {"segment.ms": "90000", "retention.ms": "60000"}})
    monkeypatch.setattr(AIOKafkaAdminClient, "alter_configs", None)
    await ensure_topics(kafka_bootstrap, {name: 1}, configs={name: {"retention.ms": "60000"}})
    with pytest.raises(TypeError):
        await ensure_topics(kafka_bootstrap, {name: 1}, configs={name: {"retention.ms": "60001"}})


async def test_a_topic_on_one_broker_stays_one_that_can_be_written(kafka_bootstrap: str) -> None:
    name = f"test.{uuid4().hex}.v1"
    await ensure_topics(kafka_bootstrap, {name: 1})
    await ensure_topics(kafka_bootstrap, {name: 1}, replicas=3, configs={name: {"min.insync.replicas": "2"}})
    assert await set_on(kafka_bootstrap, name) == {"min.insync.replicas": "1"}
    async with KafkaTransport(kafka_bootstrap) as transport:
        await transport.publish(records(name, "a"))


async def test_a_new_topic_has_the_brokers_own_number_of_replicas_unless_one_is_asked_for(kafka_bootstrap: str) -> None:
    usual, asked = (f"test.{uuid4().hex}.v1" for _ in range(2))
    declared = {"min.insync.replicas": "2", "retention.ms": "60000"}
    await ensure_topics(kafka_bootstrap, {usual: 2}, configs={usual: declared})
    await ensure_topics(kafka_bootstrap, {asked: 2}, replicas=1, configs={asked: declared})
    for name in (usual, asked):
        async with asyncio.timeout(10):  # the broker hears of it after who has set it
            while await set_on(kafka_bootstrap, name) != {"min.insync.replicas": "1", "retention.ms": "60000"}:
                await asyncio.sleep(0.05)
    with pytest.raises(TransportUnavailable, match="InvalidReplicationFactor"):
        await ensure_topics(kafka_bootstrap, {f"test.{uuid4().hex}.v1": 1}, replicas=2)


@pytest.mark.parametrize(("replicas", "in_sync"), [(1, "1"), (2, "2"), (3, "2")])
def test_what_two_brokers_have_to_acknowledge_is_less_where_one_keeps_it(replicas: int, in_sync: str) -> None:
    declared = {"min.insync.replicas": "2", "retention.ms": "60000"}
    assert _within(declared, replicas) == declared | {"min.insync.replicas": in_sync}


async def test_settings_that_kafka_refuses_are_told_with_their_topic(kafka_bootstrap: str) -> None:
    name = f"test.{uuid4().hex}.v1"
    await ensure_topics(kafka_bootstrap, {name: 1})
    with pytest.raises(TransportUnavailable, match=rf"did not configure the topic {name}: .*nonsense"):
        await ensure_topics(kafka_bootstrap, {name: 1}, configs={name: {"retention.ms": "nonsense"}})


async def test_a_topic_kafka_refuses_is_named(kafka_bootstrap: str) -> None:
    with pytest.raises(TransportUnavailable, match="no/topic"):
        await ensure_topics(kafka_bootstrap, {"no/topic": 1})


async def test_publishing_to_a_topic_that_is_not_there_is_refused(kafka_bootstrap: str) -> None:
    async with KafkaTransport(kafka_bootstrap, timeout_s=1.0) as transport:
        with pytest.raises(TransportUnavailable):
            await transport.publish(records(f"test.{uuid4().hex}.v1", "a"))


@pytest.mark.parametrize("key", ["", "a", "草莓", "0192f7c4-7d1e-7c7a-b1f0-2f6a4c1d9e11"])
def test_a_key_goes_where_other_kafka_clients_put_it(key: str) -> None:
    assert _partition(key, 6) == DefaultPartitioner()(key.encode(), list(range(6)), [])


async def test_a_publish_larger_than_one_batch_arrives_whole_and_in_order(kafka_bootstrap: str) -> None:
    topic = f"test.{uuid4().hex}.v1"
    await ensure_topics(kafka_bootstrap, {topic: 2})
    sent = [Record(topic, f"key-{n % 3}", str(n).encode() + b" " * 40_000, {}) for n in range(60)]
    async with KafkaTransport(kafka_bootstrap) as transport:
        await transport.publish(sent)
        taken = await take(transport, "matching", [topic], 60)
    for key in ("key-0", "key-1", "key-2"):
        assert [r for r in taken if r.key == key] == [r for r in sent if r.key == key]


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


async def next_of(consumer: Any, membership: _Membership, limit: int = 5) -> tuple[int, int] | None:
    """How many records the next batch has, and the offset behind them."""
    found = await KafkaTransport("127.0.0.1:9")._next(consumer, membership, limit)
    return None if found is None else (len(found.records), found.offsets[AT])


async def test_a_batch_is_what_is_there_at_once_up_to_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "PIECE", 2)
    consumer, membership = Buffered((0, 1), (2, 3), (4,), (5, 6), (), (7, 8)), _Membership()
    assert [await next_of(consumer, membership) for _ in range(4)] == [(5, 5), (2, 7), (2, 9), None]
    assert membership.acknowledged == {AT: 0}


async def test_a_batch_does_not_read_on_into_a_rebalance_that_waits_for_it() -> None:
    membership = _Membership()
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
    consumer, membership = Buffered((0, 1), KafkaError(), KafkaError()), _Membership()
    assert await next_of(consumer, membership) == (2, 2)
    with pytest.raises(TransportUnavailable):
        await next_of(consumer, membership)


async def test_a_rebalance_waits_for_every_batch_in_work() -> None:
    membership = _Membership()
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
    membership = _Membership()
    membership.begin_work()
    membership.end()
    async with asyncio.timeout(1):
        await membership.on_partitions_revoked([])


async def test_a_batch_that_was_not_acknowledged_in_time_is_not_waited_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kafka, "HANDOVER_S", 0.05)
    membership = _Membership()
    membership.begin_work()
    await membership.on_partitions_revoked([])
    async with asyncio.timeout(1):
        monkeypatch.setattr(kafka, "HANDOVER_S", 60)
        await membership.on_partitions_revoked([])
    assert membership.generation == 2


async def test_a_cancellation_that_comes_together_with_the_end_of_the_work_is_not_lost() -> None:
    membership = _Membership()
    number = membership.begin_work()
    revoking = asyncio.create_task(membership.on_partitions_revoked([]))
    await asyncio.sleep(0.01)
    membership.end_work(number)
    revoking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await revoking


async def test_the_lag_counts_from_the_first_record_that_was_read() -> None:
    membership, at = _Membership(), TopicPartition("t", 1)
    membership.has_read({at: 5})
    membership.has_read({at: 9})
    assert membership.acknowledged == {at: 5}


async def test_a_cancellation_that_comes_together_with_kafkas_answer_is_not_lost() -> None:
    answered = asyncio.Event()
    asking = asyncio.create_task(KafkaTransport("127.0.0.1:9")._bounded(answered.wait()))
    await asyncio.sleep(0.01)
    answered.set()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


def test_an_earlier_offset_does_not_take_the_group_back() -> None:
    membership, one, two = _Membership(), TopicPartition("t", 1), TopicPartition("t", 2)
    membership.acknowledged[one] = 10
    assert membership.beyond_acknowledged({one: 9, two: 4}) == {two: 4}
    assert membership.beyond_acknowledged({one: 11}) == {one: 11}


async def test_a_broker_that_pauses_is_unavailable_and_order_survives_it(broker: Broker) -> None:
    """The paused broker still has the first attempt in its socket and may write it when it goes on."""
    topic = f"test.{uuid4().hex}.v1"
    await ensure_topics(broker.bootstrap, {topic: 1})
    unhandled: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context["message"]))
    async with KafkaTransport(broker.bootstrap, timeout_s=2.0) as transport:
        await transport.publish(records(topic, "k"))
        broker.pause()
        try:
            with pytest.raises(TransportUnavailable):
                await transport.publish(records(topic, "k", "k", start=1))
        finally:
            broker.resume()
        await transport.publish(records(topic, "k", "k", start=1))
        await transport.publish(records(topic, "k", start=3))
        taken = await take(transport, "matching", [topic], 4)
    first_arrivals = list(dict.fromkeys(record.value for record in taken))
    assert first_arrivals == [b"0", b"1", b"2", b"3"]
    assert not unhandled
