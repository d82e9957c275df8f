"""A real PostgreSQL for the tests: one server a test process, one fresh database a test.

`postgres` is the running server, `postgres_url` the SQLAlchemy URL of an empty database. A service that migrates
makes a template once a server, with `template_database`, and takes its databases from it with `fresh_database`.
"""

import asyncio
import inspect
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Self

import asyncpg
import pytest

from duijie.postgres import ROLE, EmbeddedPostgres, quoted

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The server of this test process. It forgets on a power cut (`durable=False`), and ends with the process."""
    with temporary_folder() as folder:
        server = EmbeddedPostgres(folder / "postgres", durable=False)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@pytest.fixture
async def postgres_url(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """An empty database of this test's own."""
    async with fresh_database(postgres) as url:
        yield url


MEMORY, ROOM_B = Path("/dev/shm"), 4 << 30


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that the database's user may walk through: pytest's own, as root, is closed to it.

    It is in memory where there is room: databases come and go, and ext4 takes long to make files where many were
    deleted a moment ago.
    """
    in_memory = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM_B
    folder = Path(tempfile.mkdtemp(prefix="duijie-tests-", dir=MEMORY if in_memory else None))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@asynccontextmanager
async def fresh_database(server: EmbeddedPostgres, template: str = "template0") -> AsyncIterator[str]:
    """A database of its own, copied from a template, dropped afterwards whoever is still connected; its URL."""
    name = f"test_{next(_numbers)}"
    async with superuser(server) as connection:
        # FILE_COPY takes 20 ms for 30 tables, as WAL_LOG does, and leaves no log to write later.
        await connection.execute(
            f"CREATE DATABASE {quoted(name)} OWNER {ROLE} TEMPLATE {quoted(template)} STRATEGY FILE_COPY"
        )
        try:
            yield server.url(name)
        finally:
            await connection.execute(f"DROP DATABASE {quoted(name)} WITH (FORCE)")


_KEEP = """
DO $$
DECLARE
    named text;
    filled boolean;
BEGIN
    CREATE SCHEMA migrated; -- what the migrations themselves put in
    FOR named IN SELECT quote_ident(tablename) FROM pg_tables
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    LOOP
        EXECUTE 'SELECT EXISTS (SELECT FROM ' || named || ')' INTO filled;
        IF filled THEN
            EXECUTE 'CREATE TABLE migrated.' || named || ' AS TABLE ' || named;
        END IF;
    END LOOP;
END $$
"""
_BUSY = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
    AND (state <> 'idle' OR pid IN (SELECT pid FROM pg_locks))
"""
_BUSY_FOR_S = 0.2
_TABLES = """
SELECT quote_ident(tablename) AS named, to_regclass('migrated.' || quote_ident(tablename)) IS NOT NULL AS filled
FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""
_SEQUENCES = "SELECT format('%I.%I', schemaname, sequencename) AS named, start_value FROM pg_sequences"


def _changed(named: str, filled: bool) -> str:
    """What empties a table that is not as the migrations left it, in SQL; else null.

    A new file would make everybody who is connected plan anew, so that only a long one gets it.
    """
    changed = f"EXISTS (SELECT FROM {named})"
    if filled:
        kept = f"migrated.{named}"
        changed = f"EXISTS (TABLE {named} EXCEPT TABLE {kept}) OR EXISTS (TABLE {kept} EXCEPT TABLE {named})"
    cut = (
        f"CASE WHEN pg_relation_size('{named}') > 32768 THEN 'TRUNCATE {named} CASCADE' ELSE 'DELETE FROM {named}' END"
    )
    return f"CASE WHEN {changed} THEN {cut} END"


@dataclass
class _Kept:
    """A database for one test after the other, and who empties it: a connection that knows its tables by then.

    What it asks is put together once: most tests change few of the tables, and finding out which is most of the work.
    """

    name: str
    connection: asyncpg.Connection
    changes: str
    rewind: str
    refill: list[str]

    @classmethod
    async def made(cls, server: EmbeddedPostgres, template: str) -> Self:
        name = f"kept_{next(_numbers)}"
        async with superuser(server) as connection:
            await connection.execute(
                f"CREATE DATABASE {quoted(name)} OWNER {ROLE} TEMPLATE {quoted(template)} STRATEGY FILE_COPY"
            )
        connection = await asyncpg.connect(server.superuser_dsn(name), ssl=False)
        await connection.execute(_KEEP)
        tables, sequences = await connection.fetch(_TABLES), await connection.fetch(_SEQUENCES)
        changes = ", ".join(_changed(table["named"], table["filled"]) for table in tables)
        rewind = ", ".join(f"setval('{each['named']}', {each['start_value']}, false)" for each in sequences)
        refill = [
            f"INSERT INTO {table['named']} TABLE migrated.{table['named']} EXCEPT TABLE {table['named']}"
            for table in tables
            if table["filled"]
        ]
        return cls(name, connection, f"SELECT array_remove(ARRAY[{changes}]::text[], NULL)", f"SELECT {rewind}", refill)

    async def empty(self) -> bool:
        """Whether it can be used again: not where somebody is at work in it still, with connections from a pool."""
        began_s = time.monotonic()
        while await self.connection.fetch(_BUSY):
            if time.monotonic() - began_s > _BUSY_FOR_S:
                return False
            await asyncio.sleep(0.005)  # a loop that looks for news ends with its look
        if emptying := await self.connection.fetchval(self.changes):
            # one transaction; what forbids changes does not forbid these
            await self.connection.execute(
                "; ".join(["SET LOCAL session_replication_role = replica", *emptying, *self.refill])
            )
        await self.connection.fetch(self.rewind)
        return True

    async def drop(self, server: EmbeddedPostgres) -> None:
        await self.connection.close()
        async with superuser(server) as connection:
            await connection.execute(f"DROP DATABASE {quoted(self.name)} WITH (FORCE)")


_spare: dict[tuple[str, str], list[_Kept]] = {}


@asynccontextmanager
async def emptied_database(server: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    """A database like `template`, used by one test after the other; its URL.

    Its tables are emptied in between, but for what the migrations put into them. That takes a tenth of the time of
    making and dropping. A test that changes tables takes `fresh_database`.
    """
    spare = _spare.setdefault((server.superuser_dsn(), template), [])
    kept = spare.pop() if spare else await _Kept.made(server, template)
    try:
        yield server.url(kept.name)
    finally:
        if await kept.empty():
            spare.append(kept)
        else:
            await kept.drop(server)


_templates: set[tuple[str, str]] = set()


async def template_database(
    server: EmbeddedPostgres, name: str, migrate: Callable[[str], Awaitable[object] | object]
) -> str:
    """Make, once a server, a database migrated by `migrate(url)`, to copy from; its name.

    It gets its name when it is complete; `migrate` must leave no connection behind.
    """
    template, raw = f"template_{name}", f"raw_{name}"
    if (server.superuser_dsn(), template) in _templates:
        return template
    async with superuser(server) as connection:
        await connection.execute(f"DROP DATABASE IF EXISTS {quoted(raw)} WITH (FORCE)")
        await server.create_databases([raw])
        migrated = migrate(server.url(raw))
        if inspect.isawaitable(migrated):
            await migrated
        await connection.execute(f"ALTER DATABASE {quoted(raw)} RENAME TO {quoted(template)}")
    _templates.add((server.superuser_dsn(), template))
    return template


@asynccontextmanager
async def superuser(server: EmbeddedPostgres) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(server.superuser_dsn(), ssl=False)
    try:
        yield connection
    finally:
        await connection.close()
