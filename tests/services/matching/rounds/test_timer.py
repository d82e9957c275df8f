"""The timer: how often, and when not at all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from services.matching.rounds.pool import SolverPool
from services.matching.rounds.timer import Timer
from tests.services.matching.scene import Scene


@asynccontextmanager
async def timing(scene: Scene) -> AsyncIterator[None]:
    """The timer with solvers of its own, as a worker runs it."""
    task = asyncio.create_task(Timer(scene.db, SolverPool(1)).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(fact: Callable[[], Awaitable[bool]], within_s: float = 30) -> None:
    async with asyncio.timeout(within_s):
        while not await fact():
            await asyncio.sleep(0.05)


async def set_interval(scene: Scene, seconds: float) -> None:
    admin = scene.issuer.caller("admin")
    answer = await scene.client.put("/v1/rounds/interval", json={"seconds": seconds}, headers=admin)
    assert (answer.status_code, answer.json()) == (200, {"seconds": seconds})
    assert (await scene.client.get("/v1/rounds/interval", headers=admin)).json() == {"seconds": seconds}


async def test_changed_markets_are_cleared_without_being_asked(scene: Scene) -> None:
    async with timing(scene):
        for count in (1, 2):
            await scene.lot()
            await scene.order()

            async def made(count: int = count) -> bool:
                return len(await scene.matches()) == count

            await until(made)


async def test_with_an_interval_of_0_rounds_run_on_demand_only_until_it_is_set_again(scene: Scene) -> None:
    await set_interval(scene, 0)
    async with timing(scene):
        await scene.lot()
        await scene.order()
        await asyncio.sleep(2.5)
        assert await scene.matches() == []
        await set_interval(scene, 0.1)

        async def made() -> bool:
            return len(await scene.matches()) == 1

        await until(made)
