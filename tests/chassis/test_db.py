"""Who may write, and what leaves with a commit."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from asyncpg.exceptions import ClientConfigurationError, InternalClientError, PostgresConnectionError, ProtocolError
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError, OperationalError, PendingRollbackError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import registry

from chassis.db import KEPT_ALIVE, Database, LockTaken, is_transient, is_works_own
from duijie.postgres import EmbeddedPostgres
from tests.chassis.conftest import NOTES, NoteWritten
from tests.support.postgres import superuser
from tests.support.services import told


class Note:
    """A row of NOTES as an object: only so does a session flush."""

    def __init__(self, id_: int) -> None:
        self.id = id_


registry(metadata=NOTES.metadata).map_imperatively(Note, NOTES)


async def notes(db: Database) -> int:
    async with db.reading() as session:
        return (await session.execute(select(func.count()).select_from(NOTES))).scalar_one()


async def test_a_block_that_ends_is_committed_with_its_events_in_order(db: Database) -> None:
    facts = [NoteWritten(note_id=uuid4(), number=number) for number in range(3)]
    async with db.transaction() as session:
        await session.execute(insert(NOTES).values(id=1, text="kept"))
        session.emit(*facts)
    assert await notes(db) == 1
    assert await told(db) == facts


async def test_a_block_that_raises_leaves_nothing(db: Database) -> None:
    async def fail() -> None:
        async with db.transaction() as session:
            await session.execute(insert(NOTES).values(id=1, text="lost"))
            session.emit(NoteWritten(note_id=uuid4(), number=1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await notes(db) == 0
    assert await told(db) == []


async def test_a_reading_session_is_refused_by_the_database_when_it_writes(db: Database) -> None:
    async with db.reading() as session:
        with pytest.raises(DBAPIError, match="read-only"):
            await session.execute(insert(NOTES).values(id=1, text="no"))


async def test_what_waits_for_a_commit_is_called_after_it_and_not_after_a_failure(db: Database) -> None:
    called: list[str] = []

    async def write(name: str, *, fails: bool) -> None:
        async with db.transaction() as session:
            session.when_committed(lambda: called.append(name))
            assert called == []
            if fails:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        await write("failed", fails=True)
    await write("committed", fails=False)
    assert called == ["committed"]


async def test_what_was_read_stands_when_the_connection_is_lost_afterwards(db: Database) -> None:
    async with db.reading() as session:
        lost = await session.scalar(select(func.pg_backend_pid()))
        async with db.reading() as another:
            await another.execute(select(func.pg_terminate_backend(lost, 5000)))
    async with db.reading() as session:
        assert await session.scalar(select(func.pg_backend_pid())) != lost, "it is not given to anyone again"


async def test_a_session_lock_is_free_again_when_its_holder_ends(db: Database) -> None:
    async with db.holding(42):
        pass
    async with asyncio.timeout(5), db.holding(42), db.holding(43):
        waiting = asyncio.create_task(_hold(db, 42))
        await asyncio.sleep(0.1)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 5)


async def test_who_will_not_wait_for_a_lock_is_told_that_it_is_taken(db: Database) -> None:
    async with db.holding(42):
        with pytest.raises(LockTaken):
            async with db.holding(42, wait=False):
                pass
    async with db.holding(42, wait=False):
        pass


async def test_who_stalls_loses_its_lock_and_can_write_nothing_over_it(db: Database) -> None:
    async with db.holding(42) as stalled:
        await asyncio.sleep(0.3)
        async with db.holding(42, retry_s=0.02, stale_after_s=0.2) as lock:
            with pytest.raises(DBAPIError) as lost:
                async with db.transaction_over(stalled) as session:
                    await session.execute(insert(NOTES).values(id=1, text="late"))
            assert is_transient(lost.value)
            async with db.transaction_over(lock) as session:
                await session.execute(insert(NOTES).values(id=1, text="in time"))
    async with db.reading() as session:
        assert (await session.scalars(select(NOTES.c.text))).all() == ["in time"]


async def test_who_is_at_work_keeps_its_lock(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.db.BEAT_S", 0.05)
    async with db.holding(42) as lock:
        async with db.keeping(lock):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.6), db.holding(42, retry_s=0.02, stale_after_s=0.3):
                    pass
        async with db.transaction_over(lock) as session:
            session.emit(NoteWritten(note_id=uuid4(), number=1))
    assert len(await told(db)) == 1


async def test_a_transaction_over_a_lock_that_fails_is_undone(db: Database) -> None:
    async def fail() -> None:
        async with db.holding(42) as lock, db.transaction_over(lock) as session:
            await session.execute(insert(NOTES).values(id=1, text="no"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with db.reading() as session:
        assert (await session.scalars(select(NOTES.c.text))).all() == []


async def _hold(db: Database, lock: int) -> None:
    async with db.holding(lock, retry_s=0.02):
        pass


async def test_a_commit_with_events_wakes_the_relay(db: Database) -> None:
    async with db.transaction() as session:
        session.emit(NoteWritten(note_id=uuid4(), number=1))
    await db.outbox_wake.wait(timeout_s=1)  # was set: returns at once and is spent
    assert not db.outbox_wake._event.is_set()


async def test_a_connection_that_goes_while_it_is_made_ready_is_the_databases_fault(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the server is killed in the millisecond after it let somebody in."""
    ready = asyncpg.Connection.set_type_codec

    async def killed(connection: asyncpg.Connection, *told: Any, **more: Any) -> None:
        connection.terminate()
        await asyncio.sleep(0)
        await ready(connection, *told, **more)

    monkeypatch.setattr(asyncpg.Connection, "set_type_codec", killed)
    with pytest.raises(Exception, match="closed") as lost:
        await notes(db)
    assert is_transient(lost.value)


async def test_a_deadlock_is_the_databases_fault_and_a_broken_rule_is_not(db: Database) -> None:
    async with db.transaction() as session:
        await session.execute(insert(NOTES).values(id=1, text="first"))
    with pytest.raises(DBAPIError) as broken:
        async with db.transaction() as session:
            await session.execute(insert(NOTES).values(id=1, text="again"))
    assert not is_transient(broken.value)
    with pytest.raises(DBAPIError) as beyond:
        async with db.transaction() as session:
            await session.execute(insert(NOTES).values(id=2**31, text="more than its column holds"))
    assert not is_transient(beyond.value)
    assert is_transient(OperationalError("", {}, Exception()))
    assert is_transient(ConnectionResetError())
    assert is_transient(InternalClientError("not connected"))
    assert not is_transient(ClientConfigurationError("no such option"))
    assert not is_transient(ProtocolError("malformed"))


async def lose_and_go_on(db: Database, server: EmbeddedPostgres) -> None:
    """What `keeping` hears of a lost connection it leaves to the next statement."""
    async with db.holding(5) as connection:
        async with superuser(server) as admin:
            await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        with suppress(DBAPIError):
            await connection.scalar(select(1))
        await connection.scalar(select(1))


async def fail_and_go_on(db: Database) -> None:
    async with db.transaction() as session:
        with suppress(DBAPIError):
            session.add(Note(1))  # without its text
            await session.flush()
        await session.execute(select(1))


async def test_a_connection_that_was_lost_before_is_the_databases_fault_and_a_session_gone_on_with_is_not(
    db: Database, postgres: EmbeddedPostgres
) -> None:
    with pytest.raises(PendingRollbackError) as lost:
        await lose_and_go_on(db, postgres)
    assert is_transient(lost.value)
    with pytest.raises(PendingRollbackError) as gone_on:
        await fail_and_go_on(db)
    assert not is_transient(gone_on.value)


async def read_only(server: EmbeddedPostgres, db: Database, *, from_now_on: bool) -> None:
    """What each new connection to the database finds; those there are stay as they are."""
    name = db.engine.url.database
    async with superuser(server) as connection:
        await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {from_now_on}")


async def write(db: Database) -> None:
    async with db.transaction() as session:
        await session.execute(insert(NOTES).values(id=1, text="kept"))


async def write_over_a_lock(db: Database) -> None:
    async with db.holding(42) as lock, db.transaction_over(lock) as session:
        await session.execute(insert(NOTES).values(id=1, text="kept"))


@pytest.mark.parametrize("do", [write, write_over_a_lock])
async def test_a_connection_to_a_server_that_only_reads_now_is_thrown_away(
    do: Callable[[Database], Awaitable[None]], db: Database, postgres: EmbeddedPostgres
) -> None:
    await db.engine.dispose()
    await read_only(postgres, db, from_now_on=True)
    try:
        with pytest.raises(DBAPIError, match="read-only") as refused:
            await do(db)
    finally:
        await read_only(postgres, db, from_now_on=False)
    assert is_transient(refused.value)
    await do(db)
    assert await notes(db) == 1


async def test_but_who_writes_where_we_asked_for_reading_has_made_a_mistake(db: Database) -> None:
    async with db.reading() as session:
        before = await session.scalar(select(func.pg_backend_pid()))
        with pytest.raises(DBAPIError, match="read-only") as refused:
            await session.execute(insert(NOTES).values(id=1, text="no"))
    assert not is_transient(refused.value)
    async with db.reading() as session:
        assert await session.scalar(select(func.pg_backend_pid())) == before


async def _backend(connection: AsyncConnection) -> int:
    return int(await connection.scalar(select(func.pg_backend_pid())))


async def test_the_connection_of_a_lock_is_used_again_without_the_lock(db: Database) -> None:
    async with db.holding(42) as lock:
        first = await _backend(lock)
    async with db.holding(43) as again:
        assert await _backend(again) == first
        async with db.holding(42, wait=False):
            pass


async def test_the_connection_of_a_lock_is_thrown_away_when_its_work_failed(db: Database) -> None:
    backends = []

    async def fail() -> None:
        async with db.holding(42) as lock:
            backends.append(await _backend(lock))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with db.holding(43) as other:
        assert await _backend(other) not in backends


async def test_who_stands_still_in_the_middle_of_an_answer_loses_its_lock_too(db: Database) -> None:
    async with db.holding(42) as stalled:
        raw = (await stalled.get_raw_connection()).driver_connection
        assert raw is not None
        asking = asyncio.create_task(raw.fetch("SELECT repeat('x', 1000) FROM generate_series(1, 2000000)"))
        await asyncio.sleep(0.05)
        raw._transport.pause_reading()  # as a process that was stopped; its kernel keeps the connection
        await asyncio.sleep(0.3)
        async with asyncio.timeout(5), db.holding(42, retry_s=0.02, stale_after_s=0.2):
            raw._transport.resume_reading()
            with pytest.raises(PostgresConnectionError):
                await asking


async def test_a_server_that_vanishes_is_noticed_by_the_connection_itself(db: Database) -> None:
    async with db.engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        found = raw._transport.get_extra_info("socket")
        assert found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert found.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == KEPT_ALIVE["TCP_USER_TIMEOUT"]


@pytest.mark.parametrize(
    "statement",
    ["SELECT * FROM nowhere", "SELECT nothing FROM notes", "SELECT * FROM pg_authid"],
    ids=["table", "column", "grant"],
)
async def test_a_schema_or_a_grant_that_is_not_there_is_nothing_that_the_work_can_help(
    db: Database, statement: str
) -> None:
    with pytest.raises(DBAPIError) as refused:
        async with db.transaction() as session:
            await session.execute(text(statement))
    assert not is_works_own(refused.value)


async def test_a_value_and_a_rule_of_a_table_are_the_works_own(db: Database) -> None:
    twice = "INSERT INTO notes (id, text) VALUES (1, 'a'), (1, 'b') ON CONFLICT (id) DO UPDATE SET text = excluded.text"
    for statement in ("SELECT 1 / 0", "INSERT INTO notes (id, text) VALUES (1, NULL)", twice):
        with pytest.raises(DBAPIError) as refused:
            async with db.transaction() as session:
                await session.execute(text(statement))
        assert is_works_own(refused.value), statement
    assert is_works_own(KeyError("a bug that this record finds"))
    assert not is_works_own(OperationalError("", {}, Exception()))
