"""The two transports, each on its real server, behind what the contract needs of a server."""

import asyncio
import shutil
import socket
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from chassis.transport.base import Transport
from chassis.transport.kafka import KafkaTransport, ensure_topics
from chassis.transport.postgres import PostgresTransport
from deploy.kafka.broker import Broker
from duijie.postgres import EmbeddedPostgres
from tests.support.kafka import started_broker

BOTH = ["postgres", pytest.param("kafka", marks=pytest.mark.xdist_group("kafka"))]
TIMEOUT_S = 3.0


class Backend(ABC):
    """A server of events. Every `transport()` is a process of its own to it."""

    @abstractmethod
    def transport(self) -> Transport: ...

    @abstractmethod
    async def topic(self, *, partitions: int = 3) -> str:
        """A new, empty topic."""


class KafkaBackend(Backend):
    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def transport(self) -> KafkaTransport:
        return KafkaTransport(self.bootstrap, timeout_s=TIMEOUT_S)

    async def topic(self, *, partitions: int = 3) -> str:
        name = f"test.{uuid4().hex}.v1"
        await ensure_topics(self.bootstrap, {name: partitions})
        return name


class PostgresBackend(Backend):
    def __init__(self, url: str) -> None:
        self.url = url

    def transport(self) -> PostgresTransport:
        return PostgresTransport(self.url, timeout_s=TIMEOUT_S)

    async def topic(self, *, partitions: int = 3) -> str:
        return f"test.{uuid4().hex}.v1"


class Server(ABC):
    """A server of one test's own, to be stopped and started by it."""

    backend: Backend

    @abstractmethod
    async def start(self) -> None: ...

    @abstractmethod
    async def stop(self) -> None: ...


class KafkaServer(Server):
    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.backend = KafkaBackend(broker.bootstrap)

    async def start(self) -> None:
        await asyncio.to_thread(self.broker.start)

    async def stop(self) -> None:
        await asyncio.to_thread(self.broker.stop)


class PostgresServer(Server):
    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self.postgres = postgres
        self.backend = PostgresBackend(postgres.url("events"))

    async def start(self) -> None:
        await asyncio.to_thread(self.postgres.start)
        await self.postgres.create_databases(["events"])

    async def stop(self) -> None:
        await asyncio.to_thread(self.postgres.stop)


@pytest.fixture(params=BOTH)
def backend(request: pytest.FixtureRequest) -> Backend:
    if request.param == "kafka":
        return KafkaBackend(request.getfixturevalue("kafka_bootstrap"))
    return PostgresBackend(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=BOTH)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Not started with PostgreSQL, whose databases are made in the test's loop; `start` does nothing twice."""
    folder = Path(tempfile.mkdtemp(prefix="duijie-transport-"))
    folder.chmod(0o711)  # as root the database is another user
    try:
        yield from _kafka_server(folder) if request.param == "kafka" else _postgres_server(folder)
    finally:
        shutil.rmtree(folder)


def _kafka_server(folder: Path) -> Iterator[Server]:
    broker = started_broker(folder)
    broker.stop()
    try:
        yield KafkaServer(broker)
    finally:
        broker.stop()


def _postgres_server(folder: Path) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    postgres = EmbeddedPostgres(folder / "postgres", port=port)
    try:
        postgres.start()
        postgres.stop()
        yield PostgresServer(postgres)
    finally:
        postgres.stop()
