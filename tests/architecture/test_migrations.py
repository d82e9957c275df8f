"""A database that was migrated has exactly the tables that the models declare."""

import json
from importlib.util import find_spec

import pytest
from sqlalchemy import select, text

from chassis import migrations
from chassis.db import Database
from chassis.migrations import difference, migrate
from chassis.tables import OUTBOX
from duijie.databases import DATABASES, ServiceDatabase
from duijie.postgres import EmbeddedPostgres
from duijie.problems import DatabaseAway
from tests.support.postgres import fresh_database, template_database

MADE = [each for each in DATABASES.values() if find_spec(f"{each.package}.models") is not None]


@pytest.mark.parametrize("database", MADE, ids=lambda each: each.name)
async def test_migrations_lead_to_the_models_and_a_second_time_change_nothing(
    postgres: EmbeddedPostgres, database: ServiceDatabase
) -> None:
    migrated = await template_database(postgres, database.name, database.migrate)
    async with fresh_database(postgres, migrated) as url:
        assert await difference(url, database.folder, database.metadata) == []
        await database.migrate(url)
        assert await difference(url, database.folder, database.metadata) == []


@pytest.mark.parametrize("database", MADE, ids=lambda each: each.name)
async def test_events_that_wait_are_packed_with_their_headers(database: ServiceDatabase, postgres_url: str) -> None:
    (packing,) = database.folder.glob("*_outbox_packed.py")
    before = f"{int(packing.name[:4]) - 1:04d}"
    told = {"ce_id": "1", "ce_subject": "宿迁", "empty": ""}
    await migrate(postgres_url, database.folder, before)
    db = Database(postgres_url, source="/duijie/test")
    try:
        async with db.engine.begin() as connection:
            row = "INSERT INTO outbox (topic, key, headers, value) VALUES ('t', 'k', cast(:headers AS jsonb), '')"
            for headers in (told, {}):
                await connection.execute(text(row), {"headers": json.dumps(headers)})
        await database.migrate(postgres_url)
        async with db.reading() as session:
            assert (await session.scalars(select(OUTBOX.c.headers).order_by(OUTBOX.c.id))).all() == [told, {}]
    finally:
        await db.close()


async def test_a_migration_that_waits_for_a_table_gives_up_soon_and_those_before_it_stand(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = DATABASES["matching"]
    await migrate(postgres_url, database.folder, "0006")
    monkeypatch.setattr(migrations, "LOCKED_WITHIN_MS", 100)
    db = Database(postgres_url, source="/duijie/test")
    try:
        async with db.engine.begin() as reader:
            await reader.execute(text("LOCK TABLE matches IN ACCESS SHARE MODE"))
            with pytest.raises(DatabaseAway, match="lock timeout"):
                await database.migrate(postgres_url)  # 0008 adds columns to it
            assert await reader.scalar(text("SELECT version_num FROM alembic_version")) == "0007"
        await database.migrate(postgres_url)
        assert await difference(postgres_url, database.folder, database.metadata) == []
    finally:
        await db.close()
