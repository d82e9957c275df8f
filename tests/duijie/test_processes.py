"""What a process apart needs before it may start: settings, a database new enough, topics."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.settings import KafkaSettings, ProcessSettings, ServiceSettings
from contracts.topics import DAY_MS, TOPICS, declared
from duijie import processes
from duijie.databases import DATABASES
from duijie.postgres import EmbeddedPostgres
from duijie.problems import DatabaseTooOld, SettingMissing
from gateway.settings import GatewaySettings
from tests.support.kafka import set_on
from tests.support.postgres import fresh_database, template_database


@pytest.fixture
async def listing_url(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A migrated database of the listing service, named in the environment."""
    template = await template_database(postgres, "listing", DATABASES["listing"].migrate)
    async with fresh_database(postgres, template) as url:
        monkeypatch.setenv("DUIJIE_LISTING_DATABASE_URL", url)
        monkeypatch.setenv("DUIJIE_JWKS_URL", "http://127.0.0.1:1/jwks")
        yield url


async def execute(url: str, statement: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.exec_driver_sql(statement)
    await engine.dispose()


async def api_of(service: str) -> None:
    async with AsyncExitStack() as stack:
        await processes.APIS[service](ProcessSettings(), stack)


@pytest.mark.parametrize("settings", [KafkaSettings, GatewaySettings, ServiceSettings])
def test_a_missing_setting_is_named_as_the_variable_that_it_is(settings: type[ServiceSettings]) -> None:
    with pytest.raises(SettingMissing) as refused:
        processes.told(settings)
    prefix = settings.model_config.get("env_prefix", "").upper()
    for name, field in settings.model_fields.items():
        assert (f"{prefix}{name.upper()} (" in str(refused.value)) == field.is_required()


def test_what_a_setting_holds_is_not_in_the_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIJIE_LISTING_DATABASE_URL", "postgresql://secret@host/name")
    monkeypatch.setenv("DUIJIE_LISTING_DATABASE_POOL", "none")
    with pytest.raises(SettingMissing, match="DUIJIE_LISTING_DATABASE_POOL") as refused:
        processes.told(processes._settings_of("listing"))
    assert "secret" not in str(refused.value)


async def test_an_api_starts_over_a_database_at_its_version(listing_url: str) -> None:
    await api_of("listing")


async def test_and_over_a_newer_one_for_the_upgrade_goes_on(listing_url: str) -> None:
    await execute(listing_url, "UPDATE alembic_version SET version_num = '9999'")
    await api_of("listing")


async def test_but_not_over_an_older_or_an_empty_one(listing_url: str) -> None:
    await execute(listing_url, "UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(DatabaseTooOld, match=r"at version 0000 .* run `duijie migrate listing` first"):
        await api_of("listing")
    await execute(listing_url, "DROP TABLE alembic_version")
    with pytest.raises(DatabaseTooOld, match="is empty"):
        await api_of("listing")


async def test_it_starts_while_its_database_is_away(monkeypatch: pytest.MonkeyPatch, listing_url: str) -> None:
    monkeypatch.setenv("DUIJIE_LISTING_DATABASE_URL", "postgresql+asyncpg://nobody@127.0.0.1:1/none")
    await api_of("listing")


async def test_it_has_to_know_where_the_keys_are(monkeypatch: pytest.MonkeyPatch, listing_url: str) -> None:
    monkeypatch.delenv("DUIJIE_JWKS_URL")
    with pytest.raises(SettingMissing, match="DUIJIE_JWKS_URL"):
        await api_of("listing")


async def test_a_migration_brings_an_empty_database_to_the_newest_version(
    monkeypatch: pytest.MonkeyPatch, postgres: EmbeddedPostgres
) -> None:
    async with fresh_database(postgres) as url:
        monkeypatch.setenv("DUIJIE_LISTING_DATABASE_URL", url)
        monkeypatch.setenv("DUIJIE_JWKS_URL", "http://127.0.0.1:1/jwks")
        await processes.migrate(["listing"])
        await processes.migrate(["listing"])
        await api_of("listing")


async def test_a_gateway_with_a_key_that_is_none_says_so_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LISTING", "MATCHING", "LOGISTICS"):
        monkeypatch.setenv(f"DUIJIE_GATEWAY_{name}_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("DUIJIE_GATEWAY_DATABASE_URL", "postgresql+asyncpg://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("DUIJIE_GATEWAY_SIGNING_KEY", "no key at all")
    monkeypatch.setenv("DUIJIE_GATEWAY_PERSONAL_DATA_KEY", "short")
    with pytest.raises(SettingMissing, match="A key of the gateway") as refused:
        await api_of("gateway")
    assert "no key at all" not in str(refused.value)


def test_each_service_has_both_its_processes() -> None:
    assert processes.APIS.keys() == processes.WORKERS.keys() == DATABASES.keys()
    assert {topic.name.split(".")[0] for topic in TOPICS} == DATABASES.keys()


async def test_topics_are_made_and_kept_as_declared_and_a_second_time_nothing_changes(
    kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUIJIE_KAFKA_BOOTSTRAP", kafka_bootstrap)
    await processes.apply_topics()
    assert await processes.absent_topics() == []
    kept = {topic.name: await set_on(kafka_bootstrap, topic.name) for topic in (TOPICS[0], TOPICS[0].dead_letters)}
    assert [each["retention.ms"] for each in kept.values()] == [str(7 * DAY_MS), str(30 * DAY_MS)]
    assert {each["min.insync.replicas"] for each in kept.values()} == {"1"}
    assert await processes.apply_topics() == []
    assert {name: await set_on(kafka_bootstrap, name) for name in kept} == kept


@pytest.mark.parametrize(("replication", "in_sync"), [(1, "1"), (2, "2"), (3, "2")])
def test_an_event_is_acknowledged_by_two_brokers_where_there_are_two(replication: int, in_sync: str) -> None:
    for topic in declared():
        assert processes._kept(topic, replication)["min.insync.replicas"] == in_sync
