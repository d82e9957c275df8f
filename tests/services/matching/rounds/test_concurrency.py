"""Nothing is promised twice and nothing given back twice, whatever runs at once (I7)."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, update
from sqlalchemy.exc import DBAPIError

from chassis.auth import Caller
from chassis.db import Database, LockTaken, is_transient
from contracts.matches import MatchAgreed, MatchEvent, MatchReleased
from contracts.supply import RemainingChanged
from services.matching.matches import service as matches
from services.matching.matches.models import Match
from services.matching.optimiser.plan import Plan
from services.matching.rounds import service, snapshot, writing
from services.matching.rounds.pool import SolverPool
from tests.services.matching.scene import Scene, books_balance, consume, wanted, withdrawn
from tests.support.services import told

ORDERS, OTHERS = 200, 20


@asynccontextmanager
async def another_process(scene: Scene) -> AsyncIterator[Database]:
    """The same database over connections of its own, which no crowd at the API can use up."""
    url = scene.db.engine.url.render_as_string(hide_password=False)
    db = Database(url, source="/duijie/matching")
    try:
        yield db
    finally:
        await db.close()


async def clear_if_nobody_does(scene: Scene) -> None:
    with suppress(LockTaken):
        await service.clear_changed(scene.db, scene.pool, "strawberry")


@asynccontextmanager
async def runner(scene: Scene, pool: SolverPool) -> AsyncIterator[None]:
    """A worker's rounds without a pause."""
    async with another_process(scene) as db:

        async def run() -> None:
            while True:
                with suppress(LockTaken):
                    await service.clear_changed(db, pool, "strawberry")
                await asyncio.sleep(0.01)

        task = asyncio.create_task(run())
        try:
            yield
            assert not task.done(), task.exception()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def post(scene: Scene, key: str, **order: Any) -> None:
    """As a client does it: again with the same key while the answer is that it should."""
    headers = scene.issuer.caller("platform") | {"Idempotency-Key": key}
    while True:
        answer = await scene.client.post("/v1/orders", json=wanted(**order), headers=headers)
        if answer.status_code == 201:
            return
        assert answer.status_code == 503, answer.text
        await asyncio.sleep(0.1)


async def figures_are_told_in_order(scene: Scene) -> None:
    """Per listing the versions have no gap, and the last one tells what the books say."""
    told: dict[UUID, list[RemainingChanged]] = {}
    for each in await scene.told_of(RemainingChanged):
        told.setdefault(each.listing_id, []).append(each)
    for changes in told.values():
        assert [each.version for each in changes] == list(range(1, len(changes) + 1))
        assert all(each.remaining_g + each.held_g + each.agreed_g == each.quantity_g for each in changes)


@pytest.mark.parametrize("one_at_a_time", [True, False], ids=["with the market's lock", "without it"])
async def test_200_orders_for_100_shares_of_one_listing_agree_exactly_all_of_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, one_at_a_time: bool
) -> None:
    if not one_at_a_time:  # then two runners do solve one market at once, and the database alone keeps it right
        locks = count()
        monkeypatch.setattr(service, "_lock_of", lambda produce: next(locks))
    lot = await scene.lot(quantity_g=1_000_000)
    others = [await scene.lot(auto_agree=False) for _ in range(OTHERS)]

    async def withdraw_others() -> None:
        async with another_process(scene) as db:
            for other in others:
                await asyncio.sleep(random.uniform(0, 0.1))
                await consume(db, withdrawn(other))

    async with runner(scene, scene.pool), runner(scene, scene.pool):
        pinned = [post(scene, f"pinned-{n}", quantity_kg=10, listing_id=str(lot.listing_id)) for n in range(ORDERS)]
        free = [post(scene, f"free-{n}", quantity_kg=10, max_price_fen_per_kg=1900) for n in range(OTHERS)]
        await asyncio.gather(withdraw_others(), *pinned, *free)
    await scene.round()

    made = await scene.matches()
    of_lot = [match for match in made if match.listing_id == lot.listing_id and match.status == "agreed"]
    assert sum(match.quantity_g for match in of_lot) == 1_000_000
    assert {match.status for match in made if match.listing_id != lot.listing_id} <= {"released"}
    assert len(await scene.told_of(MatchAgreed)) == len(of_lot)
    await books_balance(scene.db)
    await figures_are_told_in_order(scene)


async def test_a_yes_and_the_deadline_at_once_have_one_outcome(scene: Scene) -> None:
    outcomes = set()
    for _ in range(12):
        match = await scene.matched(auto_agree=False)

        async def let_lapse() -> None:
            await scene.let_deadlines_pass()
            await asyncio.gather(matches.release_lapsed(scene.db), matches.release_lapsed(scene.db))

        late, *_ = await asyncio.gather(scene.answer(match, "buyer", "agree"), let_lapse())
        after = await scene.match(match.id)
        assert (late.status_code, after.status) in {(200, "agreed"), (409, "released")}
        outcomes.add(after.status)
        assert len([event for event in await scene.told_of(MatchEvent) if event.match_id == match.id]) == 2
        await books_balance(scene.db)
    assert outcomes


async def test_a_yes_in_time_counts_though_it_is_committed_after_the_deadline(scene: Scene) -> None:
    match = await scene.matched(auto_agree=False)
    async with scene.db.transaction() as session:
        await session.execute(update(Match).values(agree_by=func.clock_timestamp() + timedelta(seconds=0.5)))
    buyer = Caller(account_id=match.buyer_id, role="platform")
    async with scene.db.transaction() as session:
        await matches.agree(session, buyer, match.id)
        await asyncio.sleep(0.6)
        releasing = asyncio.create_task(matches.release_lapsed(scene.db))  # sees a lapsed match, and waits for its lock
        await asyncio.sleep(0.3)
        assert not releasing.done()
    assert await releasing == 0
    assert (await scene.match(match.id)).status == "agreed"
    await books_balance(scene.db)


async def test_a_cancellation_that_waits_for_a_round_releases_what_that_round_proposes(scene: Scene) -> None:
    await scene.lot(auto_agree=False)
    order = await scene.order()
    seen = await snapshot.take(scene.db, "strawberry")
    plan = await scene.pool.clear(seen.market, seen.policy, seen.now_us)
    async with scene.db.transaction() as session:
        await writing.write(session, seen, plan, whole=True, began_s=time.perf_counter())
        cancelling = asyncio.create_task(
            scene.client.post(f"/v1/orders/{order['id']}/cancel", headers=scene.buyer)
        )  # sees nothing proposed, and waits for the order
        await asyncio.sleep(0.3)
        assert not cancelling.done()
    assert (await cancelling).status_code == 200
    assert [match.status for match in await scene.matches()] == ["released"]
    await books_balance(scene.db)


async def test_yes_no_withdrawal_and_cancellation_at_once_give_back_once(scene: Scene) -> None:
    for _ in range(12):
        lot = await scene.lot(auto_agree=False)
        order = await scene.order(auto_agree=False, listing_id=str(lot.listing_id))
        await scene.round()
        match = (await scene.matches())[-1]
        await asyncio.gather(
            scene.answer(match, "producer", "agree"),
            scene.answer(match, "buyer", "agree"),
            scene.answer(match, "buyer", "decline"),
            consume(scene.db, withdrawn(lot)),
            scene.client.post(f"/v1/orders/{order['id']}/cancel", headers=scene.buyer),
        )
        assert (await scene.match(match.id)).status in {"agreed", "released"}
        released = [event for event in await scene.told_of(MatchReleased) if event.match_id == match.id]
        assert len(released) <= 1
        await books_balance(scene.db)
        await figures_are_told_in_order(scene)


async def test_cancelling_while_rounds_run_leaves_nothing_proposed(scene: Scene) -> None:
    for _ in range(8):
        await scene.lot(auto_agree=False, quantity_g=500_000)
        order = await scene.order()
        cancelled, *_ = await asyncio.gather(
            scene.client.post(f"/v1/orders/{order['id']}/cancel", headers=scene.buyer),
            clear_if_nobody_does(scene),
            clear_if_nobody_does(scene),
        )
        assert cancelled.status_code == 200, cancelled.text
        mine = [match for match in await scene.matches() if str(match.order_id) == order["id"]]
        assert {match.status for match in mine} <= {"released"}
        await books_balance(scene.db)


async def test_a_withdrawal_while_a_round_runs_leaves_nothing_proposed_and_what_was_agreed(scene: Scene) -> None:
    for auto_agree in (True, False) * 5:
        lot = await scene.lot(auto_agree=auto_agree)
        await scene.order(listing_id=str(lot.listing_id))
        await asyncio.gather(
            service.clear_changed(scene.db, scene.pool, "strawberry"), consume(scene.db, withdrawn(lot))
        )
        mine = [match.status for match in await scene.matches() if match.listing_id == lot.listing_id]
        assert set(mine) <= ({"agreed"} if auto_agree else {"released"})
        await books_balance(scene.db)


class PausedPool:
    """Solvers of a worker that stands still while it waits for them."""

    def __init__(self, pool: SolverPool) -> None:
        self._pool = pool
        self.asked = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def clear(self, *question: Any, **how: Any) -> Plan:
        self.asked.set()
        await self.goes_on.wait()
        return await self._pool.clear(*question, **how)


async def test_a_worker_that_was_paused_during_a_round_and_wakes_late_changes_nothing(scene: Scene) -> None:
    await scene.lot()
    await scene.order()
    paused = PausedPool(scene.pool)
    async with another_process(scene) as db:
        late = asyncio.create_task(service.clear_changed(db, paused, "strawberry"))  # type: ignore[arg-type]
        await paused.asked.wait()
        with pytest.raises(LockTaken):  # one at a time
            await service.clear_changed(scene.db, scene.pool, "strawberry")
        async with scene.db.holding(service._lock_of("strawberry"), 0.02, stale_after_s=0.1):
            pass  # taken from it, as from one that has not been heard of
        cleared = await service.clear_changed(scene.db, scene.pool, "strawberry")
        assert cleared is not None
        assert cleared.matches == 1
        before = [match.id for match in await scene.matches()], await told(scene.db)
        paused.goes_on.set()
        with pytest.raises(DBAPIError) as lost:
            await late
        assert is_transient(lost.value)
    assert ([match.id for match in await scene.matches()], await told(scene.db)) == before
    await books_balance(scene.db)
