"""What a standalone platform keeps in its data folder, for the platform itself and for commands beside it.

Imports little, so that `duijie token` is quick.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from chassis.db import Database
from duijie.databases import DATABASES
from duijie.datafolder import DataFolder
from duijie.postgres import EmbeddedPostgres
from gateway.accounts.vault import Vault, new_personal_data_key
from gateway.tokens import Signer, new_signing_key

TRANSPORT_DATABASE = "transport"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What standalone made for itself on its first start."""

    signer: Signer
    vault: Vault

    @classmethod
    def of(cls, folder: DataFolder) -> "Secrets":
        return cls(
            Signer.from_pem(folder.secret("signing-key", new_signing_key)),
            Vault.from_base64(folder.secret("personal-data-key", new_personal_data_key)),
        )


@asynccontextmanager
async def database_server(folder: DataFolder) -> AsyncIterator[EmbeddedPostgres]:
    """The folder's PostgreSQL, started for as long as the block lasts, with every database at its newest version."""
    server = EmbeddedPostgres(folder.path / "postgres")
    try:
        await asyncio.to_thread(server.start)
        await server.create_databases([*DATABASES, TRANSPORT_DATABASE])
        for name, database in DATABASES.items():
            await database.migrate(server.url(name))
        yield server
    finally:
        await asyncio.to_thread(server.stop)


@asynccontextmanager
async def gateway_database(folder: DataFolder) -> AsyncIterator[Database]:
    """The accounts of this folder, whether its platform runs now or not."""
    run = folder.current_run()
    async with AsyncExitStack() as stack:
        if run is not None:
            server = EmbeddedPostgres(folder.path / "postgres", port=run.database_port)
        else:
            folder.take()
            stack.callback(folder.give_back)
            server = await stack.enter_async_context(database_server(folder))
        db = Database(server.url("gateway"), source="/duijie/gateway")
        stack.push_async_callback(db.close)
        yield db
