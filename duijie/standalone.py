"""All of Duijie in one process for one machine: the services behind the gateway, an embedded PostgreSQL, no Kafka.

The same code, SQL and events as apart; only this wiring differs.
"""

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from fastapi import FastAPI

from chassis.auth import LocalKeys
from chassis.db import Database
from chassis.outward import Outward
from chassis.retention import pruning_events
from chassis.transport.postgres import PostgresTransport
from chassis.worker import Worker
from contracts.topics import DAY_MS, TOPICS
from duijie.databases import DATABASES
from duijie.datafolder import DataFolder, Run
from duijie.demo.guests import read_guests
from duijie.postgres import EmbeddedPostgres
from duijie.postgres_settings import LOOPBACK
from duijie.running import listening, serving, told_to_stop, tune_memory, until_either, working
from duijie.store import TRANSPORT_DATABASE, Secrets, database_server, webhook_vault
from duijie.wiring import told
from gateway.app import create_gateway
from gateway.proxy import InProcess
from gateway.settings import EdgeSettings
from gateway.worker import create_gateway_worker
from services.listing.app import create_listing_app
from services.listing.worker import create_listing_worker
from services.logistics.app import create_logistics_app
from services.logistics.routes.solving import FleetSolver
from services.logistics.worker import create_logistics_worker
from services.matching.app import create_matching_app
from services.matching.rounds.pool import SolverPool
from services.matching.settings import WebhookSettings
from services.matching.webhooks.delivering import Deliverer
from services.matching.webhooks.service import Desk
from services.matching.worker import create_matching_worker

EVENTS_KEPT_DAYS = max(topic.retention_ms for topic in TOPICS) // DAY_MS


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
        solvers, fleet_solver = SolverPool(), FleetSolver()
        stack.push_async_callback(fleet_solver.stop)
        desk = Desk(webhook_vault(folder), told(WebhookSettings).allow_private_webhooks)
        outward = Outward(allow_private=desk.allow_private)
        stack.push_async_callback(outward.aclose)
        deliverer = Deliverer(dbs["matching"], desk.vault, outward.post)
        services = {
            "listing": create_listing_app(dbs["listing"], keys),
            "matching": create_matching_app(dbs["matching"], keys, solvers, desk),
            "logistics": create_logistics_app(dbs["logistics"], keys, fleet_solver),
        }
        edge = told(EdgeSettings)
        gateway = create_gateway(
            dbs["gateway"],
            secrets.signer,
            secrets.vault,
            {name: InProcess(app) for name, app in services.items()},
            limits=edge.limits(),
            proxies=edge.proxies(),
            guests=partial(read_guests, folder.path),
        )
        yield Platform(
            gateway,
            [
                create_gateway_worker(dbs["gateway"], transport),
                create_listing_worker(dbs["listing"], transport),
                create_matching_worker(dbs["matching"], transport, solvers, deliverer),
                create_logistics_worker(dbs["logistics"], transport),
                Worker("transport", [pruning_events(partial(transport.prune, older_than_days=EVENTS_KEPT_DAYS))]),
            ],
        )


async def serve(folder: DataFolder, port: int, meanwhile: Callable[[str], AbstractContextManager[None]]) -> None:
    """Run the platform on `folder` until SIGINT or SIGTERM. Raises CannotStart.

    `meanwhile(url)` is entered when it answers there, and left before anything of it ends.
    """
    stop = told_to_stop()
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(listening(port))
        folder.take()
        stack.callback(folder.give_back)
        server = await stack.enter_async_context(database_server(folder))
        running = await stack.enter_async_context(platform(folder, server))
        await stack.enter_async_context(working(running.workers))
        http = await stack.enter_async_context(serving(running.app, listener))
        url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        folder.begin_run(Run(os.getpid(), listener.getsockname()[1], url, server.port, datetime.now(UTC).isoformat()))
        tune_memory()
        stack.enter_context(meanwhile(url))
        await until_either(stop, http)
