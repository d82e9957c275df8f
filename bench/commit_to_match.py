"""Commit of an order → its match readable, at low load, against raw aiokafka produce → consume of one record.

Matching's API and worker run apart over Kafka and PostgreSQL. One lot, told over Kafka, has enough for every order.
One order at a time: the clock starts when its POST is answered, which is after its commit; then its market is cleared
on demand (`POST /v1/rounds`), so that the round interval is excluded; it ends when `GET /v1/matches` of its buyer shows
the match. The peer's clock starts with the call that sends, acks=all, and ends when a consumer that waits has the
record.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.events import PARTITIONS
from bench.harness import Bar, Outcome, Plan, Side, main, percentile
from bench.house import Client, House, house
from bench.servers import kafka, new_group, postgres
from chassis.outbox import to_record
from chassis.transport.kafka import KafkaTransport
from chassis.transport.kafka_topics import ensure_topics
from contracts.listings import ListingPublished, Place

BARS = (
    Bar(
        "commit_to_match",
        "p99 of commit of an order → its match readable, cleared on demand",
        "p99 of raw aiokafka produce → consume of one record",
        "ms",
        10.0,
        5.0,
        "less",
    ),
)

PEER_TOPIC = "bench.single.v1"
PAUSE_S = 0.005
SUPPLY_WITHIN_S = 30.0
PRODUCE, ORIGIN, DESTINATION = "strawberry", "321323", "320102"  # Siyang, Nanjing: 200 km


def lot() -> ListingPublished:
    now = datetime.now(UTC)
    return ListingPublished(
        listing_id=uuid4(),
        version=1,
        producer_id=uuid4(),
        status="open",
        produce=PRODUCE,
        grade="A",
        quantity_g=1_000_000_000,
        min_price_fen_per_kg=1600,
        origin=Place(adcode=ORIGIN, lon=118.69, lat=33.72),
        temperature_class="chilled",
        available_from=now - timedelta(hours=1),
        available_until=None,
        spoils_at=now + timedelta(hours=72),
        divisible=True,
        auto_agree=True,
    )


class Market:
    """One buyer and one admin at matching's own port."""

    def __init__(self, told: House, client: Client) -> None:
        self._client = client
        self._buyer = told.caller("platform")
        self._admin = told.caller("admin")

    async def wait_for_supply(self) -> None:
        """Until an order is matched, the lot has not arrived over Kafka yet. From here on nothing clears by itself."""
        self._client.must(200, "PUT", "/v1/rounds/interval", self._admin, {"seconds": 0})
        order_id = self._order()
        async with asyncio.timeout(SUPPLY_WITHIN_S):
            while not self._cleared(order_id):
                await asyncio.sleep(0.1)

    def commit_to_match_ms(self) -> float:
        order_id = self._order()
        started_s = time.perf_counter()
        while not self._cleared(order_id):
            pass
        return 1000 * (time.perf_counter() - started_s)

    def _order(self) -> UUID:
        order = {
            "produce": PRODUCE,
            "quantity_kg": 1,
            "max_price_fen_per_kg": 2600,
            "destination": {"adcode": DESTINATION},
        }
        return UUID(self._client.must(201, "POST", "/v1/orders", self._buyer, order)["id"])

    def _cleared(self, order_id: UUID) -> bool:
        self._client.must(201, "POST", "/v1/rounds", self._admin, {"produce": PRODUCE})
        page = self._client.must(200, "GET", f"/v1/matches?order_id={order_id}", self._buyer)
        return bool(page["items"])


class Peer:
    """A producer and a consumer, both at their posts."""

    def __init__(self, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer) -> None:
        self._producer = producer
        self._consumer = consumer

    async def produce_to_consume_ms(self) -> float:
        value = uuid4().bytes
        waiting = asyncio.create_task(self._consumer.getone())
        await asyncio.sleep(PAUSE_S)
        started_s = time.perf_counter()
        sending = asyncio.create_task(self._producer.send_and_wait(PEER_TOPIC, value))
        record = await waiting
        took_ms = 1000 * (time.perf_counter() - started_s)
        await sending
        assert record.value == value
        return took_ms


async def ours(market: Market, count: int) -> list[float]:
    took = []
    for _ in range(count):
        took.append(await asyncio.to_thread(market.commit_to_match_ms))
        await asyncio.sleep(PAUSE_S)
    return took


async def raw(peer: Peer, count: int) -> list[float]:
    return [await peer.produce_to_consume_ms() for _ in range(count)]


async def compare(market: Market, bootstrap: str, plan: Plan) -> Sequence[Outcome]:
    count = plan.pick(200, 5)
    p99s = Side(), Side()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    consumer = AIOKafkaConsumer(PEER_TOPIC, bootstrap_servers=bootstrap, group_id=new_group(), enable_auto_commit=False)
    await producer.start()
    await consumer.start()
    try:
        peer = Peer(producer, consumer)
        await ours(market, plan.pick(50, 2))
        await raw(peer, plan.pick(50, 2))
        for _ in range(plan.repeats):
            for side, took in enumerate((await ours(market, count), await raw(peer, count))):
                p99s[side].add(percentile(took, 0.99))
    finally:
        await consumer.stop()
        await producer.stop()
    return [Outcome(BARS[0], *p99s)]


async def program(plan: Plan) -> Sequence[Outcome]:
    async with postgres("matching") as server, kafka() as broker:
        with house(server, broker) as told:
            told.run("topics", "apply")
            await ensure_topics(broker.bootstrap, {PEER_TOPIC: PARTITIONS})
            with told.running("serve", "matching") as api, told.running("work", "matching"), Client(api.url) as client:
                async with KafkaTransport(broker.bootstrap) as transport:
                    await transport.publish([to_record(lot(), "/duijie/listing")])
                market = Market(told, client)
                await market.wait_for_supply()
                return await compare(market, broker.bootstrap, plan)


if __name__ == "__main__":
    main(program)
