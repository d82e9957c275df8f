"""Which listings and orders a round looks at: those that changed, and whoever these can reach."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete

from contracts.rounds import RoundCleared
from services.matching.markets import MARKET_CHANGES, mark_changed
from services.matching.optimiser.plan import Plan
from services.matching.rounds import service, snapshot, timer
from services.matching.rounds.models import Round
from services.matching.rounds.pool import SolverPool
from services.matching.rounds.timer import Timer
from tests.services.matching.scene import Scene, books_balance, consume, then

URUMQI = {"adcode": "650102"}


class Watching(SolverPool):
    """The real solvers; what they were told of as changed is kept."""

    def __init__(self, pool: SolverPool) -> None:
        self._pool = pool
        self.changed: list[Any] = []

    async def clear(self, *market: Any, **how: Any) -> Plan:
        self.changed.append(how["changed"])
        return await self._pool.clear(*market, **how)


@pytest.fixture(autouse=True)
def a_few_rows_are_not_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MANY", 1.0)


async def timed(scene: Scene, pool: SolverPool | None = None) -> Round:
    """What the timer does."""
    cleared = await service.clear_changed(scene.db, pool or scene.pool, "strawberry")
    assert cleared is not None
    return cleared


async def changed(scene: Scene) -> frozenset[str] | None:
    return (await snapshot.take(scene.db, "strawberry")).changed


async def test_each_change_names_its_listing_or_order(scene: Scene) -> None:
    lot, order = await scene.lot(), await scene.order()
    assert await changed(scene) == {str(lot.listing_id), order["id"]}
    await scene.round()
    assert await changed(scene) == frozenset()
    await consume(scene.db, then(lot, min_price_fen_per_kg=1500))
    assert await changed(scene) == {str(lot.listing_id)}


async def test_both_sides_of_a_match_that_was_let_go_are_free_for_others(scene: Scene) -> None:
    match = await scene.matched(lot_agrees=False)
    await scene.answer(match, "producer", "decline")
    assert await changed(scene) == {str(match.listing_id), str(match.order_id)}


async def test_the_timer_looks_at_what_changed_and_a_round_on_demand_at_everything(scene: Scene) -> None:
    watching = Watching(scene.pool)
    lot, order = await scene.lot(quantity_g=100_000), await scene.order()
    await timed(scene, watching)
    late = await scene.lot(quantity_g=200_000)
    await timed(scene, watching)
    await service.clear_now(scene.db, watching, "strawberry")
    assert watching.changed == [{str(lot.listing_id), order["id"]}, {str(late.listing_id)}, None]


async def test_a_round_says_whether_it_looked_at_everything(scene: Scene) -> None:
    await scene.lot(quantity_g=100_000)
    await scene.order(quantity_kg=500)
    small = await timed(scene)
    await scene.lot(quantity_g=50_000)
    whole = await scene.round()
    assert (small.whole, whole.whole) == (False, True)
    assert [each.whole for each in await scene.told_of(RoundCleared)] == [False, True]


async def test_where_much_has_changed_or_nobody_knows_what_a_round_is_whole(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.lot(quantity_g=100_000)
    await scene.order()
    async with scene.db.transaction() as session:
        await mark_changed(session, [("strawberry", None)])
    assert (await timed(scene)).whole
    monkeypatch.setattr(service, "MANY", 0.0)
    await scene.lot()
    assert (await timed(scene)).whole


async def test_once_in_a_while_the_timer_looks_at_everything(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    watching = Watching(scene.pool)
    clearing = Timer(scene.db, watching)
    await scene.order(quantity_kg=5_000)
    lots = []

    async def another(every_s: float) -> None:
        monkeypatch.setattr(timer, "WHOLE_EVERY_S", every_s)
        lots.append(await scene.lot(quantity_g=1_000))
        await clearing.clear_changed()

    await another(every_s=0.01)
    await asyncio.sleep(0.02)
    await another(every_s=600)
    await another(every_s=600)
    assert watching.changed == [None, None, {str(lots[2].listing_id)}]


async def test_a_market_that_nobody_has_changed_since_the_process_began_is_looked_at_in_its_turn(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timer, "WHOLE_EVERY_S", 0.05)
    await scene.lot()
    await scene.order()
    async with scene.db.transaction() as session:  # as if a round had missed the pair
        await session.execute(delete(MARKET_CHANGES))
    watching = Watching(scene.pool)
    clearing = Timer(scene.db, watching)
    await clearing.clear_changed()
    assert watching.changed == []
    await asyncio.sleep(0.06)
    await clearing.clear_changed()
    assert watching.changed == [None]
    assert len(await scene.matches()) == 1


async def test_while_another_clears_a_market_all_of_it_stays_due(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.lot()
    await scene.order()
    watching = Watching(scene.pool)
    clearing = Timer(scene.db, watching)
    async with scene.db.holding(service._lock_of("strawberry")):
        await clearing.clear_changed()
    assert watching.changed == []
    await clearing.clear_changed()
    assert watching.changed == [None]


async def test_a_newcomer_is_matched_with_whoever_was_left_over_and_nobody_else_is_looked_at(scene: Scene) -> None:
    await scene.lot(quantity_g=300_000)
    await scene.order(quantity_kg=500)  # 200 kg of it wait
    await scene.order(quantity_kg=50, destination=URUMQI, max_price_fen_per_kg=100)  # waits, and in vain
    first = await timed(scene)
    await scene.lot(quantity_g=150_000)
    second = await timed(scene)
    assert (first.arcs, first.matched_g) == (1, 300_000)
    assert (second.arcs, second.matched_g, second.listings, second.orders) == (1, 150_000, 1, 2)
    await books_balance(scene.db)


async def test_an_order_that_waits_for_its_least_fill_is_looked_at_though_it_did_not_change(scene: Scene) -> None:
    await scene.lot(quantity_g=300_000)
    await scene.order(quantity_kg=500, min_fill_kg=400)
    assert (await timed(scene)).matched_g == 0
    await scene.lot(quantity_g=150_000, grade="B")
    assert (await timed(scene)).matched_g == 450_000


async def test_after_a_change_of_nobody_in_particular_everything_is_looked_at(scene: Scene) -> None:
    watching = Watching(scene.pool)
    await scene.lot()
    await scene.order()
    async with scene.db.transaction() as session:
        await mark_changed(session, [("strawberry", None)])
    await timed(scene, watching)
    assert watching.changed == [None]


async def test_where_much_has_changed_everything_is_looked_at(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MANY", 0.9)
    watching = Watching(scene.pool)
    await scene.lot()
    await scene.order()
    await timed(scene, watching)
    assert watching.changed == [None]


async def test_what_a_stopped_search_may_have_missed_is_looked_for_again(scene: Scene) -> None:
    class Hasty(Watching):
        async def clear(self, *market: Any, **how: Any) -> Plan:
            plan = await super().clear(*market, **how)
            object.__setattr__(plan, "stopped_early", True)
            return plan

    await scene.lot()
    await scene.order()
    await scene.order(destination=URUMQI, max_price_fen_per_kg=100)
    await timed(scene, Hasty(scene.pool))
    assert await changed(scene) is None
    assert (await timed(scene, Hasty(scene.pool))).matches == 0
    assert await changed(scene) == frozenset(), "there is no end to it otherwise"


async def test_the_sides_of_a_match_that_could_not_be_made_are_looked_at_again(scene: Scene) -> None:
    class Slow(Watching):
        async def clear(self, *market: Any, **how: Any) -> Plan:
            plan = await super().clear(*market, **how)
            await consume(scene.db, then(lot, min_price_fen_per_kg=1500))
            async with scene.db.transaction() as session:
                await session.execute(MARKET_CHANGES.delete())  # as if nobody had told
            return plan

    lot, order = await scene.lot(), await scene.order()
    assert (await timed(scene, Slow(scene.pool))).skipped == 1
    assert await changed(scene) == {str(UUID(str(lot.listing_id))), order["id"]}
