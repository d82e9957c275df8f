"""The whole service at work: from what the listing service tells to both feeds, with nobody asking for a round."""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime

from chassis.outbox import to_record
from chassis.transport.postgres import PostgresTransport
from contracts.matches import MatchAgreed
from services.matching.rounds.models import SolverUnavailable
from services.matching.rounds.pool import SolverPool
from services.matching.rounds.service import clear_now
from services.matching.worker import create_matching_worker
from tests.services.matching.scene import Scene, idle_deliverer, published
from tests.support.events import take
from tests.support.services import event_of

WITHIN_S = 10  # alone it takes a round's second; this machine may have more to do


async def feed(scene: Scene, headers: dict[str, str]) -> list[dict[str, object]]:
    items: list[dict[str, object]] = (await scene.client.get("/v1/feed/matches", headers=headers)).json()["items"]
    return items


async def warm(scene: Scene, solvers: SolverPool) -> None:
    """Wait until a round of an empty market is answered."""
    while True:
        with suppress(SolverUnavailable):
            await clear_now(scene.db, solvers, "garlic")
            return
        await asyncio.sleep(0.05)


async def test_a_lot_and_an_order_are_matched_within_seconds_once_in_the_feed_of_both(
    scene: Scene, postgres_url: str
) -> None:
    lot = published(quantity_g=1_200_000)
    producer = scene.issuer.caller("producer", lot.producer_id)
    async with PostgresTransport(postgres_url) as transport:
        solvers = SolverPool(1)
        deliverer = idle_deliverer(scene.db)
        worker = asyncio.create_task(create_matching_worker(scene.db, transport, solvers, deliverer).run())
        try:
            await warm(scene, solvers)
            posted_s = time.monotonic()
            await transport.publish([to_record(lot, "/duijie/listing")])
            await scene.order()
            while not await feed(scene, scene.buyer):
                assert time.monotonic() - posted_s < WITHIN_S
                await asyncio.sleep(0.05)
            (record,) = await take(transport, "logistics", {MatchAgreed.TOPIC}, 1)
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
    (item,), (theirs,) = await feed(scene, scene.buyer), await feed(scene, producer)
    assert item["type"] == "match.agreed"
    assert item == theirs
    event = event_of(record)
    assert isinstance(event, MatchAgreed)
    (match,) = await scene.matches()
    assert event == match.fact()
    read = (await scene.client.get(f"/v1/matches/{match.id}", headers=producer)).json()
    assert item["match"] == read
    assert datetime.fromisoformat(read["arrives_at"]) > datetime.now(UTC)
