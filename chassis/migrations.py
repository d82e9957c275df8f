"""Alembic, one tree a service: `services/<name>/migrations/env.py` is two lines that call `run_env`."""

import asyncio
from pathlib import Path

from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.tables import METADATA

MIGRATION_LOCK = 0x6D696772  # "migr": two processes that start at once migrate one after the other


async def migrate(url: str, folder: Path) -> None:
    """Bring the database at `url` to the newest version of the tree in `folder`."""
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade, folder)
    finally:
        await engine.dispose()


def migrate_now(url: str, folder: Path) -> None:
    """The same for callers without an event loop."""
    asyncio.run(migrate(url, folder))


def _upgrade(connection: Connection, folder: Path) -> None:
    from alembic import command
    from alembic.config import Config

    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def run_env(metadata: MetaData) -> None:
    """The body of every env.py: migrate over the connection that `migrate` opened."""
    from alembic import context

    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=[metadata, METADATA],
        compare_server_default=True,
    )
    context.run_migrations()


def create_chassis_tables(connection: Connection) -> None:
    """For the first migration of each service: outbox, inbox, idempotency."""
    METADATA.create_all(connection)


def drop_chassis_tables(connection: Connection) -> None:
    METADATA.drop_all(connection)
