"""The timer: how often, and when not at all."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from chassis.db import Database, WriteSession
from chassis.solvers import Solver
from services.matching.optimiser.clear import Limits
from services.matching.optimiser.market import Market
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import Policy
from services.matching.rounds import snapshot, writing
from services.matching.rounds.models import Round
from services.matching.rounds.pool import SolverPool
from services.matching.rounds.snapshot import Snapshot
from services.matching.rounds.timer import Timer
from tests.services.matching.scene import Scene, books_balance


@asynccontextmanager
async def timing(scene: Scene) -> AsyncIterator[None]:
    """The timer with solvers of its own, as a worker runs it."""
    task = asyncio.create_task(Timer(scene.db, SolverPool(1)).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Harmed(SolverPool):
    """One real process, which is harmed each time that it is at work on the market of these listings."""

    def __init__(self, harm: signal.Signals, harmed: tuple[str, ...]) -> None:
        super().__init__(1, timeout_s=2)
        self.harm, self.harmed = harm, harmed

    async def _ask(self, solver: Solver, do: Callable[..., Plan], *question: object) -> Plan:
        asking = asyncio.create_task(super()._ask(solver, do, *question))
        while isinstance(market := question[0], Market) and market.listings.ids == self.harmed and not asking.done():
            if solver.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(solver.pid, self.harm)
            await asyncio.sleep(0.01)
        return await asking


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


async def test_a_market_that_can_not_be_written_stops_no_other_and_is_left_alone_for_a_while(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for produce in ("garlic", "strawberry"):
        await scene.lot(produce=produce)
        await scene.order(produce=produce)
    tried: list[str] = []
    write = writing.write

    async def failing(session: WriteSession, seen: Snapshot, plan: Plan, **how: Any) -> Round:
        tried.append(seen.produce)
        assert seen.produce != "garlic", "as planned"
        return await write(session, seen, plan, **how)

    monkeypatch.setattr(writing, "write", failing)
    timer = Timer(scene.db, scene.pool)
    await timer.clear_changed()
    await timer.clear_changed()
    assert [match.produce for match in await scene.matches()] == ["strawberry"]
    assert sorted(tried) == ["garlic", "strawberry"]

    monkeypatch.setattr(writing, "write", write)
    monkeypatch.setattr("services.matching.rounds.timer.LEAVE_ALONE_S", 0)
    await Timer(scene.db, scene.pool).clear_changed()
    assert [match.produce for match in await scene.matches()] == ["strawberry", "garlic"]
    await books_balance(scene.db)


@pytest.mark.parametrize("harm", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_market_whose_solver_is_killed_or_hangs_stops_no_other_and_is_cleared_later(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, harm: signal.Signals
) -> None:
    for produce in ("garlic", "strawberry"):
        await scene.lot(produce=produce)
        await scene.order(produce=produce)
    pool = Harmed(harm, (await snapshot.take(scene.db, "garlic")).market.listings.ids)
    await pool.start()
    try:
        timer = Timer(scene.db, pool)
        await timer.clear_changed()
        assert [match.produce for match in await scene.matches()] == ["strawberry"]
        monkeypatch.setattr("services.matching.rounds.timer.LEAVE_ALONE_S", 0)
        pool.harmed = ()
        pool.timeout_s = 20
        await Timer(scene.db, pool).clear_changed()
    finally:
        await pool.stop()
    assert [match.produce for match in await scene.matches()] == ["strawberry", "garlic"]
    await books_balance(scene.db)


class Held(SolverPool):
    """Its processes answer about the market of these listings when they are let."""

    def __init__(self, held: tuple[str, ...]) -> None:
        super().__init__(1)
        self.held, self.asked, self.let = held, 0, asyncio.Event()

    async def clear(
        self,
        market: Market,
        policy: Policy,
        now_us: int,
        limits: Limits | None = None,
        changed: Collection[str] | None = None,
    ) -> Plan:
        if market.listings.ids == self.held:
            self.asked += 1
            await self.let.wait()
        return await super().clear(market, policy, now_us, limits, changed)


async def test_a_slow_market_holds_up_no_other_and_is_not_begun_twice(scene: Scene) -> None:
    await set_interval(scene, 0.05)
    for produce in ("garlic", "strawberry"):
        await scene.lot(produce=produce)
        await scene.order(produce=produce)
    pool = Held((await snapshot.take(scene.db, "garlic")).market.listings.ids)
    timer = asyncio.create_task(Timer(scene.db, pool).run())
    try:
        for count in (1, 2):

            async def made(count: int = count) -> bool:
                return len(await scene.matches()) == count

            await until(made)
            await scene.lot(produce="strawberry")
            await scene.order(produce="strawberry")
        assert {match.produce for match in await scene.matches()} == {"strawberry"}
        assert pool.asked == 1
        pool.let.set()

        async def all_made() -> bool:
            return [match.produce for match in await scene.matches()].count("garlic") == 1

        await until(all_made)
    finally:
        timer.cancel()
        await asyncio.gather(timer, return_exceptions=True)
    await books_balance(scene.db)


async def test_while_the_database_is_away_a_market_waits_without_being_left_alone(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.lot()
    await scene.order()
    take = snapshot.take

    async def away(db: Database, produce: str) -> Snapshot:
        raise ConnectionRefusedError

    monkeypatch.setattr(snapshot, "take", away)
    timer = Timer(scene.db, scene.pool)
    await timer.clear_changed()
    assert await scene.matches() == []
    monkeypatch.setattr(snapshot, "take", take)
    await timer.clear_changed()
    assert len(await scene.matches()) == 1


@pytest.mark.parametrize("seconds", [0, 0.001, 1, 86_400])
async def test_any_interval_up_to_a_day_is_taken_and_stands(scene: Scene, seconds: float) -> None:
    await set_interval(scene, seconds)
    await set_interval(scene, seconds)  # the same again is the same


@pytest.mark.parametrize("seconds", [-0.001, 86_400.001])
async def test_an_interval_just_beyond_is_refused(scene: Scene, seconds: float) -> None:
    admin = scene.issuer.caller("admin")
    answer = await scene.client.put("/v1/rounds/interval", json={"seconds": seconds}, headers=admin)
    assert answer.status_code == 422
    missing = await scene.client.put("/v1/rounds/interval", json={}, headers=admin)
    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "#/seconds")


async def test_before_anybody_sets_it_the_interval_is_a_second(scene: Scene) -> None:
    answer = await scene.client.get("/v1/rounds/interval", headers=scene.issuer.caller("supervisor"))
    assert answer.json() == {"seconds": 1}
