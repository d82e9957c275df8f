"""An account that was erased: it wants no more, what was agreed stands, and nothing leads to it."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from contracts.accounts import AccountErased
from contracts.matches import MatchEvent, MatchProposed, MatchReleased
from services.matching.supply.models import Supply
from tests.services.matching.scene import NANJING, Scene, books_balance, consume, then, withdrawn

DESTINATION = {"adcode": NANJING, "lon": 118.7912, "lat": 32.0434}
REFERENCE = "李四订的草莓"


def erased(account_id: UUID) -> AccountErased:
    return AccountErased(account_id=account_id, version=2, role="platform")


async def orders(scene: Scene) -> list[dict[str, Any]]:
    async with scene.db.reading() as session:
        return [dict(row) for row in (await session.execute(text("SELECT * FROM orders ORDER BY id"))).mappings()]


async def test_open_orders_are_cancelled_and_say_nothing_of_their_buyer(scene: Scene) -> None:
    await scene.order(destination=DESTINATION, reference=REFERENCE)
    cancelled = await scene.order(destination=DESTINATION, reference=REFERENCE)
    await scene.client.post(f"/v1/orders/{cancelled['id']}/cancel", headers=scene.buyer)
    await consume(scene.db, erased(scene.buyer_id))
    for row in await orders(scene):
        assert (row["lifecycle"], row["version"], row["destination_adcode"]) == ("cancelled", 2, NANJING)
        assert [row[name] for name in ("reference", "destination_lon", "destination_lat")] == [None] * 3
    before = await orders(scene)
    await consume(scene.db, erased(scene.buyer_id))
    assert await orders(scene) == before, "hearing of it twice is the same"


async def test_proposed_matches_are_released_agreed_ones_stand(scene: Scene) -> None:
    await scene.lot(quantity_g=300_000)
    await scene.order(quantity_kg=300)
    await scene.round()
    await scene.lot(auto_agree=False)
    await scene.order(quantity_kg=200)
    await scene.round()
    await consume(scene.db, erased(scene.buyer_id))
    kinds = [type(each) for each in await scene.told_of(MatchEvent)]
    assert kinds[-2:] == [MatchProposed, MatchReleased]
    assert sorted(match.status for match in await scene.matches()) == ["agreed", "released"]
    assert {row["lifecycle"] for row in await orders(scene)} == {"cancelled"}, "the filled one, too: none reopens"
    await books_balance(scene.db)


async def test_others_orders_are_left_alone(scene: Scene) -> None:
    await scene.order(reference=REFERENCE, destination=DESTINATION)
    await consume(scene.db, erased(uuid4()))
    (row,) = await orders(scene)
    assert (row["lifecycle"], row["reference"], row["destination_lon"]) == ("open", REFERENCE, 118.7912)


async def test_a_lot_whose_point_was_forgotten_is_no_finer_than_its_county_here_either(scene: Scene) -> None:
    lot = await scene.lot()
    nowhere = lot.origin.model_copy(update={"lon": None, "lat": None})
    await consume(scene.db, then(withdrawn(lot), origin=nowhere))
    async with scene.db.reading() as session:
        supply = await session.get_one(Supply, lot.listing_id)
    assert (supply.origin_adcode, supply.origin_lon, supply.origin_lat) == ("321323", None, None)
