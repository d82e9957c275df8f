"""One PostgreSQL database: who may only read, who may write, and the one place that commits.

A transaction collects the events it emits and writes them to the outbox as its last statement, after the row
lock of the aggregate they report, so that the order of one key is the order of the commits.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from asyncpg.exceptions import InterfaceError as DriverError
from asyncpg.exceptions import InternalClientError, PostgresError
from pydantic_core import from_json
from sqlalchemy import BigInteger, ExceptionContext, bindparam, event, func, select, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from chassis.bulk import CONNECTED, DRIVER_FAILED
from chassis.killing import point
from chassis.metrics import COMMIT_SECONDS, DATABASE_ERRORS, POOL_IN_USE, POOL_SIZE
from chassis.outbox import Emitted, append
from chassis.tracing import current_traceparent
from contracts.event import Event

log = structlog.get_logger()

SESSION = {
    "timezone": "UTC",
    "idle_in_transaction_session_timeout": "30s",  # of a process that was paused: others wait for its rows
}
READ_ONLY = "25006"  # SQLSTATE read_only_sql_transaction
LOST_BEFORE = "8s2b"  # SQLAlchemy's code: "Can't reconnect until invalid transaction is rolled back"
STALE_AFTER_S = 30.0
BEAT_S = 5.0
CONNECTED_WITHIN_S = 5.0
STATEMENT_MAX_S = 300.0
KEPT_ALIVE = {"SO_KEEPALIVE": 1, "TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 20_000}
"""socket(7), tcp(7): a server that vanished without a word is noticed within half a minute. asyncpg asks for none."""

read_json = partial(from_json, cache_strings="keys")
"""A quarter of the standard library's time. In rows the names of fields repeat, the texts don't."""

LOCK = bindparam("lock", type_=BigInteger)
TRY_LOCK = select(func.pg_try_advisory_lock(LOCK))
UNLOCK = select(func.pg_advisory_unlock(LOCK))

EVICT = text("""
    SELECT count(pg_terminate_backend(pid)) FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND ((classid::bigint << 32) | objid::bigint) = :lock AND datname = current_database()
        AND (state = 'idle' OR state = 'active' AND wait_event_type = 'Client') -- it waits for its client to read
        AND state_change < clock_timestamp() - make_interval(secs => :stale_after_s)
""")


TRANSIENT = (OperationalError, InterfaceError, PoolTimeoutError, OSError, TimeoutError)
GONE = (InternalClientError, DriverError)
"""What asyncpg itself says where SQLAlchemy does not stand between: while a connection is made ready."""


class LockTaken(Exception):
    """Another holds the session lock."""


class _Session(AsyncSession):
    async def close(self) -> None:
        """Give the connection back. One that was lost has ended its transaction itself, and is thrown away: what was
        read or committed before stands, so nobody need hear of it."""
        try:
            await super().close()
        except DBAPIError as error:
            log.warning("connection_lost", error=type(error).__name__)
            await self.invalidate()


class ReadSession(_Session):
    """A transaction in which PostgreSQL itself refuses to write."""


class WriteSession(_Session):
    """A transaction that may write and tell of it. What it emits leaves with the commit, or not at all."""

    def emit(self, *events: Event) -> None:
        """Tell these facts, in this order, as caused by what is being done now."""
        traceparent = current_traceparent()
        self.emitted.extend((event, traceparent) for event in events)

    def when_committed(self, do: Callable[[], None]) -> None:
        """Call `do` after the commit, for waking a loop of this process. Never for work that must not be lost."""
        self.after_commit.append(do)

    def wake(self, loop: str) -> None:
        """Wake the loop of this process that waits on `Database.wake(loop)`, after the commit."""
        self.loops_to_wake.add(loop)

    @property
    def emitted(self) -> list[Emitted]:
        events: list[Emitted] = self.info.setdefault("emitted", [])
        return events

    @property
    def after_commit(self) -> list[Callable[[], None]]:
        calls: list[Callable[[], None]] = self.info.setdefault("after_commit", [])
        return calls

    @property
    def held(self) -> set[UUID]:
        """Accounts that nobody erases before this transaction ends: see `chassis.erasure`."""
        accounts: set[UUID] = self.info.setdefault("held", set())
        return accounts

    @property
    def loops_to_wake(self) -> set[str]:
        loops: set[str] = self.info.setdefault("loops_to_wake", set())
        return loops


class Wake:
    """Wakes a waiting loop of this process early; a loop elsewhere polls (design: no LISTEN/NOTIFY)."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self, timeout_s: float) -> bool:
        """Return when set, or after `timeout_s`; whether it was set."""
        try:
            # not wait_for, which in Python 3.11 loses a cancellation that comes together with the waking
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Database:
    """One service's database. `source` names the service in the events it tells, such as `/duijie/listing`."""

    def __init__(self, url: str, *, source: str, pool_size: int = 10) -> None:
        self.source = source
        self.service = source.removeprefix("/duijie/")
        self.outbox_wake = Wake()
        self._wakes: dict[str, Wake] = {}
        self._engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=False,
            pool_timeout=5,
            json_deserializer=read_json,
            hide_parameters=True,  # an error's text goes to the log; what people wrote does not
            connect_args={
                "server_settings": {**SESSION, "application_name": source},
                "timeout": CONNECTED_WITHIN_S,
                "command_timeout": STATEMENT_MAX_S,
            },
        )
        self._readers = self._engine.execution_options(postgresql_readonly=True)
        self._snapshots = self._readers.execution_options(isolation_level="REPEATABLE READ")
        self._at_once = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._measure(2 * pool_size)

    @property
    def engine(self) -> AsyncEngine:
        return self._engine

    def wake(self, loop: str) -> Wake:
        """What the loop of that name waits on, and a transaction sets with `WriteSession.wake`."""
        return self._wakes.setdefault(loop, Wake())

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[ReadSession]:
        """A read-only transaction."""
        async with ReadSession(self._readers, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[ReadSession]:
        """A read-only transaction all of whose statements see one moment. For reports, not for requests."""
        async with ReadSession(self._snapshots, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def at_once(self) -> AsyncIterator[AsyncConnection]:
        """For one statement on a hot path, without BEGIN and COMMIT around it: it sees one moment, and what it writes
        is committed with it. PostgreSQL does not hold it to reading, and it can tell no event."""
        async with self._at_once.connect() as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[WriteSession]:
        """A transaction that commits when the block ends, and is undone when it raises."""
        async with self.write_session() as session:
            yield session
            await self.commit(session)

    async def commit(self, session: WriteSession) -> None:
        """Write what was emitted as the last statement, then commit, then wake who waits."""
        started_s = time.perf_counter()
        await session.flush()
        emitted = list(session.emitted)
        if emitted:
            await append(session, self.source, emitted)
        point("db.before_commit")
        await session.commit()
        session.held.clear()
        session.info.pop(CONNECTED, None)
        COMMIT_SECONDS.labels(self.service).observe(time.perf_counter() - started_s)
        point("db.after_commit")
        session.emitted.clear()
        if emitted:
            self.outbox_wake.set()
        for call in session.after_commit:
            call()
        session.after_commit.clear()
        for loop in session.loops_to_wake:
            self.wake(loop).set()
        session.loops_to_wake.clear()

    def write_session(self) -> WriteSession:
        """A session for `chassis.routes`, which ends it itself."""
        return WriteSession(self._engine, expire_on_commit=False, info={DRIVER_FAILED: self._driver_failed})

    @asynccontextmanager
    async def holding(
        self, lock: int, retry_s: float = 1.0, *, wait: bool = True, stale_after_s: float = STALE_AFTER_S
    ) -> AsyncIterator[AsyncConnection]:
        """Wait for a session lock, and hold it on a connection that commits each statement by itself.

        Raises LockTaken when another holds it and `wait` is not wanted.

        Who says nothing over its connection for `stale_after_s` has been paused, and loses the lock to who waits:
        hold it under `keeping`, and do what only the holder may do over that very connection. No statement over it may
        take that long to be read: the server can't tell a slow reader from one that was paused.

        The connection goes back to the pool when it surely holds no lock any more, and else is thrown away: a new one,
        which knows no statement yet, costs more than a small round.
        """
        async with self._engine.connect() as plain:
            connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
            free = False
            try:
                while not await connection.scalar(TRY_LOCK, {"lock": lock}):
                    if await connection.scalar(EVICT, {"lock": lock, "stale_after_s": stale_after_s}):
                        log.warning("lock_taken_from_who_stalled", source=self.source, lock=lock)
                    elif not wait:
                        free = True
                        raise LockTaken
                    await asyncio.sleep(retry_s)
                yield connection
                with suppress(DBAPIError):  # with its connection the lock is gone, too
                    free = bool(await connection.scalar(UNLOCK, {"lock": lock}))
            finally:
                if not free:
                    await plain.invalidate()

    @asynccontextmanager
    async def keeping(self, connection: AsyncConnection) -> AsyncIterator[None]:
        """Say over the connection of a lock that its holder is at work, while it works elsewhere."""

        done = Wake()

        async def beat() -> None:
            while not await done.wait(BEAT_S):
                await connection.scalar(select(1))

        beating = asyncio.create_task(beat())
        try:
            yield
        finally:
            done.set()
            await asyncio.gather(beating, return_exceptions=True)  # who lost the lock hears of it at the next statement

    @asynccontextmanager
    async def transaction_over(self, connection: AsyncConnection) -> AsyncIterator[WriteSession]:
        """A transaction over the connection that holds a lock: with the lock its holder has lost the transaction."""
        await connection.rollback()  # of nothing: each statement was committed by itself
        ordinary = await connection.execution_options(isolation_level="READ COMMITTED")
        async with WriteSession(ordinary, expire_on_commit=False, info={DRIVER_FAILED: self._driver_failed}) as session:
            yield session
            await self.commit(session)
        await connection.execution_options(isolation_level="AUTOCOMMIT")

    def _measure(self, connections_max: int) -> None:
        pool = self._engine.pool
        POOL_SIZE.labels(self.service).set(connections_max)
        POOL_IN_USE.labels(self.service).set_function(pool.checkedout)  # type: ignore[attr-defined]
        event.listen(self._engine.sync_engine, "handle_error", self._count_error)
        event.listen(self._engine.sync_engine, "handle_error", _give_up_who_was_demoted)
        event.listen(self._engine.sync_engine, "connect", _keep_alive)

    def _count_error(self, failed: ExceptionContext) -> None:
        state = getattr(failed.original_exception, "sqlstate", None) or "08"
        DATABASE_ERRORS.labels(self.service, state[:2]).inc()

    def _driver_failed(self, error: PostgresError) -> bool:
        """Count it; whether the server only reads now, see `_give_up_who_was_demoted`."""
        state = _sqlstate(error) or "08"
        DATABASE_ERRORS.labels(self.service, state[:2]).inc()
        return state == READ_ONLY

    async def close(self) -> None:
        await self._engine.dispose()


def _give_up_who_was_demoted(failed: ExceptionContext) -> None:
    """After a failover the connection still leads to a server that only reads now: the next goes where writes go.

    Where we asked for a transaction that only reads, who writes in it has made a mistake.
    """
    if getattr(failed.original_exception, "sqlstate", None) != READ_ONLY or failed.connection is None:
        return
    if not failed.connection.get_execution_options().get("postgresql_readonly"):
        failed.is_disconnect = True


def _keep_alive(adapted: Any, _record: object) -> None:
    """Of each new connection; one over a UNIX socket has no such options."""
    connection = adapted.driver_connection._transport.get_extra_info("socket")
    if connection.family == socket.AF_UNIX:
        return
    for name, value in KEPT_ALIVE.items():
        if (option := getattr(socket, name, None)) is not None:  # not every system has all of them
            connection.setsockopt(socket.SOL_SOCKET if name == "SO_KEEPALIVE" else socket.IPPROTO_TCP, option, value)


def is_transient(error: BaseException) -> bool:
    """Whether the database, not the work, is at fault: it is worth trying again without counting a try.

    Classes 08 connection, 40 rollback (deadlock, serialisation), 53 no resources (a full disk among them),
    55 not available, 57 shutdown, 58 system error: PostgreSQL's manual, appendix A.
    A value that asyncpg can't send, such as a number beyond its column, is an InterfaceError, too, but the work's own.
    `GONE` is what asyncpg says of a connection that goes while it is being spoken over ("not connected") or made ready
    ("connection is closed"); what is derived from those is not. A PendingRollbackError of a connection says that it was
    lost at a statement before, of which another heard; that of a session, which has another code, is a mistake of ours.
    """
    if isinstance(error, InterfaceError) and isinstance(_of_asyncpg(error), ValueError):
        return False
    if isinstance(error, TRANSIENT) or type(error) in GONE:
        return True
    if isinstance(error, PendingRollbackError):
        return error.code == LOST_BEFORE
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return (_sqlstate(error) or "")[:2] in {"08", "40", "53", "55", "57", "58"}


def is_works_own(error: BaseException) -> bool:
    """Whether the work itself is at fault, so that trying it for ever would never help.

    Of what PostgreSQL refuses that is what values or a rule of a table are the reason for (classes 21, 22, 23, 54, and
    P0 of our triggers). A schema that is too old, a missing grant or a wrong password refuses sound work, too.
    """
    if is_transient(error):
        return False
    state = _sqlstate(error)
    return state is None or state[:2] in {"21", "22", "23", "54", "P0"}


def _sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's, also where asyncpg says it itself (see `bulk.copy_in`); None where it is not of the database."""
    raised = error if isinstance(error, PostgresError) else getattr(error, "orig", None)
    return getattr(raised, "sqlstate", None)


def _of_asyncpg(error: DBAPIError) -> BaseException | None:
    """What asyncpg itself raised, below SQLAlchemy's and its adapter's."""
    return None if error.orig is None else error.orig.__cause__
