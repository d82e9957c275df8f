"""What a process apart needs before it may start: settings, a database new enough, topics."""

import asyncio
import json
import os
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from unittest.mock import AsyncMock

import httpx
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine
from structlog.testing import capture_logs

from chassis.settings import KafkaSettings, ProcessSettings, ServiceSettings
from chassis.solvers import SolverDied
from chassis.transport.base import TransportUnavailable
from chassis.vault import new_vault_key
from contracts.topics import TOPICS
from deploy.kafka.broker import Broker
from duijie import cli, processes, wiring
from duijie.databases import DATABASES
from duijie.postgres import EmbeddedPostgres
from duijie.problems import DatabaseAway, DatabaseTooOld, SettingMissing, TopicsMissing
from duijie.processes import Differences
from gateway.settings import GatewaySettings
from services.matching.rounds.pool import SolverPool
from tests.faults.kit.proxy import Proxy
from tests.support.kafka import start_or_skip
from tests.support.postgres import fresh_database, template_database
from tests.support.services import client_of

SOONER = "from duijie import __main__, processes; processes.LOOK_AGAIN_S = 0.2; __main__.main()"
DUIJIE = (sys.executable, "-c", SOONER)
"""The command, which looks again sooner for what was away."""
NOWHERE = "postgresql+asyncpg://nobody:secret@127.0.0.1:1/none"


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


@pytest.fixture
async def matching_url(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    template = await template_database(postgres, "matching", DATABASES["matching"].migrate)
    async with fresh_database(postgres, template) as url:
        monkeypatch.setenv("DUIJIE_MATCHING_DATABASE_URL", url)
        monkeypatch.setenv("DUIJIE_MATCHING_SOLVERS", "1")
        monkeypatch.setenv("DUIJIE_MATCHING_WEBHOOK_KEY", new_vault_key())
        monkeypatch.setenv("DUIJIE_JWKS_URL", "http://127.0.0.1:1/jwks")
        yield url


async def api_of(service: str) -> None:
    """Made, and held against its database, as at the start of a process."""
    async with AsyncExitStack() as stack:
        app = await wiring.APIS[service](ProcessSettings(), stack)
        await processes._check_version(service, app.state.db)


@pytest.mark.parametrize("settings", [KafkaSettings, GatewaySettings, ServiceSettings])
def test_a_missing_setting_is_named_as_the_variable_that_it_is(settings: type[ServiceSettings]) -> None:
    with pytest.raises(SettingMissing) as refused:
        wiring.told(settings)
    prefix = settings.model_config.get("env_prefix", "").upper()
    for name, field in settings.model_fields.items():
        assert (f"{prefix}{name.upper()} (" in str(refused.value)) == field.is_required()


def test_what_a_setting_holds_is_not_in_the_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIJIE_LISTING_DATABASE_URL", "postgresql://secret@host/name")
    monkeypatch.setenv("DUIJIE_LISTING_DATABASE_POOL", "none")
    with pytest.raises(SettingMissing, match="DUIJIE_LISTING_DATABASE_POOL") as refused:
        wiring.told(wiring.settings_of("listing"))
    assert "secret" not in str(refused.value)


def test_an_address_without_its_driver_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIJIE_LISTING_DATABASE_URL", "postgresql://someone:secret@host/name")
    with pytest.raises(
        SettingMissing, match=r"DUIJIE_LISTING_DATABASE_URL .*begins with postgresql\+asyncpg://"
    ) as refused:
        wiring.told(wiring.settings_of("listing"))
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
    monkeypatch.setenv("DUIJIE_LISTING_DATABASE_URL", NOWHERE)
    await api_of("listing")


async def test_but_not_over_one_that_lets_nobody_in(monkeypatch: pytest.MonkeyPatch, listing_url: str) -> None:
    monkeypatch.setenv("DUIJIE_LISTING_DATABASE_URL", listing_url.replace("@", "-secret@"))
    with pytest.raises(DatabaseAway, match=r"^The database of listing can't be used: .*\.$") as refused:
        await api_of("listing")
    assert "secret" not in str(refused.value)


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


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (lambda url: NOWHERE, "Connect call failed"),
        (lambda url: url.replace("@", "-secret@"), 'password authentication failed for user "duijie"'),
        (lambda url: url.rpartition("/")[0] + "/none", 'database "none" does not exist'),
    ],
    ids=["away", "password", "name"],
)
def test_a_migration_without_its_database_is_one_sentence_that_says_which(
    wrong: Callable[[str], str],
    why: str,
    postgres: EmbeddedPostgres,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DUIJIE_LISTING_DATABASE_URL", wrong(postgres.url("postgres")))
    monkeypatch.setattr("sys.argv", ["duijie", "migrate", "listing"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("The database of listing can't be used: ")
    assert why in said
    assert "secret" not in said


async def test_a_migration_that_fails_for_its_own_sake_keeps_its_trace(
    monkeypatch: pytest.MonkeyPatch, listing_url: str
) -> None:
    await execute(listing_url, "UPDATE alembic_version SET version_num = '0001'")  # and its tables are there already
    with pytest.raises(ProgrammingError):
        await processes.migrate(["listing"])


async def test_a_gateway_with_a_key_that_is_none_says_so_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LISTING", "MATCHING", "LOGISTICS"):
        monkeypatch.setenv(f"DUIJIE_GATEWAY_{name}_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("DUIJIE_GATEWAY_DATABASE_URL", "postgresql+asyncpg://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("DUIJIE_GATEWAY_SIGNING_KEY", "no key at all")
    monkeypatch.setenv("DUIJIE_GATEWAY_PERSONAL_DATA_KEY", "short")
    with pytest.raises(SettingMissing, match="A key of the gateway") as refused:
        await api_of("gateway")
    assert "no key at all" not in str(refused.value)


async def test_an_api_whose_solvers_did_not_start_says_so_and_starts_them_again(
    monkeypatch: pytest.MonkeyPatch, matching_url: str
) -> None:
    start, memory_is_back = SolverPool.start, asyncio.Event()

    async def start_with_memory(pool: SolverPool) -> None:
        if not memory_is_back.is_set():
            raise SolverDied
        await start(pool)

    async def late(http: httpx.AsyncClient) -> list[str]:
        answer = await http.get("/readyz")
        assert answer.status_code == 200
        return list(answer.json()["late"])

    monkeypatch.setattr(SolverPool, "start", start_with_memory)
    async with AsyncExitStack() as stack, asyncio.timeout(30):
        app = await wiring.APIS["matching"](ProcessSettings(), stack)
        http = await stack.enter_async_context(client_of(app))
        with capture_logs() as logged:
            while len(logged) < 2:
                await asyncio.sleep(0.01)
        assert {(line["event"], line["task"]) for line in logged} == {("task_failed", "solvers")}
        assert await late(http) == ["solvers"]
        memory_is_back.set()
        while await late(http):
            await asyncio.sleep(0.05)
        pids = app.state.solvers.pids
    assert len(pids) == 1
    assert app.state.solvers.pids == ()


@pytest.fixture(params=["absent", "no certificate"])
def wrong_authority(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Named in the environment as the file of those who vouch for brokers."""
    path = tmp_path / "authority.pem"
    if request.param != "absent":
        path.write_text("secret, and no certificate")
    monkeypatch.setenv("DUIJIE_KAFKA_BOOTSTRAP", "127.0.0.1:9")
    monkeypatch.setenv("DUIJIE_KAFKA_SECURITY_PROTOCOL", "SSL")
    monkeypatch.setenv("DUIJIE_KAFKA_CA_FILE", str(path))
    return path


@pytest.mark.usefixtures("wrong_authority")
@pytest.mark.parametrize("ask", [processes.apply_topics, processes.compare_topics, processes._topics_are_there])
async def test_a_certificate_that_cant_be_read_is_one_sentence(ask: Callable[[], Awaitable[object]]) -> None:
    with pytest.raises(SettingMissing, match=r"^What DUIJIE_KAFKA_CA_FILE names can't be used: .*\.$") as refused:
        await ask()
    assert "secret" not in str(refused.value)


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AsyncMock]:
    """Answers these, one after the other, to whoever looks for topics."""

    def answer(*answers: object) -> AsyncMock:
        looked = AsyncMock(side_effect=answers)
        monkeypatch.setattr(processes, "compare_topics", looked)
        monkeypatch.setattr(processes, "LOOK_AGAIN_S", 0.001)
        return looked

    return answer


async def test_topics_are_looked_for_until_kafka_has_answered(looking: Callable[..., AsyncMock]) -> None:
    looked = looking(TransportUnavailable(), TimeoutError(), Differences([], [], []))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await processes._look_on(processes._topics_are_there, "topics_missing")
    assert looked.await_count == 3


async def test_those_that_are_missing_are_told_when_kafka_is_back(looking: Callable[..., AsyncMock]) -> None:
    looking(TransportUnavailable(), Differences(["listing.listings.v1"], [], []))
    with capture_logs() as logged, pytest.raises(TopicsMissing, match=r"no topic listing\.listings\.v1: run"):
        await processes._look_on(processes._topics_are_there, "topics_missing")
    assert [line["event"] for line in logged] == ["kafka_not_there", "topics_missing"]


@pytest.mark.parametrize("command", ["serve", "work"])
async def test_a_process_that_began_without_its_database_ends_when_that_comes_back_too_old(
    command: str, listing_url: str
) -> None:
    await execute(listing_url, "UPDATE alembic_version SET version_num = '0000'")
    port = make_url(listing_url).port
    assert port is not None
    with Proxy(port) as proxy:
        proxy.cut()
        told = {
            "DUIJIE_KAFKA_BOOTSTRAP": "127.0.0.1:1",
            "DUIJIE_PORT": "0",
            "DUIJIE_LISTING_DATABASE_URL": listing_url.replace(f":{port}/", f":{proxy.port}/"),
        }
        process = await asyncio.create_subprocess_exec(
            *DUIJIE, command, "listing", env=os.environ | told, stdout=PIPE, stderr=PIPE
        )
        try:
            assert process.stdout is not None
            assert (await process.stdout.readline()).startswith(b"ready ")
            proxy.calm()
            async with asyncio.timeout(30):
                _, said = await process.communicate()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
    assert process.returncode == 1
    assert '"event": "database_too_old"' in said.decode()
    assert said.decode().splitlines()[-1].endswith("run `duijie migrate listing` first.")
    assert "Traceback" not in said.decode()


async def test_a_worker_begins_over_topics_that_are_narrow_and_warns_of_them(looking: Callable[..., AsyncMock]) -> None:
    looking(Differences([], ["listing.listings.v1 has 3 partitions of 12"], ["of no concern to a worker"]))
    with capture_logs() as logged:
        assert await processes._topics_are_there()
    assert [(line["event"], line["topics"]) for line in logged] == [
        ("topics_narrow", ["listing.listings.v1 has 3 partitions of 12"])
    ]


@pytest.mark.long
async def test_a_worker_that_began_without_kafka_ends_when_kafka_comes_without_topics(
    listing_url: str, folder: Path
) -> None:
    broker = Broker(folder)
    told = {"DUIJIE_KAFKA_BOOTSTRAP": broker.bootstrap, "DUIJIE_PORT": "0", "DUIJIE_LISTING_DATABASE_URL": listing_url}
    worker = await asyncio.create_subprocess_exec(
        *DUIJIE, "work", "listing", env=os.environ | told, stdout=PIPE, stderr=PIPE
    )
    try:
        assert worker.stdout is not None
        assert (await worker.stdout.readline()).startswith(b"ready ")
        await asyncio.to_thread(start_or_skip, broker)
        async with asyncio.timeout(30):
            _, said = await worker.communicate()
    finally:
        with suppress(ProcessLookupError):
            worker.kill()
        await asyncio.to_thread(broker.stop, in_haste=True)
    assert worker.returncode == 1
    assert '"event": "topics_missing"' in said.decode()
    assert said.decode().splitlines()[-1].endswith("run `duijie topics apply` first.")
    assert "Traceback" not in said.decode()


ENDING = """
import asyncio, sys
from contextlib import AsyncExitStack
from fastapi import FastAPI
from chassis.telemetry import configure_logging
from duijie import cli, processes
from duijie.running import listening

async def main(hang):
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(listening(0))
        stack.push_async_callback(hang)
        await processes._answer(FastAPI(), listener, stack)

async def sleep_on(): await asyncio.sleep(60)
async def block(): __import__("time").sleep(60)
async def nothing(): pass

configure_logging()
processes.END_WITHIN_S = 0.5
asyncio.run(main(locals()[sys.argv[1]]))
"""


def ended(how: str) -> tuple[int, list[str]]:
    """The status and the log's events of a process that was told to end, and whose end does this."""
    command = [sys.executable, "-c", ENDING, how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready ")
        process.terminate()
        try:
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
    return process.returncode, [json.loads(line)["event"] for line in said.splitlines()]


def test_a_process_ends_cleanly_when_it_is_told_to() -> None:
    assert ended("nothing") == (0, [])


@pytest.mark.parametrize("how", ["sleep_on", "block"])
def test_a_process_that_hangs_at_its_end_is_ended_and_that_is_no_clean_end(how: str) -> None:
    assert ended(how) == (1, ["ended_in_haste"])


def test_each_service_has_both_its_processes() -> None:
    assert wiring.APIS.keys() == wiring.WORKERS.keys() == DATABASES.keys()
    assert {topic.name.split(".")[0] for topic in TOPICS} == DATABASES.keys()
