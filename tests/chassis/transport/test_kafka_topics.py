"""Topics of Apache Kafka, made as declared and left otherwise as they are."""

import asyncio
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from chassis.transport.base import TransportUnavailable
from chassis.transport.kafka import KafkaTransport
from chassis.transport.kafka_topics import Found, _within, ensure_topics, found_topics
from tests.support.events import records
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
