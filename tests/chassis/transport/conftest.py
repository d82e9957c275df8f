"""The two transports, each on its real server, behind what the contract needs of a server."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from chassis.transport.base import Transport
from chassis.transport.kafka import KafkaTransport
from chassis.transport.kafka_topics import ensure_topics
from chassis.transport.postgres import PostgresTransport
from deploy.kafka.broker import Broker
from duijie.postgres import EmbeddedPostgres, free_port
from tests.support.kafka import start_or_skip
from tests.support.postgres import temporary_folder

BOTH = ["postgres", "kafka"]
TIMEOUT_S = 2.0
SESSION_TIMEOUT_S = 4.0


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
        return KafkaTransport(self.bootstrap, timeout_s=TIMEOUT_S, session_timeout_s=SESSION_TIMEOUT_S)

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
    """A server of one test's own, to be started and stopped by it."""

    @property
    @abstractmethod
    def backend(self) -> Backend: ...

    @abstractmethod
    async def start(self) -> None: ...

    @abstractmethod
    async def stop(self) -> None: ...


class KafkaServer(Server):
    def __init__(self, folder: Path) -> None:
        self.broker = Broker(folder)

    @property
    def backend(self) -> Backend:
        return KafkaBackend(self.broker.bootstrap)

    async def start(self) -> None:
        await asyncio.to_thread(start_or_skip, self.broker)

    async def stop(self) -> None:
        await asyncio.to_thread(self.broker.stop)


class PostgresServer(Server):
    def __init__(self, folder: Path) -> None:
        self.postgres = EmbeddedPostgres(folder, port=free_port())

    @property
    def backend(self) -> Backend:
        return PostgresBackend(self.postgres.url("events"))

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


@pytest.fixture(params=["postgres", pytest.param("kafka", marks=pytest.mark.long)])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    with temporary_folder() as folder:
        made = (KafkaServer if request.param == "kafka" else PostgresServer)(folder / "server")
        try:
            await made.start()
            yield made
        finally:
            await made.stop()


@pytest.fixture(params=BOTH)
def unreachable(request: pytest.FixtureRequest) -> Transport:
    """A transport to a port where nobody listens."""
    port = free_port()
    if request.param == "kafka":
        return KafkaTransport(f"127.0.0.1:{port}", timeout_s=1.0)
    return PostgresTransport(f"postgresql+asyncpg://nobody:secret@127.0.0.1:{port}/events", timeout_s=1.0)
