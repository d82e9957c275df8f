"""An account that was erased: it wants no more, what was agreed stands, and nothing leads to it."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from contracts.accounts import AccountErased
from contracts.matches import MatchEvent, MatchProposed, MatchReleased
from services.matching.matches import service
from services.matching.optimiser.plan import Plan
from services.matching.orders import service as orders_service
from services.matching.orders.models import ERASED
from services.matching.orders.queries import locked_orders
from services.matching.rounds.snapshot import all_markets, changed_markets
from services.matching.supply.models import Supply
from services.matching.supply.queries import locked_supply
from services.matching.worker import forget_erased
from tests.services.matching.scene import NANJING, Scene, books_balance, consume, then, wanted, withdrawn

DESTINATION = {"adcode": NANJING, "lon": 118.7912, "lat": 32.0434}
REFERENCE = "李四订的草莓"


def erased(account_id: UUID) -> AccountErased:
    return AccountErased(account_id=account_id, version=2, role="platform")


async def hear(scene: Scene, account_id: UUID) -> None:
    """The news comes, and the worker's job has run."""
    await consume(scene.db, erased(account_id))
    await forget_erased(scene.db)


async def orders(scene: Scene) -> list[dict[str, Any]]:
    async with scene.db.reading() as session:
        return [dict(row) for row in (await session.execute(text("SELECT * FROM orders ORDER BY id"))).mappings()]


async def test_open_orders_are_cancelled_and_say_nothing_of_their_buyer(scene: Scene) -> None:
    await scene.order(destination=DESTINATION, reference=REFERENCE)
    cancelled = await scene.order(destination=DESTINATION, reference=REFERENCE)
    await scene.client.post(f"/v1/orders/{cancelled['id']}/cancel", headers=scene.buyer)
    await hear(scene, scene.buyer_id)
    for row in await orders(scene):
        assert (row["lifecycle"], row["version"], row["destination_adcode"]) == ("cancelled", 2, NANJING)
        assert [row[name] for name in ("reference", "destination_lon", "destination_lat")] == [None] * 3
    before = await orders(scene)
    await hear(scene, scene.buyer_id)
    assert await orders(scene) == before, "hearing of it twice is the same"


async def test_proposed_matches_are_released_agreed_ones_stand(scene: Scene) -> None:
    await scene.lot(quantity_g=300_000)
    await scene.order(quantity_kg=300)
    await scene.round()
    await scene.lot(auto_agree=False)
    await scene.order(quantity_kg=200)
    await scene.round()
    await hear(scene, scene.buyer_id)
    kinds = [type(each) for each in await scene.told_of(MatchEvent)]
    assert kinds[-2:] == [MatchProposed, MatchReleased]
    assert sorted(match.status for match in await scene.matches()) == ["agreed", "released"]
    assert {row["lifecycle"] for row in await orders(scene)} == {"cancelled"}, "the filled one, too: none reopens"
    await books_balance(scene.db)


async def test_a_lot_of_an_erased_account_is_proposed_no_more_though_it_is_not_withdrawn_here_yet(scene: Scene) -> None:
    gone, stays = await scene.lot(), await scene.lot()
    await consume(scene.db, erased(gone.producer_id))
    await scene.order(quantity_kg=2_000)
    assert (await scene.round()).matches == 1
    assert [match.listing_id for match in await scene.matches()] == [stays.listing_id]


async def test_nor_is_an_order_that_its_erasure_has_not_cancelled_yet(scene: Scene) -> None:
    await scene.lot()
    await scene.order()
    await consume(scene.db, erased(scene.buyer_id))
    assert list(await all_markets(scene.db)) == [], "there is nobody on one side"
    assert (await scene.round()).matches == 0


@pytest.mark.parametrize("side", ["producer", "buyer"])
async def test_who_is_erased_while_a_market_is_solved_gets_no_match_and_the_next_round_looks_again(
    scene: Scene, side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lot = await scene.lot()
    await scene.order()
    solve = scene.pool.clear

    async def solve_while_it_is_heard_of(*market: Any, **how: Any) -> Plan:
        plan = await solve(*market, **how)
        await consume(scene.db, erased(lot.producer_id if side == "producer" else scene.buyer_id))
        return plan

    monkeypatch.setattr(scene.pool, "clear", solve_while_it_is_heard_of)
    cleared = await scene.round()
    assert (cleared.matches, cleared.skipped) == (0, 1)
    assert list(await changed_markets(scene.db)) == ["strawberry"]
    assert await scene.matches() == []
    assert (await scene.round()).skipped == 0


async def test_others_orders_are_left_alone(scene: Scene) -> None:
    await scene.order(reference=REFERENCE, destination=DESTINATION)
    await hear(scene, uuid4())
    (row,) = await orders(scene)
    assert (row["lifecycle"], row["reference"], row["destination_lon"]) == ("open", REFERENCE, 118.7912)


async def test_a_lot_whose_point_was_forgotten_is_no_finer_than_its_county_here_either(scene: Scene) -> None:
    lot = await scene.lot()
    nowhere = lot.origin.model_copy(update={"lon": None, "lat": None})
    await consume(scene.db, then(withdrawn(lot), origin=nowhere))
    async with scene.db.reading() as session:
        supply = await session.get_one(Supply, lot.listing_id)
    assert (supply.origin_adcode, supply.origin_lon, supply.origin_lat) == ("321323", None, None)


async def test_orders_that_come_after_are_refused_by_post_and_by_file(scene: Scene) -> None:
    await hear(scene, scene.buyer_id)
    headers = scene.buyer | {"Content-Type": "application/x-ndjson"}
    for refused in (
        await scene.client.post("/v1/orders", json=wanted(reference=REFERENCE), headers=scene.buyer),
        await scene.client.post("/v1/orders/import", content=json.dumps(wanted()), headers=headers),
    ):
        assert (refused.status_code, refused.json()["type"]) == (401, "/problems/unauthenticated")
    assert await orders(scene) == []


async def test_which_files_it_sent_under_which_keys_is_forgotten(scene: Scene) -> None:
    headers = scene.buyer | {"Content-Type": "application/x-ndjson", "Idempotency-Key": "13800138000.ndjson"}
    answer = await scene.client.post("/v1/orders/import", content=json.dumps(wanted()), headers=headers)
    assert answer.status_code == 200
    await hear(scene, scene.buyer_id)
    async with scene.db.reading() as session:
        assert await session.scalar(text("SELECT count(*) FROM imports")) == 0


async def test_however_many_there_are_all_are_forgotten_some_at_a_time(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "FORGET_BATCH", 2)
    monkeypatch.setattr(orders_service, "FORGET_BATCH", 2)
    for _ in range(5):
        await scene.order(reference=REFERENCE)
    await consume(scene.db, erased(scene.buyer_id))
    assert {row["lifecycle"] for row in await orders(scene)} == {"open"}, "the news itself locks no order"
    await asyncio.gather(forget_erased(scene.db), forget_erased(scene.db))
    assert [(row["lifecycle"], row["reference"]) for row in await orders(scene)] == [("cancelled", None)] * 5
    async with scene.db.reading() as session:
        assert None not in (await session.scalars(select(ERASED.table.c.forgotten_at))).all()


async def test_it_takes_supply_before_any_order_as_rounds_do(scene: Scene) -> None:
    """A round holds the lot of the second order, and then wants the first order."""
    first = await scene.lot(auto_agree=False)
    await scene.order(quantity_kg=100, listing_id=str(first.listing_id))
    second = await scene.lot(auto_agree=False)
    await scene.order(quantity_kg=200, listing_id=str(second.listing_id))
    await scene.round()
    assert len(await scene.matches()) == 2
    first_order = (await orders(scene))[0]["id"]
    await consume(scene.db, erased(scene.buyer_id))
    async with scene.db.transaction() as session:
        await locked_supply(session, [second.listing_id])
        forgetting = asyncio.create_task(forget_erased(scene.db))
        await asyncio.sleep(0.2)
        async with asyncio.timeout(0.5):  # PostgreSQL would look for a deadlock after a second
            await locked_orders(session, [first_order])
        assert not forgetting.done()
    await forgetting
    assert {match.status for match in await scene.matches()} == {"released"}
    await books_balance(scene.db)
