"""What only the PostgreSQL transport does."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import NoReturn

import asyncpg
import pytest
from asyncpg.exceptions import InternalClientError, ProtocolError

from chassis.transport import postgres
from chassis.transport.base import TransportUnavailable
from chassis.transport.postgres import PostgresTransport
from tests.support.events import records, take

TOPIC = "listing.listings.v1"


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
    yield connection
    await connection.close()


async def age(database: asyncpg.Connection, days: int, topic: str = TOPIC) -> None:
    await database.execute(
        "UPDATE event_log SET published_at = published_at - make_interval(days => $1) WHERE topic = $2", days, topic
    )


async def kept(database: asyncpg.Connection) -> list[str]:
    return [row["key"] for row in await database.fetch("SELECT key FROM event_log ORDER BY seq")]


async def test_pruning_keeps_what_the_slowest_group_has_not_acknowledged(
    postgres_url: str, database: asyncpg.Connection
) -> None:
    async with PostgresTransport(postgres_url) as transport:
        await transport.publish(records(TOPIC, *"abcd"))
        await take(transport, "matching", [TOPIC], 4)
        await take(transport, "dashboards", [TOPIC], 2, limit=2)
        await age(database, 8)
        assert await transport.prune(older_than_days=7) == 2
        assert await kept(database) == ["c", "d"]


async def test_pruning_keeps_what_a_group_has_read_but_never_acknowledged(
    postgres_url: str, database: asyncpg.Connection
) -> None:
    async with PostgresTransport(postgres_url) as transport:
        await transport.publish(records(TOPIC, "a"))
        await take(transport, "matching", [TOPIC], 1, acknowledge=False)
        await age(database, 8)
        assert await transport.prune(older_than_days=7) == 0
        assert await kept(database) == ["a"]


async def test_pruning_keeps_what_is_young_and_drops_what_nobody_reads(
    postgres_url: str, database: asyncpg.Connection
) -> None:
    async with PostgresTransport(postgres_url) as transport:
        await transport.publish(records(TOPIC, "read") + records("unread.v1", "unread"))
        await take(transport, "matching", [TOPIC], 1)
        await age(database, 6)
        assert await transport.prune(older_than_days=7) == 0
        await age(database, 8, "unread.v1")
        assert await transport.prune(older_than_days=7) == 1
        assert await kept(database) == ["read"]


async def test_pruning_keeps_dead_letters_for_longer(postgres_url: str, database: asyncpg.Connection) -> None:
    async with PostgresTransport(postgres_url) as transport:
        await transport.publish(records(f"{TOPIC}.dlq", "letter"))
        await age(database, 29, f"{TOPIC}.dlq")
        assert await transport.prune(older_than_days=7) == 0
        await age(database, 2, f"{TOPIC}.dlq")
        assert await transport.prune(older_than_days=7) == 1


async def test_pruning_goes_on_until_nothing_old_is_left_whoever_else_prunes(
    postgres_url: str, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "PRUNED_AT_ONCE", 10)
    async with PostgresTransport(postgres_url) as one, PostgresTransport(postgres_url) as two:
        await one.publish(records(TOPIC, *"abcde" * 10))
        await age(database, 8)
        await one.publish(records(TOPIC, "young"))
        assert sum(await asyncio.gather(one.prune(older_than_days=7), two.prune(older_than_days=7))) == 50
        assert await kept(database) == ["young"]


async def test_after_pruning_the_numbers_go_on(postgres_url: str, database: asyncpg.Connection) -> None:
    async with PostgresTransport(postgres_url) as transport:
        await transport.publish(records(TOPIC, "a"))
        await take(transport, "matching", [TOPIC], 1)
        await age(database, 8)
        await transport.prune(older_than_days=7)
        await transport.publish(records(TOPIC, "b"))
        assert [record.key for record in await take(transport, "matching", [TOPIC], 1)] == ["b"]


async def test_a_publisher_waits_for_the_one_before_it_so_numbers_appear_in_order(
    postgres_url: str, database: asyncpg.Connection
) -> None:
    async with PostgresTransport(postgres_url) as transport:
        await transport.publish(records(TOPIC, "a"))
        async with database.transaction():
            await database.execute("SELECT pg_advisory_xact_lock($1)", 0x6475696A6965)
            waiting = asyncio.create_task(transport.publish(records(TOPIC, "b")))
            await asyncio.sleep(0.2)
            assert not waiting.done()
        await waiting


async def test_a_consumer_is_woken_by_its_own_process_and_does_not_wait_for_the_poll(postgres_url: str) -> None:
    async with PostgresTransport(postgres_url, poll_s=20) as transport:
        waiting = asyncio.create_task(take(transport, "matching", [TOPIC], 1))
        await asyncio.sleep(0.5)
        began = time.monotonic()
        await transport.publish(records(TOPIC, "a"))
        await waiting
        assert time.monotonic() - began < 10


async def test_many_processes_may_be_the_first(postgres_url: str) -> None:
    transports = [PostgresTransport(postgres_url) for _ in range(8)]
    await asyncio.gather(*(transport.publish(records(TOPIC, "a")) for transport in transports))
    assert len(await take(transports[0], "matching", [TOPIC], 8)) == 8
    for transport in transports:
        await transport.__aexit__(None, None, None)


async def test_a_member_whose_connection_dies_makes_room_for_the_other(
    postgres_url: str, database: asyncpg.Connection
) -> None:
    async with PostgresTransport(postgres_url) as one, PostgresTransport(postgres_url) as two:
        await one.publish(records(TOPIC, "a", "b"))
        async with aclosing(one.consume("matching", [TOPIC], limit=1)) as reading:
            batch = await anext(reading)
            standing_by = asyncio.create_task(take(two, "matching", [TOPIC], 2))
            await asyncio.sleep(0.3)
            assert not standing_by.done()
            await database.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
            assert [record.key for record in await standing_by] == ["a", "b"]
            with pytest.raises(TransportUnavailable):
                await batch.acknowledge()
            with pytest.raises(TransportUnavailable):
                await anext(reading)


@pytest.mark.parametrize(("error", "lost"), [(InternalClientError("not connected"), True), (ProtocolError("?"), False)])
async def test_a_connection_that_goes_while_it_is_spoken_over_is_lost_and_a_mistake_of_ours_is_not(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, error: InternalClientError, lost: bool
) -> None:
    async with PostgresTransport(postgres_url) as transport:
        await transport.publish(records(TOPIC, "a"))

        async def gone(*_: object) -> NoReturn:
            raise error

        monkeypatch.setattr(asyncpg.Connection, "execute", gone)
        with pytest.raises(TransportUnavailable if lost else ProtocolError):
            await transport.publish(records(TOPIC, "b"))


async def test_members_with_different_topics_do_not_hold_each_other_up(postgres_url: str) -> None:
    async with PostgresTransport(postgres_url) as transport:
        await transport.publish(records(TOPIC, "a") + records("orders.v1", "b"))
        async with aclosing(transport.consume("matching", [TOPIC])) as reading:
            await anext(reading)
            assert len(await take(transport, "matching", ["orders.v1", TOPIC], 1)) == 1
