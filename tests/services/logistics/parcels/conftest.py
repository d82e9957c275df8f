"""Parcels come to any of three processes of the service: what holds at once may not hang on one process's queue."""

from collections.abc import AsyncIterator
from itertools import cycle

import httpx
import pytest

from chassis.db import Database
from services.logistics.app import create_logistics_app
from tests.support.services import Issuer

PROCESSES = 3


class TurnAbout(httpx.AsyncBaseTransport):
    """Each request goes to the next of several applications, as a load balancer sends it."""

    def __init__(self, transports: list[httpx.ASGITransport]) -> None:
        self._turns = cycle(transports)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await next(self._turns).handle_async_request(request)


@pytest.fixture
async def client(db: Database, issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    apps = [create_logistics_app(db, issuer.keys) for _ in range(PROCESSES)]
    transport = TurnAbout([httpx.ASGITransport(app=app, raise_app_exceptions=False) for app in apps])
    async with httpx.AsyncClient(transport=transport, base_url="http://duijie.test") as http:
        yield http
