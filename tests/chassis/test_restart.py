"""A database that restarts: 503 and when to come back meanwhile, then well again, and nothing was restarted but it."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import insert

from chassis.app import create_app
from chassis.db import Database, WriteSession
from chassis.inbox import Consumer, Subscription
from chassis.outbox import Relay
from chassis.routes import Write, slice_router
from chassis.transport.postgres import PostgresTransport
from chassis.worker import Task, Worker
from contracts.event import Event
from duijie.postgres import EmbeddedPostgres, free_port
from tests.chassis.conftest import NOTES, NoteWritten, make_tables
from tests.support.postgres import temporary_folder
from tests.support.services import Issuer, client_of

router = slice_router("/notes", tag="notes")


@router.post("/{number}")
async def write(number: int, session: Write) -> None:
    await session.execute(insert(NOTES).values(id=number, text="a"))
    session.emit(NoteWritten(note_id=uuid4(), number=number))


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    """A server of this test's own, which comes back at the same port."""
    with temporary_folder() as folder:
        server = EmbeddedPostgres(folder / "postgres", port=free_port(), durable=False)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@pytest.fixture
async def own_db(server: EmbeddedPostgres) -> AsyncIterator[Database]:
    await server.create_databases(["test"])
    await make_tables(server.url("test"))
    db = Database(server.url("test"), source="/duijie/test")
    yield db
    await db.close()


async def at_once(client: httpx.AsyncClient, numbers: range) -> list[httpx.Response]:
    return await asyncio.gather(*(client.post(f"/notes/{number}") for number in numbers))


async def test_while_the_database_is_away_it_says_so_and_afterwards_all_is_well(
    server: EmbeddedPostgres, own_db: Database, issuer: Issuer
) -> None:
    app: FastAPI = create_app("test", db=own_db, keys=issuer.keys, routers=[router])
    heard: set[int] = set()

    async def hear(session: WriteSession, events: Sequence[Event]) -> None:
        heard.update(event.number for event in events if isinstance(event, NoteWritten))

    async with client_of(app) as client, PostgresTransport(server.url("test")) as transport:
        consumer = Consumer("test", own_db, transport, [Subscription(NoteWritten.TOPIC, hear)])
        worker = Worker("test", [Task("relay", Relay(own_db, transport).run), Task("consumer", consumer.run)])
        working = asyncio.create_task(worker.run())
        assert {answer.status_code for answer in await at_once(client, range(10))} == {200}

        await asyncio.to_thread(server.stop)
        async with asyncio.timeout(5):
            refused = await at_once(client, range(10, 20))
            ready = await client.get("/readyz")
        assert {(answer.status_code, answer.headers.get("retry-after")) for answer in refused} == {(503, "1")}
        assert (ready.status_code, ready.json()["reasons"]) == (503, {"database": "the database does not answer"})
        assert (await client.get("/healthz")).status_code == 200

        await asyncio.to_thread(server.start)
        assert (await client.get("/readyz")).status_code == 200
        assert {answer.status_code for answer in await at_once(client, range(10, 30))} == {200}
        async with asyncio.timeout(20):
            while heard != set(range(30)):
                await asyncio.sleep(0.05)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def test_a_restart_between_two_requests_costs_each_connection_at_most_one_answer(
    server: EmbeddedPostgres, own_db: Database, issuer: Issuer
) -> None:
    app = create_app("test", db=own_db, keys=issuer.keys, routers=[router])
    async with client_of(app) as client:
        assert {answer.status_code for answer in await at_once(client, range(5))} == {200}
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        first = await at_once(client, range(5, 10))
        assert {answer.status_code for answer in first} <= {200, 503}
        again = range(10, 40)
        assert {answer.status_code for answer in await at_once(client, again)} == {200}
