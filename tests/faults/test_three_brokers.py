"""Three brokers: one may die and nothing stops, and with two dead nothing is acknowledged that could be lost."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from chassis.transport.base import Record, TransportUnavailable
from chassis.transport.kafka import KafkaTransport
from chassis.transport.kafka_topics import ensure_topics
from deploy.kafka.broker import Brokers
from tests.support.events import of_key, take
from tests.support.postgres import temporary_folder

GOES_ON_WITHIN_S = 30

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
async def brokers() -> AsyncIterator[Brokers]:
    with temporary_folder() as folder:
        three = Brokers(folder / "kafka", 3)
        try:
            await asyncio.to_thread(three.start)
            yield three
        finally:
            await asyncio.to_thread(three.stop, in_haste=True)


async def publish_soon(transport: KafkaTransport, records: list[Record]) -> None:
    """As the relay does: again, until Kafka has acknowledged them."""
    async with asyncio.timeout(GOES_ON_WITHIN_S):
        while True:
            try:
                return await transport.publish(records)
            except TransportUnavailable:
                await asyncio.sleep(0.2)


async def test_with_one_of_three_dead_everything_goes_on_and_all_is_there(brokers: Brokers) -> None:
    topic = f"test.{uuid4().hex}.v1"
    await ensure_topics(brokers.bootstrap, {topic: 6}, replicas=3)
    async with KafkaTransport(brokers.bootstrap, timeout_s=5) as transport:
        for number in range(30):
            if number == 10:
                brokers.brokers[0].kill()
            if number == 20:
                await asyncio.to_thread(brokers.brokers[0].start)
            await publish_soon(transport, [Record(topic, key, str(number).encode(), {}) for key in "abcdef"])
        taken = await take(transport, "matching", [topic], 180, within_s=60)
    for key in "abcdef":
        values = list(dict.fromkeys(of_key(taken, key)))
        assert values == [str(number).encode() for number in range(30)], "all of it, in order, but for repetitions"


async def test_with_two_of_three_dead_nothing_is_acknowledged_until_one_is_back(brokers: Brokers) -> None:
    topic = f"test.{uuid4().hex}.v1"
    await ensure_topics(brokers.bootstrap, {topic: 3}, replicas=3)
    async with KafkaTransport(brokers.bootstrap, timeout_s=4) as transport:
        await publish_soon(transport, [Record(topic, "a", b"before", {})])
        for broker in brokers.brokers[1:]:
            broker.kill()
        with pytest.raises(TransportUnavailable):
            await transport.publish([Record(topic, key, b"refused", {}) for key in "abc"])
        await asyncio.gather(*(asyncio.to_thread(broker.start) for broker in brokers.brokers[1:]))
        await publish_soon(transport, [Record(topic, "a", b"after", {})])
        taken: list[Record] = []
        while b"after" not in of_key(taken, "a"):  # what was refused may have been written all the same
            taken += await take(transport, "matching", [topic], 1, within_s=60)
    values = of_key(taken, "a")
    assert (values[0], values[-1]) == (b"before", b"after")
