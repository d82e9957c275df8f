"""A planner without its worker: a test lets it work when it wants."""

from collections.abc import AsyncIterator

import pytest

from chassis.db import Database
from services.logistics.routes.planner import Planner


@pytest.fixture
async def planner(db: Database) -> AsyncIterator[Planner]:
    """With its process, which is started when it is first needed."""
    made = Planner(db)
    yield made
    await made.solver.stop()
