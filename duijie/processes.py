"""The processes of Duijie apart: how the API and the worker of each service begin, run and end (`wiring`: of what).

A process imports only its own service, so that it starts light.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from socket import socket
from typing import Any, NamedTuple, NoReturn

import structlog
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from chassis.app import create_worker_app
from chassis.db import Database, is_transient
from chassis.settings import KafkaSettings, ProcessSettings
from chassis.telemetry import configure_logging, described
from chassis.tracing import configure_tracing
from chassis.transport.base import TransportUnavailable
from chassis.transport.kafka import KafkaTransport
from chassis.transport.kafka_topics import ensure_topics, found_topics
from contracts.topics import DAY_MS, Topic, declared
from duijie.databases import DATABASES, away, lets_nobody_in
from duijie.problems import CannotStart, DatabaseTooOld, SettingMissing, TopicsMissing, TopicsTooNarrow
from duijie.running import listening, serving, told_to_stop, tune_memory, until_either, working
from duijie.wiring import APIS, WORKERS, settings_of, told

log = structlog.get_logger()

LOOK_S = 5.0  # for the topics, at the start
LOOK_AGAIN_S = 5.0  # when Kafka or the database was away
END_WITHIN_S = 7.0
"""After SIGTERM. What is not done by then is in the database and is done by another process, or the next."""
LAST_WORD_S = 1.0

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
        await DATABASES[service].migrate(told(settings_of(service)).database_url.get_secret_value())


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
