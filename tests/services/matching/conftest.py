"""The matching service over a database of its own, with real solvers."""

from collections.abc import AsyncIterator

import httpx
import pytest

from chassis.db import Database
from duijie.postgres import EmbeddedPostgres
from services.matching.app import create_matching_app
from services.matching.rounds.pool import SolverPool
from tests.services.matching.scene import DESK, Scene
from tests.support.services import Issuer, client_of, kept_app, service_database


@pytest.fixture(scope="session")
async def pool() -> AsyncIterator[SolverPool]:
    """One warm solver for all tests of this process."""
    solvers = SolverPool(1)
    await solvers.start()
    yield solvers
    await solvers.stop()


@pytest.fixture
async def db(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    async with service_database(postgres, "matching") as database:
        yield database


@pytest.fixture
async def client(db: Database, issuer: Issuer, pool: SolverPool) -> AsyncIterator[httpx.AsyncClient]:
    app = kept_app(create_matching_app, db, issuer.keys, pool, DESK)
    app.state.solvers, app.state.webhooks = pool, DESK
    async with client_of(app) as http:
        yield http


@pytest.fixture
def scene(db: Database, client: httpx.AsyncClient, issuer: Issuer, pool: SolverPool) -> Scene:
    return Scene(db, client, issuer, pool)
