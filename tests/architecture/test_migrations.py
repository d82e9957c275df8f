"""A database that was migrated has exactly the tables that the models declare."""

from importlib.util import find_spec

import pytest

from chassis.migrations import difference
from duijie.databases import DATABASES, ServiceDatabase

MADE = [each for each in DATABASES.values() if find_spec(f"{each.package}.models") is not None]


@pytest.mark.parametrize("database", MADE, ids=lambda each: each.name)
async def test_migrations_lead_to_the_models(database: ServiceDatabase, postgres_url: str) -> None:
    await database.migrate(postgres_url)
    assert await difference(postgres_url, database.folder, database.metadata) == []


@pytest.mark.parametrize("database", MADE, ids=lambda each: each.name)
async def test_migrating_twice_changes_nothing(database: ServiceDatabase, postgres_url: str) -> None:
    await database.migrate(postgres_url)
    await database.migrate(postgres_url)
    assert await difference(postgres_url, database.folder, database.metadata) == []
