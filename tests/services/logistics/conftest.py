"""The logistics service over a database of its own."""

from collections.abc import AsyncIterator

import httpx
import pytest

from chassis.db import Database
from duijie.postgres import EmbeddedPostgres
from services.logistics.app import create_logistics_app
from tests.support.services import Issuer, client_of, kept_app, service_database
from tests.support.subsidies import Courier, Office


@pytest.fixture
async def db(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    async with service_database(postgres, "logistics") as database:
        yield database


@pytest.fixture
async def client(db: Database, issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(kept_app(create_logistics_app, db, issuer.keys)) as http:
        yield http


@pytest.fixture
def courier(client: httpx.AsyncClient, issuer: Issuer, db: Database) -> Courier:
    return Courier(client, issuer, db)


@pytest.fixture
def office(client: httpx.AsyncClient, issuer: Issuer) -> Office:
    return Office(client, issuer)
