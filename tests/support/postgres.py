"""A real PostgreSQL for the tests: one server a test process, one fresh database a test.

`postgres` is the running server, `postgres_url` the SQLAlchemy URL of an empty database. A service that migrates
makes a template once, with `template_database`, and takes its databases from it with `fresh_database`.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from duijie.postgres import ROLE, EmbeddedPostgres, quoted

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The server of this test process. It forgets on a power cut (`durable=False`), and ends with the process."""
    folder = Path(tempfile.mkdtemp(prefix="duijie-tests-"))
    folder.chmod(0o711)  # as root the database is another user; pytest's own temporary folder would be closed to it
    server = EmbeddedPostgres(folder / "postgres", durable=False)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture
async def postgres_url(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """An empty database of this test's own."""
    async with fresh_database(postgres) as url:
        yield url


@asynccontextmanager
async def fresh_database(server: EmbeddedPostgres, template: str = "template0") -> AsyncIterator[str]:
    """A database of its own, copied from a template, dropped afterwards whoever is still connected; its URL."""
    name = f"test_{next(_numbers)}"
    await server.create_databases([])  # the role
    await _as_superuser(
        server, f"CREATE DATABASE {quoted(name)} OWNER {ROLE} TEMPLATE {quoted(template)} STRATEGY {STRATEGY}"
    )
    try:
        yield server.url(name)
    finally:
        await _as_superuser(server, f"DROP DATABASE {quoted(name)} WITH (FORCE)")


STRATEGY = "FILE_COPY"


async def template_database(
    server: EmbeddedPostgres, name: str, migrate: Callable[[str], Awaitable[None] | None]
) -> str:
    """Make, once a server, a database migrated by `migrate(url)`, to copy from; its name."""
    template = f"template_{name}"
    if template not in server.__dict__.setdefault("_templates", set()):
        await server.create_databases([template])
        done = migrate(server.url(template))
        if done is not None:
            await done
        server.__dict__["_templates"].add(template)
    return template


async def _as_superuser(server: EmbeddedPostgres, statement: str) -> None:
    connection = await asyncpg.connect(server.superuser_dsn(), ssl=False)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
