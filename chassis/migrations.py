"""Alembic, one tree a service: `<service>/migrations/` holds its versions, `chassis/alembic/` what they share.

Each migration is a transaction of its own: what it has locked is free before the next waits for anything. One that
can't have its locks soon gives up, for all that comes to a table waits behind who waits for all of it. The indexes of
tables that are written to all the time are made beside those who write, outside any transaction.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

SHARED = Path(__file__).parent / "alembic"
MIGRATION_LOCK = text(f"SELECT pg_try_advisory_lock({0x6D696772})")  # "migr"
"""Two processes that start at once migrate one after the other."""
LOOKS_EVERY_S = 0.1
LOCKED_WITHIN_MS = 5000


async def migrate(url: str, versions: Path, to: str = "head") -> None:
    """Bring the database at `url` up to a version of the tree in `versions`, by default the newest.

    When one fails, those before it stand, and the next call goes on with it.
    """
    from alembic import command

    await _with_config(url, versions, (), lambda config: command.upgrade(config, to))


async def write_migration(url: str, versions: Path, metadata: MetaData, why: str) -> None:
    """Write what the tables of `metadata` have and the database at `url` has not as the tree's next version."""
    from alembic import command

    number = f"{len(list(versions.glob('[0-9]*.py'))) + 1:04d}"
    await _with_config(
        url,
        versions,
        (metadata,),
        lambda config: command.revision(config, message=why, autogenerate=True, rev_id=number),
    )


async def difference(url: str, versions: Path, metadata: MetaData) -> list[Any]:
    """What the database at `url` lacks of the tables, or has beside them; empty when they are equal."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from chassis.tables import METADATA

    found: list[Any] = []

    def compare(config: Any) -> None:
        context = MigrationContext.configure(config.attributes["connection"])
        found.extend(compare_metadata(context, [METADATA, metadata]))  # type: ignore[arg-type]

    await _with_config(url, versions, (metadata,), compare)
    return found


def index_beside_writers(name: str, table: str, columns: Sequence[str], **how: Any) -> None:
    """Within a migration: make an index of a table while others go on writing to it.

    PostgreSQL waits for all who are at work on the table by then, and nobody waits for it. One that was cut off in
    the middle leaves an index that can't be used, and which the next call makes anew.
    """
    from alembic import op

    with _beside_writers():
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, table, columns, postgresql_concurrently=True, **how)


def drop_index_beside_writers(name: str, table: str) -> None:
    """Within a migration: drop an index of a table while others go on writing to it; none is dropped already."""
    from alembic import op

    with _beside_writers():
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)


@contextmanager
def _beside_writers() -> Iterator[None]:
    from alembic import op

    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        yield
        op.execute(f"SET lock_timeout = {LOCKED_WITHIN_MS}")


async def _with_config(url: str, versions: Path, metadata: tuple[MetaData, ...], do: Callable[[Any], object]) -> None:
    from alembic.config import Config

    def run(connection: Connection) -> None:
        connection.exec_driver_sql(f"SET lock_timeout = {LOCKED_WITHIN_MS}")
        connection.commit()
        config = Config()
        config.set_main_option("script_location", str(SHARED).replace("%", "%%"))
        config.set_main_option("version_locations", str(versions).replace("%", "%%"))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        config.attributes.update(connection=connection, metadata=metadata)
        do(config)

    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            await _take_turn(connection)
            await connection.run_sync(run)
    finally:
        await engine.dispose()


async def _take_turn(connection: AsyncConnection) -> None:
    """Wait for the lock of migrations, and have it as long as the connection.

    Not within a statement: who makes an index beside writers would wait for that one, too.
    """
    while not await connection.scalar(MIGRATION_LOCK):
        await connection.commit()
        await asyncio.sleep(LOOKS_EVERY_S)
    await connection.commit()
