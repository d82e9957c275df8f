"""Matching forgets what has no say any more, and nothing that has."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from contracts.shipments import ShipmentDelivered
from services.matching.matches.models import MATCH_DELIVERIES, REFUSED_PAIRS
from services.matching.matches.pruning import forget_deliveries, forget_refusals
from tests.services.matching.matches.test_deliveries import moved, parcel
from tests.services.matching.scene import Scene, consume, then, withdrawn


async def refused(scene: Scene) -> list[UUID]:
    async with scene.db.reading() as session:
        return list((await session.scalars(select(REFUSED_PAIRS.c.listing_id))).all())


async def delivered(scene: Scene) -> set[UUID]:
    async with scene.db.reading() as session:
        return set((await session.scalars(select(MATCH_DELIVERIES.c.match_id))).all())


@pytest.mark.parametrize(
    "how", ["nothing", "listing closed", "listing's new terms", "order cancelled", "order's new terms"]
)
async def test_a_no_is_forgotten_when_a_side_has_closed_or_has_new_terms(scene: Scene, how: str) -> None:
    lot = await scene.lot(auto_agree=False)
    order = await scene.order()
    await scene.round()
    (match,) = await scene.matches()
    await scene.answer(match, "producer", "decline")
    path = f"/v1/orders/{order['id']}"
    match how:
        case "listing closed":
            await consume(scene.db, withdrawn(lot))
        case "listing's new terms":
            await consume(scene.db, then(lot, min_price_fen_per_kg=1500))
        case "order cancelled":
            await scene.client.post(f"{path}/cancel", headers=scene.buyer)
        case "order's new terms":
            etag = (await scene.client.get(path, headers=scene.buyer)).headers["etag"]
            changed = {"max_price_fen_per_kg": order["max_price_fen_per_kg"] + 1}
            answer = await scene.client.patch(path, json=changed, headers=scene.buyer | {"If-Match": etag})
            assert answer.status_code == 200, answer.text
    assert await forget_refusals(scene.db) == (0 if how == "nothing" else 1)
    assert await refused(scene) == ([lot.listing_id] if how == "nothing" else [])
    assert (await scene.round()).matches == (1 if "terms" in how else 0), "what was forgotten changes no round"


async def test_deliveries_are_kept_until_their_match_has_ended(scene: Scene) -> None:
    going, ended = await scene.matched(), await scene.matched()
    await consume(scene.db, parcel(going, 1_000), parcel(ended, 1_000))
    await consume(scene.db, moved(ended, ShipmentDelivered, "delivered"))
    assert await forget_deliveries(scene.db) == 1
    assert await delivered(scene) == {going.id}
    await consume(scene.db, parcel(going, going.quantity_g - 1_000))
    assert (await scene.match(going.id)).status == "fulfilled"


async def test_late_news_of_an_ended_matchs_parcel_changes_nothing_and_goes_again(scene: Scene) -> None:
    match = await scene.matched()
    await consume(scene.db, parcel(match, match.quantity_g, parcel_id=(parcel_id := uuid4())))
    assert await forget_deliveries(scene.db) == 1
    before = (await scene.match(match.id)).version
    await consume(scene.db, parcel(match, match.quantity_g, parcel_id=parcel_id, version=3))
    assert (await scene.match(match.id)).version == before
    assert await forget_deliveries(scene.db) == 1
