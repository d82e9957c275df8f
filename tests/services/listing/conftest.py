"""The listing service over a database of its own."""

from collections.abc import AsyncIterator

import httpx
import pytest

from chassis.db import Database
from duijie.postgres import EmbeddedPostgres
from services.listing.app import create_listing_app
from tests.support.services import Issuer, client_of, kept_app, service_database


@pytest.fixture
async def db(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    async with service_database(postgres, "listing") as database:
        yield database


@pytest.fixture
async def client(db: Database, issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(kept_app(create_listing_app, db, issuer.keys)) as http:
        yield http
