"""One house for the whole campaign; what would spoil it for others is asked of a house of its own."""

from collections.abc import AsyncIterator

import pytest

from duijie.postgres import EmbeddedPostgres
from services.matching.rounds.pool import SolverPool
from tests.security.house import House, running_house
from tests.security.operations import Operation, operations
from tests.security.world import World, build


@pytest.fixture(scope="session")
async def solvers() -> AsyncIterator[SolverPool]:
    pool = SolverPool(1)
    await pool.start()
    yield pool
    await pool.stop()


@pytest.fixture(scope="module")
async def house(postgres: EmbeddedPostgres, solvers: SolverPool) -> AsyncIterator[House]:
    async with running_house(postgres, solvers) as running:
        yield running


@pytest.fixture(scope="module")
async def world(house: House) -> World:
    return await build(house)


@pytest.fixture(scope="module")
def surface(house: House) -> list[Operation]:
    return list(operations(house.document))
