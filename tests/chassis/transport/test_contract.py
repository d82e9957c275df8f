"""What both transports promise, on a real PostgreSQL and a real Apache Kafka."""

import asyncio
from collections import Counter
from contextlib import aclosing

import pytest

from chassis.transport.base import Record, Transport, TransportUnavailable
from tests.chassis.transport.conftest import Backend, Server
from tests.support.events import of_key, records, take


async def test_every_field_arrives_as_it_was_sent(backend: Backend) -> None:
    topic = await backend.topic()
    sent = [
        Record(topic, "草莓-1", b"\x00\xff {}", {"ce_id": "1", "ce_source": "/供应信息", "empty": ""}),
        Record(topic, "", b"", {}),
        Record(topic, "long" * 50, b"x" * 300_000, {"traceparent": "00-" + "a" * 32 + "-01"}),
    ]
    async with backend.transport() as transport:
        await transport.publish(sent)
        taken = await take(transport, "matching", [topic], 3)
    assert sorted(taken, key=lambda record: record.key) == sorted(sent, key=lambda record: record.key)


async def test_publishing_nothing_does_nothing(backend: Backend) -> None:
    async with backend.transport() as transport:
        await transport.publish([])


async def test_each_key_keeps_its_order_over_many_records_and_publishes(backend: Backend) -> None:
    topic = await backend.topic()
    keys = [f"key-{number % 7}" for number in range(3_000)]
    async with backend.transport() as transport:
        for start in range(0, 3_000, 1_000):
            await transport.publish(records(topic, *keys[start : start + 1_000], start=start))
        taken = await take(transport, "matching", [topic], 3_000, limit=137)
    for key in set(keys):
        assert of_key(taken, key) == [str(n).encode() for n, other in enumerate(keys) if other == key]


async def test_a_batch_is_never_longer_than_the_limit(backend: Backend) -> None:
    topic = await backend.topic()
    async with backend.transport() as transport:
        await transport.publish(records(topic, *map(str, range(50))))
        lengths = []
        async with aclosing(transport.consume("matching", [topic], limit=8)) as batches:
            async for batch in batches:
                lengths.append(len(batch.records))
                if sum(lengths) == 50:
                    break
    assert max(lengths) <= 8
    assert min(lengths) > 0


async def test_a_consumer_waits_for_what_is_published_later(backend: Backend) -> None:
    topic = await backend.topic()
    async with backend.transport() as consuming, backend.transport() as publishing:
        waiting = asyncio.create_task(take(consuming, "matching", [topic], 1))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        await publishing.publish(records(topic, "late"))
        assert [record.key for record in await waiting] == ["late"]


async def test_several_topics_are_read_by_one_consumer(backend: Backend) -> None:
    listings, orders, others = [await backend.topic() for _ in range(3)]
    async with backend.transport() as transport:
        await transport.publish(
            records(listings, "a") + records(others, "c") + records(orders, "b") + records(listings, "d")
        )
        taken = await take(transport, "matching", [listings, orders], 3)
    assert {(record.topic, record.key) for record in taken} == {(listings, "a"), (orders, "b"), (listings, "d")}


async def test_what_was_acknowledged_does_not_return_and_the_rest_does(backend: Backend) -> None:
    topic = await backend.topic(partitions=1)
    async with backend.transport() as transport:
        await transport.publish(records(topic, *"abcdef"))
        first = await take(transport, "matching", [topic], 2, limit=2)
        unacknowledged = await take(transport, "matching", [topic], 2, limit=2, acknowledge=False)
        again = await take(transport, "matching", [topic], 4)
    assert [record.key for record in first] == ["a", "b"]
    assert [record.key for record in unacknowledged] == ["c", "d"]
    assert [record.key for record in again] == ["c", "d", "e", "f"]


async def test_a_consumer_may_read_on_and_acknowledge_later_in_any_order(backend: Backend) -> None:
    topic = await backend.topic(partitions=1)
    async with backend.transport() as transport:
        await transport.publish(records(topic, *"abcdef"))
        batches = []
        async with aclosing(transport.consume("matching", [topic], limit=2)) as reading:
            async for batch in reading:
                batches.append(batch)
                if len(batches) == 3:
                    break
            await batches[1].acknowledge()
            await batches[0].acknowledge()  # does not take the group back
        again = await take(transport, "matching", [topic], 2)
    assert [record.key for record in again] == ["e", "f"]


async def test_a_batch_can_be_acknowledged_while_the_next_is_awaited(backend: Backend) -> None:
    topic = await backend.topic(partitions=1)
    async with backend.transport() as transport:
        await transport.publish(records(topic, "a"))
        async with aclosing(transport.consume("matching", [topic])) as reading:
            batch = await anext(reading)
            following = asyncio.create_task(anext(reading))
            await asyncio.sleep(0.1)
            await batch.acknowledge()
            await transport.publish(records(topic, "b"))
            assert [record.key for record in (await following).records] == ["b"]


async def test_a_batch_can_not_be_acknowledged_by_who_left(backend: Backend) -> None:
    topic = await backend.topic(partitions=1)
    async with backend.transport() as transport:
        await transport.publish(records(topic, "a"))
        async with aclosing(transport.consume("matching", [topic])) as reading:
            batch = await anext(reading)
        with pytest.raises(TransportUnavailable):
            await batch.acknowledge()
        assert len(await take(transport, "matching", [topic], 1)) == 1


async def test_every_group_sees_everything(backend: Backend) -> None:
    topic = await backend.topic()
    keys = [str(number) for number in range(200)]
    async with backend.transport() as transport:
        await transport.publish(records(topic, *keys))
        seen = [await take(transport, group, [topic], 200) for group in ("matching", "dashboards")]
    assert [sorted(record.key for record in taken) for taken in seen] == [sorted(keys)] * 2


async def test_concurrent_publishers_lose_nothing_and_repeat_nothing(backend: Backend) -> None:
    """A reader by cursor that trusts a plain sequence fails here: small publishes become visible before the
    large ones that were numbered before them, and it reads past those."""
    topic = await backend.topic()
    lengths = [1] * 8 + [2_000] * 2

    async def publish(number: int, length: int) -> int:
        async with backend.transport() as transport:
            publishes = 5 if length > 1 else 60
            for start in range(0, publishes * length, length):
                await transport.publish(records(topic, *[f"key-{number}"] * length, start=start))
        return publishes * length

    total = 8 * 60 + 2 * 5 * 2_000
    async with backend.transport() as transport:
        taking = asyncio.create_task(take(transport, "matching", [topic], total))
        published = await asyncio.gather(*(publish(n, length) for n, length in enumerate(lengths)))
        taken = await taking
    assert len(taken) == total == sum(published)
    for number, count in enumerate(published):
        assert of_key(taken, f"key-{number}") == [str(n).encode() for n in range(count)]


async def test_members_share_and_no_key_is_with_two_at_once(backend: Backend) -> None:
    """One joins while the other works, the first leaves; each record is handled once and in its key's order."""
    topic = await backend.topic(partitions=4)
    keys = [f"key-{number % 12}" for number in range(600)]
    handled: list[Record] = []
    in_work: Counter[str] = Counter()

    async def work(transport: Transport, until: int) -> None:
        async with aclosing(transport.consume("matching", [topic], limit=10)) as batches:
            async for batch in batches:
                in_work.update({record.key for record in batch.records})
                assert max(in_work.values()) == 1
                await asyncio.sleep(0.02)
                handled.extend(batch.records)
                await batch.acknowledge()
                in_work.subtract({record.key for record in batch.records})
                if len(handled) >= until:
                    return

    async with backend.transport() as one, backend.transport() as two, asyncio.timeout(60):
        await one.publish(records(topic, *keys))
        leaving = asyncio.create_task(work(one, until=300))
        await asyncio.sleep(0.3)
        staying = asyncio.create_task(work(two, until=600))
        await leaving
        await staying
    assert len(handled) == 600
    for key in set(keys):
        assert of_key(handled, key) == [str(n).encode() for n, other in enumerate(keys) if other == key]


async def test_a_member_that_is_cancelled_leaves_its_unacknowledged_batch_to_the_other(backend: Backend) -> None:
    topic = await backend.topic(partitions=1)
    got_one = asyncio.Event()

    async def hang(transport: Transport) -> None:
        async with aclosing(transport.consume("matching", [topic], limit=1)) as batches:
            async for _ in batches:
                got_one.set()
                await asyncio.Event().wait()

    async with backend.transport() as one, backend.transport() as two:
        await one.publish(records(topic, "a", "b"))
        hanging = asyncio.create_task(hang(one))
        await got_one.wait()
        taking = asyncio.create_task(take(two, "matching", [topic], 2))
        await asyncio.sleep(0.5)
        assert not taking.done()
        hanging.cancel()
        assert [record.key for record in await taking] == ["a", "b"]


async def test_a_server_that_goes_and_comes_back_loses_nothing(server: Server) -> None:
    topic = await server.backend.topic(partitions=1)
    transport = server.backend.transport()
    async with transport, aclosing(transport.consume("g", [topic], limit=2)) as reading:
        await transport.publish(records(topic, *"abcd"))
        await (await anext(reading)).acknowledge()
        batch = await anext(reading)
        await server.stop()
        with pytest.raises(TransportUnavailable):
            await transport.publish(records(topic, "e"))
        with pytest.raises(TransportUnavailable):
            await batch.acknowledge()
        with pytest.raises(TransportUnavailable):
            await anext(reading)
        with pytest.raises(TransportUnavailable):
            await take(transport, "g", [topic], 1)
        await server.start()
        await transport.publish(records(topic, "e"))
        again = await take(transport, "g", [topic], 3)
    assert [record.key for record in again] == ["c", "d", "e"]


async def test_entering_needs_no_server_but_publishing_and_consuming_do(unreachable: Transport) -> None:
    async with unreachable:
        with pytest.raises(TransportUnavailable):
            await unreachable.publish(records("test.v1", "a"))
        with pytest.raises(TransportUnavailable):
            await take(unreachable, "matching", ["test.v1"], 1)


async def test_the_lag_is_what_a_group_has_not_acknowledged(backend: Backend) -> None:
    topic = await backend.topic()
    async with backend.transport() as transport:
        await transport.publish(records(topic, *map(str, range(10))))
        async with aclosing(transport.consume("matching", [topic], limit=4)) as batches:
            acknowledged = 0
            async for batch in batches:
                await batch.acknowledge()
                acknowledged += len(batch.records)
                async with asyncio.timeout(10):  # a partition's end is known from its first fetch on
                    while await transport.lag("matching", [topic]) != {topic: 10 - acknowledged}:
                        await asyncio.sleep(0.01)
                if acknowledged == 10:
                    break
