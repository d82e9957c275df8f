"""What is decided by the policy in force: rounds and explanations, from their snapshot to what they record."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text, update

from services.matching.optimiser.policy import POLICY_1, Policy
from services.matching.policies import service
from services.matching.policies.models import POLICY_STARTS
from services.matching.rounds import snapshot, writing
from services.matching.rounds.models import Round
from services.matching.rounds.service import clear_changed
from services.matching.rounds.snapshot import changed_markets
from tests.services.matching.scene import Scene, soon

ALL_TO_THE_PRODUCER = replace(POLICY_1, surplus_share_percent=100)


async def put_in_force(scene: Scene, policy: Policy, starts_at: datetime | None = None) -> int:
    async with scene.db.transaction() as session:
        version = await service.propose(session, policy, why="a test", by="tests")
        await service.activate(session, version, starts_at=starts_at, by="tests")
    return version


async def bring(scene: Scene) -> None:
    """A lot with long to live, and an order for a quarter of it at the farm gate: surplus 1000, spread 40."""
    await scene.lot(quantity_g=400_000, spoils_at=soon(hours=300))
    await scene.order(quantity_kg=100, price_basis="farm_gate")


async def test_a_round_is_planned_priced_and_recorded_by_the_policy_in_force(scene: Scene) -> None:
    await bring(scene)
    first = await scene.round()
    version = await put_in_force(scene, replace(ALL_TO_THE_PRODUCER, spread_fen_per_kg=(0, 0, 0, 0)))
    await bring(scene)
    second = await scene.round()
    assert (first.policy, second.policy) == (1, version)
    assert (first.value_mfen, second.value_mfen) == (100_000 * 1040, 100_000 * 1000)
    assert [match.price_fen_per_kg for match in await scene.matches()] == [2100, 2600]


async def test_past_rounds_keep_their_version(scene: Scene) -> None:
    await bring(scene)
    cleared = await scene.round()
    await put_in_force(scene, ALL_TO_THE_PRODUCER)
    async with scene.db.reading() as session:
        kept = await session.get_one(Round, cleared.id)
    assert (kept.policy, kept.value_mfen) == (1, cleared.value_mfen)


async def test_a_round_that_is_under_way_ends_by_the_policy_it_began_with_and_the_next_uses_the_new(
    scene: Scene,
) -> None:
    await bring(scene)
    seen = await snapshot.take(scene.db, "strawberry")
    plan = await scene.pool.clear(seen.market, seen.policy, seen.now_us)
    version = await put_in_force(scene, replace(ALL_TO_THE_PRODUCER, handling_us=0))
    async with scene.db.transaction() as session:
        cleared = await writing.write(session, seen, plan, whole=True, began_s=time.perf_counter())
    assert cleared.policy == 1
    (match,) = await scene.matches()
    assert match.price_fen_per_kg == 2100
    assert match.arrives_at > match.created_at + timedelta(hours=4), "by the handling of policy 1"
    assert list(await changed_markets(scene.db)) == ["strawberry"], "marked by the activation, after the snapshot"
    await bring(scene)
    after = await clear_changed(scene.db, scene.pool, "strawberry")
    assert after is not None
    assert after.policy == version


async def test_an_activation_marks_the_markets_with_two_sides(scene: Scene) -> None:
    await bring(scene)
    await scene.lot(produce="onion")
    await scene.order(produce="garlic")
    async with scene.db.transaction() as session:
        await session.execute(text("DELETE FROM market_changes"))
    await put_in_force(scene, ALL_TO_THE_PRODUCER)
    assert list(await changed_markets(scene.db)) == ["strawberry"]


async def test_a_policy_to_come_marks_them_when_its_time_comes_and_once(scene: Scene) -> None:
    version = await put_in_force(scene, ALL_TO_THE_PRODUCER, starts_at=datetime.now(UTC) + timedelta(days=1))
    await bring(scene)
    async with scene.db.transaction() as session:
        await session.execute(text("DELETE FROM market_changes"))
    await service.begin_due(scene.db)
    assert list(await changed_markets(scene.db)) == []
    assert (await scene.round()).policy == 1
    async with scene.db.transaction() as session:  # a day later
        await session.execute(update(POLICY_STARTS).values(starts_at=datetime.now(UTC) - timedelta(seconds=1)))
    await bring(scene)
    async with scene.db.transaction() as session:
        await session.execute(text("DELETE FROM market_changes"))
    for _ in range(2):
        await service.begin_due(scene.db)
    async with scene.db.reading() as session:
        assert (await session.scalars(text("SELECT produce FROM market_changes"))).all() == ["strawberry"]
    assert version == 2


@pytest.mark.parametrize(("base_fen_per_kg", "reasons"), [(20, []), (5000, ["too_far"])])
async def test_an_explanation_reasons_by_the_policy_in_force(
    scene: Scene, base_fen_per_kg: int, reasons: list[str]
) -> None:
    """With freight that nobody can pay, what policy 1 matches has a reason now."""
    await put_in_force(scene, replace(POLICY_1, freight_base_fen_per_kg=base_fen_per_kg))
    lot = await scene.lot(quantity_g=400_000, spoils_at=soon(hours=300))
    await scene.order(quantity_kg=400)
    await scene.round()
    producer = scene.issuer.caller("producer", UUID(str(lot.producer_id)))
    answer = (await scene.client.get(f"/v1/listings/{lot.listing_id}/explanation", headers=producer)).json()
    assert [each["code"] for each in answer["reasons"]] == reasons
