"""Publishing to Apache Kafka: where keys go, and what is refused."""

import asyncio
from uuid import uuid4

import pytest
from aiokafka.partitioner import DefaultPartitioner

from chassis.transport.base import Record, TransportUnavailable
from chassis.transport.kafka import KafkaTransport
from chassis.transport.kafka_producing import _partition
from chassis.transport.kafka_topics import ensure_topics
from deploy.kafka.broker import Broker
from tests.support.events import records, take


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
