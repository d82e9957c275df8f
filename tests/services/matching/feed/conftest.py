"""The feed over a database of its own, with nothing else of the matching service around it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from chassis.app import create_app
from chassis.db import Database
from services.matching.feed.api import router
from tests.support.services import Issuer, client_of


@pytest.fixture
async def client(db: Database, issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_app("matching", db=db, keys=issuer.keys, routers=[router])) as http:
        yield http
