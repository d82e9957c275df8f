"""The processes of Duijie apart: the API and the worker of each service, wired from the environment.

A process imports only its own service, so that it starts light.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from socket import socket
from typing import Any, NamedTuple, NoReturn, TypeVar

import structlog
from fastapi import FastAPI
from pydantic import ValidationError
from pydantic_settings import BaseSettings
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from chassis.app import create_worker_app
from chassis.auth import RemoteKeys
from chassis.db import Database, is_transient
from chassis.settings import KafkaSettings, ProcessSettings, ServiceSettings
from chassis.telemetry import configure_logging, described
from chassis.tracing import configure_tracing
from chassis.transport.base import Transport, TransportUnavailable
from chassis.transport.kafka import KafkaTransport
from chassis.transport.kafka_topics import ensure_topics, found_topics
from chassis.worker import Task, Worker
from contracts.topics import DAY_MS, Topic, declared
from duijie.databases import DATABASES, away, lets_nobody_in
from duijie.problems import CannotStart, DatabaseTooOld, SettingMissing, TopicsMissing, TopicsTooNarrow
from duijie.running import listening, serving, told_to_stop, tune_memory, until_either, working

log = structlog.get_logger()

LOOK_S = 5.0  # for the topics, at the start
LOOK_AGAIN_S = 5.0  # when Kafka or the database was away
END_WITHIN_S = 7.0
"""After SIGTERM. What is not done by then is in the database and is done by another process, or the next."""
LAST_WORD_S = 1.0

Settings = TypeVar("Settings", bound=BaseSettings)
Look = Callable[[], Awaitable[bool]]
"""False while nothing can be said. Raises CannotStart for what nobody should run over."""
Watch = Callable[[], Coroutine[Any, Any, NoReturn]]


class Differences(NamedTuple):
    """Between Kafka's topics and those declared; each empty when there are none."""

    missing: list[str]
    narrow: list[str]
    """What has fewer partitions, a sentence each."""
    thin: list[str]
    """What fewer brokers keep than DUIJIE_KAFKA_REPLICATION asks for, a sentence each."""


async def serve(service: str) -> None:
    """Run the API of `service` until SIGINT or SIGTERM. Raises CannotStart."""
    async with _process(f"{service}-api") as (process, listener, stack):
        app = await APIS[service](process, stack)
        watching = await _looked(partial(_check_version, service, app.state.db), "database_too_old")
        await _answer(app, listener, stack, watching)


async def work(service: str) -> None:
    """Run the worker of `service` until SIGINT or SIGTERM. Raises CannotStart."""
    async with _process(f"{service}-worker") as (_, listener, stack):
        kafka = told(KafkaSettings)
        watching = await _looked(_topics_are_there, "topics_missing")
        transport = KafkaTransport(
            kafka.bootstrap,
            timeout_s=kafka.timeout_s,
            session_timeout_s=kafka.session_timeout_s,
            connection=connection_of(kafka),
        )
        await stack.enter_async_context(transport)
        db, worker = await WORKERS[service](transport, stack)
        watching += await _looked(partial(_check_version, service, db), "database_too_old")
        await stack.enter_async_context(working([worker]))
        app = create_worker_app(service, db)
        await _answer(app, listener, stack, watching)


async def migrate(services: Sequence[str]) -> None:
    """Bring the databases of these services to the newest version. Raises CannotStart."""
    for service in services:
        await DATABASES[service].migrate(told(_settings_of(service)).database_url.get_secret_value())


async def apply_topics() -> list[str]:
    """Make the declared topics that are missing, and set how all of them are kept; the names of those made.

    Raises TransportUnavailable, and TopicsTooNarrow before anything is done: with more partitions keys would move while
    records of them wait in others, and come out of their order.
    """
    if narrow := (await compare_topics()).narrow:
        raise TopicsTooNarrow(
            f"{'; '.join(narrow)}: more of them would take keys out of their order. Let consumers read all there is "
            "while nothing is sent, then give each its partitions with `kafka-topics --alter`."
        )
    kafka, topics = told(KafkaSettings), list(declared())
    return await ensure_topics(
        kafka.bootstrap,
        {topic.name: topic.partitions for topic in topics},
        replicas=kafka.replication,
        configs={topic.name: _kept(topic) for topic in topics},
        connection=connection_of(kafka),
    )


def _kept(topic: Topic) -> dict[str, str]:
    """Kafka forgets by whole segments, so one of a week would keep a record of seven days for fourteen.

    Acknowledged by one broker alone, which is Kafka's default, an event would be lost with that broker; a topic that
    has one replica alone gets 1 all the same.
    """
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(topic.retention_ms),
        "segment.ms": str(DAY_MS),
        "min.insync.replicas": "2",
    }


async def compare_topics() -> Differences:
    """How Kafka's topics differ from those declared. Raises TransportUnavailable."""
    kafka, topics = told(KafkaSettings), list(declared())
    found = await found_topics(kafka.bootstrap, connection=connection_of(kafka))
    there = [(topic, found[topic.name]) for topic in topics if topic.name in found]
    return Differences(
        missing=sorted(topic.name for topic in topics if topic.name not in found),
        narrow=[
            f"{topic.name} has {has.partitions} partitions of {topic.partitions}"
            for topic, has in there
            if has.partitions < topic.partitions
        ],
        thin=[
            f"{topic.name} is on {has.replicas} brokers and not on {kafka.replication}"
            for topic, has in there
            if has.replicas < kafka.replication
        ],
    )


def told(settings: type[Settings]) -> Settings:
    """These settings from the environment. Raises SettingMissing, which names the variables but never a value."""
    try:
        return settings()
    except ValidationError as error:
        prefix = settings.model_config.get("env_prefix", "")
        wrong = [f"{prefix}{each['loc'][0]}".upper() + f" ({each['msg']})" for each in error.errors()]
        raise SettingMissing(f"Set in the environment: {', '.join(wrong)}.") from error


def connection_of(kafka: KafkaSettings) -> dict[str, Any]:
    """aiokafka's settings for TLS and SASL. Raises SettingMissing for a file that can't be used."""
    try:
        return kafka.connection()
    except OSError as error:  # ssl.SSLError, too: a file that holds no certificate
        named = [name for name in ("ca_file", "certificate_file", "key_file") if getattr(kafka, name) is not None]
        variables = " or ".join(f"DUIJIE_KAFKA_{name.upper()}" for name in named)
        raise SettingMissing(f"What {variables} names can't be used: {error.strerror or error}.") from error


@asynccontextmanager
async def _process(name: str) -> AsyncIterator[tuple[ProcessSettings, socket, AsyncExitStack]]:
    """A process, as it is called in traces, until its end."""
    process = told(ProcessSettings)
    configure_logging(process.log_level)
    configure_tracing(name)
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(listening(process.port, process.host))
        yield process, listener, stack


async def _answer(app: FastAPI, listener: socket, stack: AsyncExitStack, watching: Sequence[Watch] = ()) -> None:
    """Serve until told to stop, or until one of `watching` raises, which is raised here.

    What then does not answer any more is not waited for beyond END_WITHIN_S.
    """
    stop = told_to_stop()
    watches = [asyncio.create_task(watch()) for watch in watching]
    http = await stack.enter_async_context(serving(app, listener))
    host, port = listener.getsockname()[:2]
    tune_memory()
    print(f"ready http://{host}:{port}", flush=True)
    await until_either(stop, http, *watches)
    _at_the_latest(END_WITHIN_S, _end_in_haste)
    for watch in watches:
        if watch.done():
            watch.result()
        watch.cancel()


def _at_the_latest(within_s: float, end: Callable[[], None]) -> None:
    """In a thread of its own: the event loop may be what hangs."""
    timer = threading.Timer(within_s, end)
    timer.daemon = True
    timer.start()


def _end_in_haste() -> None:
    """Whoever looks after the process should see that something hung, though no work is lost."""
    _at_the_latest(LAST_WORD_S, partial(os._exit, 1))  # the log may be what hangs
    log.error("ended_in_haste", waited_s=END_WITHIN_S)
    os._exit(1)


async def _looked(look: Look, wrong: str) -> list[Watch]:
    """Look once; and what has to look on, while the process runs, when nothing can be said yet. Raises CannotStart."""
    return [] if await look() else [partial(_look_on, look, wrong)]


async def _look_on(look: Look, wrong: str) -> NoReturn:
    """Look until there is an answer, and then wait to be cancelled. Raises CannotStart, logged as the event `wrong`."""
    try:
        while not await look():
            await asyncio.sleep(LOOK_AGAIN_S)
    except CannotStart as error:
        log.error(wrong, error=str(error))
        raise
    while True:
        await asyncio.Event().wait()


async def _topics_are_there() -> bool:
    """False while Kafka is away and nothing can be said. Raises TopicsMissing: what nobody made is never read."""
    try:
        async with asyncio.timeout(LOOK_S):
            missing, narrow, _ = await compare_topics()
    except (TransportUnavailable, TimeoutError) as error:
        log.warning("kafka_not_there", error=described(error))
        return False
    if missing:
        raise TopicsMissing(f"Kafka has no topic {', '.join(missing)}: run `duijie topics apply` first.")
    if narrow:  # fewer workers can share the work, no more than that; and who should drain them has to run
        log.warning("topics_narrow", topics=narrow)
    return True


async def _check_version(service: str, db: Database) -> bool:
    """False while the database is away. Raises DatabaseTooOld, and DatabaseAway when it lets nobody in.

    An older database lacks what this program needs; a newer one has it still (expand, then contract).
    """
    needed = DATABASES[service].newest
    try:
        async with db.reading() as session:
            found = await session.scalar(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError:
        found = None
    except Exception as error:
        if lets_nobody_in(error):
            raise away(service, error) from error
        if not is_transient(error):
            raise
        log.warning("database_not_there", service=service, error=type(error).__name__)
        return False
    if found is None or found < needed:
        raise DatabaseTooOld(
            f"The database of {service} is {'empty' if found is None else f'at version {found}'} and has to be at "
            f"{needed}: run `duijie migrate {service}` first."
        )
    return True


async def _database(service: str, settings: ServiceSettings, stack: AsyncExitStack) -> Database:
    db = Database(
        settings.database_url.get_secret_value(), source=f"/duijie/{service}", pool_size=settings.database_pool
    )
    stack.push_async_callback(db.close)
    return db


async def _keys(process: ProcessSettings, stack: AsyncExitStack) -> RemoteKeys:
    if not process.jwks_url:
        raise SettingMissing("Set in the environment: DUIJIE_JWKS_URL, where the gateway publishes its keys.")
    keys = RemoteKeys(process.jwks_url)
    stack.push_async_callback(keys.aclose)
    return keys


async def _gateway_api(_: ProcessSettings, stack: AsyncExitStack) -> FastAPI:
    from gateway.accounts.vault import Vault
    from gateway.app import create_gateway
    from gateway.proxy import Remote
    from gateway.settings import GatewaySettings
    from gateway.tokens import Signer

    settings = told(GatewaySettings)
    try:
        signer = Signer.from_pem(settings.signing_key.get_secret_value())
        vault = Vault.from_base64(settings.personal_data_key.get_secret_value())
    except ValueError as error:
        raise SettingMissing(f"A key of the gateway can't be used: {error}.") from error
    services = {
        "listing": Remote(settings.listing_url),
        "matching": Remote(settings.matching_url),
        "logistics": Remote(settings.logistics_url),
    }
    for service in services.values():
        stack.push_async_callback(service.aclose)
    return create_gateway(
        await _database("gateway", settings, stack),
        signer,
        vault,
        services,
        client_ttl=timedelta(seconds=settings.client_token_ttl_s),
        person_ttl=timedelta(seconds=settings.person_token_ttl_s),
    )


async def _listing_api(process: ProcessSettings, stack: AsyncExitStack) -> FastAPI:
    from services.listing.app import create_listing_app
    from services.listing.settings import ListingSettings

    db = await _database("listing", told(ListingSettings), stack)
    return create_listing_app(db, await _keys(process, stack))


async def _matching_api(process: ProcessSettings, stack: AsyncExitStack) -> FastAPI:
    from services.matching.app import create_matching_app
    from services.matching.rounds.pool import SolverPool
    from services.matching.settings import MatchingSettings

    settings = told(MatchingSettings)
    db = await _database("matching", settings, stack)
    keys = await _keys(process, stack)
    solvers = SolverPool(settings.solvers)
    # as a worker's task, which begins again when no solver could be started
    await stack.enter_async_context(working([Worker("matching", [Task("solvers", solvers.run)])]))
    return create_matching_app(db, keys, solvers)


async def _logistics_api(process: ProcessSettings, stack: AsyncExitStack) -> FastAPI:
    from services.logistics.app import create_logistics_app
    from services.logistics.routes.solving import FleetSolver
    from services.logistics.settings import LogisticsSettings

    db = await _database("logistics", told(LogisticsSettings), stack)
    solver = FleetSolver()
    stack.push_async_callback(solver.stop)
    return create_logistics_app(db, await _keys(process, stack), solver)


async def _gateway_worker(transport: Transport, stack: AsyncExitStack) -> tuple[Database, Worker]:
    from gateway.worker import create_gateway_worker

    db = await _database("gateway", told(_settings_of("gateway")), stack)
    return db, create_gateway_worker(db, transport)


async def _listing_worker(transport: Transport, stack: AsyncExitStack) -> tuple[Database, Worker]:
    from services.listing.worker import create_listing_worker

    db = await _database("listing", told(_settings_of("listing")), stack)
    return db, create_listing_worker(db, transport)


async def _matching_worker(transport: Transport, stack: AsyncExitStack) -> tuple[Database, Worker]:
    from services.matching.rounds.pool import SolverPool
    from services.matching.settings import MatchingSettings
    from services.matching.worker import create_matching_worker

    settings = told(MatchingSettings)
    db = await _database("matching", settings, stack)
    return db, create_matching_worker(db, transport, SolverPool(settings.solvers))


async def _logistics_worker(transport: Transport, stack: AsyncExitStack) -> tuple[Database, Worker]:
    from services.logistics.roads import Roads
    from services.logistics.settings import LogisticsSettings
    from services.logistics.worker import create_logistics_worker

    settings = told(LogisticsSettings)
    db = await _database("logistics", settings, stack)
    roads = None
    if settings.roads is not None:
        roads = Roads(settings.roads, str(settings.roads_url))
        stack.push_async_callback(roads.aclose)
    return db, create_logistics_worker(db, transport, planners=settings.planners, roads=roads)


def _settings_of(service: str) -> type[ServiceSettings]:
    """Where a service's database is; all that a migration or a plain worker needs to be told."""
    prefix = f"DUIJIE_{service.upper()}_"
    return type("DatabaseSettings", (ServiceSettings,), {"model_config": {"env_prefix": prefix, "extra": "ignore"}})


APIS: dict[str, Callable[[ProcessSettings, AsyncExitStack], Coroutine[Any, Any, FastAPI]]] = {
    "gateway": _gateway_api,
    "listing": _listing_api,
    "matching": _matching_api,
    "logistics": _logistics_api,
}
WORKERS: dict[str, Callable[[Transport, AsyncExitStack], Coroutine[Any, Any, tuple[Database, Worker]]]] = {
    "gateway": _gateway_worker,
    "listing": _listing_worker,
    "matching": _matching_worker,
    "logistics": _logistics_worker,
}
