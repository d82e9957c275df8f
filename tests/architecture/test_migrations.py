"""A database that was migrated has exactly the tables that the models declare."""

import asyncio
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


@pytest.mark.parametrize("version", ["0017", "0019", "0021"])
async def test_indexes_of_matches_are_made_beside_those_who_write_however_long_one_is_at_work(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    database = DATABASES["matching"]
    await migrate(postgres_url, database.folder, f"{int(version) - 1:04d}")
    monkeypatch.setattr(migrations, "LOCKED_WITHIN_MS", 100)
    db = Database(postgres_url, source="/duijie/test")
    write = text("LOCK TABLE matches IN ROW EXCLUSIVE MODE")  # as every INSERT and UPDATE does
    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'virtualxid'")
    try:
        async with db.engine.begin() as slow:
            await slow.execute(write)
            migrating = asyncio.create_task(migrate(postgres_url, database.folder, version))
            async with asyncio.timeout(20), db.engine.connect() as watcher:
                while not await watcher.scalar(waits):
                    await watcher.commit()
                    await asyncio.sleep(0.05)
            await asyncio.sleep(0.3)
            async with db.engine.begin() as other:
                await other.execute(text("SET lock_timeout = 1000"))
                await other.execute(write)
            assert not migrating.done()
        await migrating
    finally:
        await db.close()


async def test_an_index_that_was_cut_off_is_made_anew(postgres_url: str) -> None:
    database = DATABASES["matching"]
    await migrate(postgres_url, database.folder, "0016")
    db = Database(postgres_url, source="/duijie/test")
    try:
        async with db.engine.begin() as connection:
            await connection.execute(text("CREATE INDEX ix_matches_never_agreed_by_buyer ON matches (status)"))
        await database.migrate(postgres_url)
        async with db.engine.begin() as connection:
            indexed = await connection.scalar(
                text("SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_matches_never_agreed_by_buyer'")
            )
        assert "(buyer_id, id)" in indexed
    finally:
        await db.close()


async def test_two_processes_that_start_at_once_migrate_one_after_the_other(postgres_url: str) -> None:
    database = DATABASES["matching"]
    await asyncio.gather(*(database.migrate(postgres_url) for _ in range(3)))
    assert await difference(postgres_url, database.folder, database.metadata) == []
