"""All of Duijie in one process for one machine: the services behind the gateway, an embedded PostgreSQL, no Kafka.

The same code, SQL and events as apart; only this wiring differs.
"""

import asyncio
import errno
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import uvicorn
from fastapi import FastAPI

from chassis.auth import LocalKeys
from chassis.db import Database
from chassis.transport.postgres import PostgresTransport
from chassis.worker import Worker
from duijie.databases import DATABASES
from duijie.datafolder import DataFolder, Run
from duijie.postgres import EmbeddedPostgres
from duijie.problems import PortTaken
from duijie.store import TRANSPORT_DATABASE, Secrets, database_server
from gateway.app import create_gateway
from gateway.proxy import InProcess
from gateway.worker import create_gateway_worker
from services.listing.app import create_listing_app
from services.listing.worker import create_listing_worker
from services.logistics.app import create_logistics_app
from services.logistics.worker import create_logistics_worker
from services.matching.app import create_matching_app
from services.matching.rounds.pool import SolverPool
from services.matching.worker import create_matching_worker

HOST = "127.0.0.1"
DRAIN_S = 5


@dataclass(frozen=True, slots=True)
class Platform:
    """Everything that runs: one application to serve, and the workers behind it."""

    app: FastAPI
    workers: Sequence[Worker]


@asynccontextmanager
async def platform(folder: DataFolder, server: EmbeddedPostgres) -> AsyncIterator[Platform]:
    """Wire the services, the gateway and their workers over one database server."""
    secrets = Secrets.of(folder)
    keys = LocalKeys(secrets.signer.jwks)
    async with AsyncExitStack() as stack:
        dbs = {name: Database(server.url(name), source=f"/duijie/{name}") for name in DATABASES}
        for db in dbs.values():
            stack.push_async_callback(db.close)
        transport = await stack.enter_async_context(PostgresTransport(server.url(TRANSPORT_DATABASE)))
        solvers = SolverPool()
        services = {
            "listing": create_listing_app(dbs["listing"], keys),
            "matching": create_matching_app(dbs["matching"], keys, solvers),
            "logistics": create_logistics_app(dbs["logistics"], keys),
        }
        gateway = create_gateway(
            dbs["gateway"], secrets.signer, secrets.vault, {name: InProcess(app) for name, app in services.items()}
        )
        yield Platform(
            gateway,
            [
                create_gateway_worker(dbs["gateway"], transport),
                create_listing_worker(dbs["listing"], transport),
                create_matching_worker(dbs["matching"], transport, solvers),
                create_logistics_worker(dbs["logistics"], transport),
            ],
        )


async def serve(folder: DataFolder, port: int, meanwhile: Callable[[str], AbstractContextManager[None]]) -> None:
    """Run the platform on `folder` until SIGINT or SIGTERM. Raises CannotStart.

    `meanwhile(url)` is entered when it answers there, and left before anything of it ends.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(listening(port))
        folder.take()
        stack.callback(folder.give_back)
        server = await stack.enter_async_context(database_server(folder))
        running = await stack.enter_async_context(platform(folder, server))
        await stack.enter_async_context(working(running.workers))
        http = await stack.enter_async_context(serving(running.app, listener))
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        folder.begin_run(Run(os.getpid(), listener.getsockname()[1], url, server.port, datetime.now(UTC).isoformat()))
        stack.enter_context(meanwhile(url))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([stopped, http], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """The socket that the platform will answer on; 0 takes a free port."""
    try:
        listener = socket.create_server((HOST, port), backlog=1024)
    except OSError as error:
        why = "is taken by another program" if error.errno == errno.EADDRINUSE else f"can't be used ({error.strerror})"
        raise PortTaken(f"Port {port} of {HOST} {why}; choose another with --port.") from error
    with listener:
        yield listener


@asynccontextmanager
async def working(workers: Sequence[Worker]) -> AsyncIterator[None]:
    """The workers, for as long as the block lasts."""
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Server(uvicorn.Server):
    """Uvicorn without its own signal handlers: here a signal ends more than the HTTP server."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: FastAPI, listener: socket.socket) -> AsyncIterator[asyncio.Task[None]]:
    """The HTTP server, for as long as the block lasts; its task ends early only if it fails."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=DRAIN_S,
        server_header=False,
        proxy_headers=False,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not task.done():
        await asyncio.sleep(0.01)
    try:
        yield task
    finally:
        server.should_exit = True
        await task
