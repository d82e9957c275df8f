"""A real PostgreSQL for the tests: one server a test process, one fresh database a test.

`postgres` is the running server, `postgres_url` the SQLAlchemy URL of an empty database. A service that migrates
makes a template once a server, with `template_database`, and takes its databases from it with `fresh_database`.
"""

import inspect
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path

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
_EMPTY = """
DO $$
DECLARE
    named text;
    filled boolean;
BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND (state <> 'idle' OR pid IN (SELECT pid FROM pg_locks));
    SET LOCAL session_replication_role = replica;  -- so that what forbids changes does not forbid this
    FOR named IN SELECT quote_ident(tablename) FROM pg_tables
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    LOOP
        IF to_regclass('migrated.' || named) IS NULL THEN
            EXECUTE 'SELECT EXISTS (SELECT FROM ' || named || ')' INTO filled;
        ELSE
            EXECUTE 'SELECT EXISTS (TABLE ' || named || ' EXCEPT TABLE migrated.' || named || ')' INTO filled;
        END IF;
        IF filled THEN
            EXECUTE 'TRUNCATE ' || named || ' CASCADE';
        END IF;
    END LOOP;
    FOR named IN SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'migrated' LOOP
        EXECUTE 'INSERT INTO ' || named || ' TABLE migrated.' || named || ' EXCEPT TABLE ' || named;
    END LOOP;
    PERFORM setval(format('%I.%I', schemaname, sequencename), start_value, false) FROM pg_sequences;
END $$
"""
_spare: dict[tuple[str, str], list[str]] = {}


@asynccontextmanager
async def emptied_database(server: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    """A database like `template`, used by one test after the other; its URL.

    Its tables are emptied in between, but for what the migrations put into them. That takes a third of the time of
    making and dropping. A test that changes tables takes `fresh_database`.
    """
    spare = _spare.setdefault((server.superuser_dsn(), template), [])
    if not spare:
        name = f"kept_{next(_numbers)}"
        async with superuser(server) as connection:
            await connection.execute(
                f"CREATE DATABASE {quoted(name)} OWNER {ROLE} TEMPLATE {quoted(template)} STRATEGY FILE_COPY"
            )
        await _execute(server, name, _KEEP)
        spare.append(name)
    name = spare.pop()
    try:
        yield server.url(name)
    finally:
        await _execute(server, name, _EMPTY)
    spare.append(name)


async def _execute(server: EmbeddedPostgres, name: str, statements: str) -> None:
    connection = await asyncpg.connect(server.superuser_dsn(name), ssl=False)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


async def template_database(
    server: EmbeddedPostgres, name: str, migrate: Callable[[str], Awaitable[object] | object]
) -> str:
    """Make, once a server, a database migrated by `migrate(url)`, to copy from; its name.

    It gets its name when it is complete; `migrate` must leave no connection behind.
    """
    template, raw = f"template_{name}", f"raw_{name}"
    async with superuser(server) as connection:
        if await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", template):
            return template
        await connection.execute(f"DROP DATABASE IF EXISTS {quoted(raw)} WITH (FORCE)")
        await server.create_databases([raw])
        migrated = migrate(server.url(raw))
        if inspect.isawaitable(migrated):
            await migrated
        await connection.execute(f"ALTER DATABASE {quoted(raw)} RENAME TO {quoted(template)}")
    return template


@asynccontextmanager
async def superuser(server: EmbeddedPostgres) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(server.superuser_dsn(), ssl=False)
    try:
        yield connection
    finally:
        await connection.close()
