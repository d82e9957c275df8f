"""A policy that was activated for an instant to come begins by itself, in the worker."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from chassis.transport.postgres import PostgresTransport
from services.matching.optimiser.policy import POLICY_1
from services.matching.policies import service
from services.matching.rounds.models import Round
from services.matching.rounds.pool import SolverPool
from services.matching.worker import create_matching_worker
from tests.services.matching.scene import Scene, idle_deliverer

WITHIN_S = 30


async def policies_of_rounds(scene: Scene) -> list[int]:
    async with scene.db.reading() as session:
        return list((await session.scalars(select(Round.policy).order_by(Round.id))).all())


async def test_when_its_time_comes_the_markets_are_cleared_by_it_though_nobody_brings_anything(
    scene: Scene, postgres_url: str
) -> None:
    """What policy 1 finds too far to pay, a policy of cheaper roads sells."""
    await scene.lot()
    await scene.order(max_price_fen_per_kg=1601)
    assert (await scene.round()).matches == 0
    free = replace(POLICY_1, freight_base_fen_per_kg=0, freight_fen_per_kg_per_1000_km=0)
    async with scene.db.transaction() as session:
        version = await service.propose(session, free, why="a test", by="tests")
        begins = datetime.now(UTC) + timedelta(seconds=2)
        await service.activate(session, version, starts_at=begins, by="tests")
    async with PostgresTransport(postgres_url) as transport:
        worker = asyncio.create_task(
            create_matching_worker(scene.db, transport, SolverPool(1), idle_deliverer(scene.db)).run()
        )
        try:
            async with asyncio.timeout(WITHIN_S):
                while not await scene.matches():
                    await asyncio.sleep(0.05)
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
    (match,) = await scene.matches()
    assert match.created_at >= begins
    assert await policies_of_rounds(scene) == [1, version]
