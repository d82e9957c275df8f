"""A carrier with a van, and a planner without its worker: a test lets it work when it wants."""

from collections.abc import AsyncIterator

import httpx
import pytest

from chassis.db import Database
from services.logistics.routes.planner import Planner
from tests.services.logistics.routes.carrier import Carrier
from tests.support.services import Issuer


@pytest.fixture
async def planner(db: Database) -> AsyncIterator[Planner]:
    """With its process, which is started when it is first needed."""
    made = Planner(db)
    yield made
    await made.solver.stop()


@pytest.fixture
async def carrier(client: httpx.AsyncClient, issuer: Issuer) -> Carrier:
    made = Carrier(client, issuer.caller("carrier"))
    made.van = await made.buys()
    return made
