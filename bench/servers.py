"""The servers that benchmarks stand on: PostgreSQL that is durable, and Apache Kafka, both on a real disk."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import uuid4

from deploy.kafka.broker import Broker
from duijie.databases import DATABASES
from duijie.postgres import EmbeddedPostgres


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that the database's own user may walk through. Not in memory: there a commit costs nothing."""
    made = Path(tempfile.mkdtemp(prefix="duijie-bench-", dir="/var/tmp"))
    made.chmod(0o711)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@asynccontextmanager
async def postgres(*services: str) -> AsyncIterator[EmbeddedPostgres]:
    """A server with the migrated databases of these services. It waits for the disk, as in production."""
    with folder() as place:
        server = EmbeddedPostgres(place / "postgres", durable=True)
        try:
            await asyncio.to_thread(server.start)
            await server.create_databases(services)
            for name in services:
                await DATABASES[name].migrate(server.url(name))
            yield server
        finally:
            await asyncio.to_thread(server.stop)


@asynccontextmanager
async def kafka() -> AsyncIterator[Broker]:
    """One broker without topics."""
    with folder() as place:
        broker = Broker(place / "kafka")
        try:
            await asyncio.to_thread(broker.start)
            yield broker
        finally:
            await asyncio.to_thread(broker.stop)


def new_group() -> str:
    """A consumer group that has read nothing yet."""
    return f"bench-{uuid4().hex[:8]}"
