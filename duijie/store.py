"""What a standalone platform keeps in its data folder, for the platform itself and for commands beside it.

Imports little, so that `duijie token` is quick.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from chassis.db import Database
from chassis.ending import ended
from chassis.transport.postgres import PostgresTransport
from chassis.vault import Vault, new_vault_key
from duijie.databases import DATABASES
from duijie.datafolder import DataFolder
from duijie.keys import KeptKeys
from duijie.postgres import EmbeddedPostgres, free_port
from duijie.problems import CannotStart
from gateway.tokens import Signer

log = structlog.get_logger()

TRANSPORT_DATABASE = "transport"
LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Secrets:
    """What standalone made for itself on its first start."""

    signer: Signer
    vault: Vault

    @classmethod
    def of(cls, folder: DataFolder) -> "Secrets":
        return cls(
            Signer(KeptKeys(folder)),
            Vault.from_base64(folder.secret("personal-data-key", new_vault_key)),
        )


def webhook_vault(folder: DataFolder) -> Vault:
    """What seals the secrets of webhooks; a folder of an earlier release gets its key now."""
    return Vault.from_base64(folder.secret("webhook-key", new_vault_key))


@asynccontextmanager
async def database_server(folder: DataFolder) -> AsyncIterator[EmbeddedPostgres]:
    """The folder's PostgreSQL, started for as long as the block lasts, with every database at its newest version."""
    # a port of its own choice, so that a server that has to be started again is where it was
    server = EmbeddedPostgres(folder.path / "postgres", port=free_port())
    keeper: asyncio.Task[None] | None = None
    try:
        await asyncio.to_thread(server.start)
        await server.create_databases([*DATABASES, TRANSPORT_DATABASE])
        for name, database in DATABASES.items():
            await database.migrate(server.url(name))
        keeper = asyncio.create_task(_keep_running(server))
        yield server
    finally:
        await ended(keeper)
        await asyncio.to_thread(server.stop)


async def _keep_running(server: EmbeddedPostgres) -> None:
    """Start the server again when it dies by itself; meanwhile callers are told to come back."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if not server.running:
            log.error("database_died", folder=str(server.folder))
            try:
                await asyncio.to_thread(server.stop)
                await asyncio.to_thread(server.start)
            except CannotStart as error:
                log.error("database_not_started", reason=str(error))


@asynccontextmanager
async def database_of(folder: DataFolder, service: str) -> AsyncIterator[Database]:
    """The database of a service of this folder, whether its platform runs now or not."""
    async with _server_of(folder) as server:
        db = Database(server.url(service), source=f"/duijie/{service}")
        try:
            yield db
        finally:
            await db.close()


@asynccontextmanager
async def transport_of(folder: DataFolder) -> AsyncIterator[PostgresTransport]:
    """What carries the events of this folder's platform, whether it runs now or not."""
    async with _server_of(folder) as server, PostgresTransport(server.url(TRANSPORT_DATABASE)) as transport:
        yield transport


@asynccontextmanager
async def _server_of(folder: DataFolder) -> AsyncIterator[EmbeddedPostgres]:
    run = folder.current_run()
    if run is not None:
        yield EmbeddedPostgres(folder.path / "postgres", port=run.database_port)
        return
    folder.take()
    try:
        async with database_server(folder) as server:
            yield server
    finally:
        folder.give_back()
