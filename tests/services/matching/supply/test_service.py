"""Supply follows the listings: whatever comes twice, late or in another order, and as far as promises allow."""

from itertools import permutations
from uuid import UUID

from sqlalchemy import select

from contracts.listings import ListingEvent, ListingExpired
from contracts.supply import RemainingChanged
from services.matching.markets import MARKET_CHANGES
from services.matching.supply.models import Supply
from tests.services.matching.scene import Scene, consume, published, soon, then, withdrawn


async def supply_of(scene: Scene, listing_id: UUID) -> Supply:
    async with scene.db.reading() as session:
        return await session.get_one(Supply, listing_id)


async def test_a_new_listing_is_there_and_what_is_left_was_told(scene: Scene) -> None:
    lot = await scene.lot(quantity_g=1_200_000)
    supply = await supply_of(scene, lot.listing_id)
    assert (supply.free_g, supply.listing_version, supply.status) == (1_200_000, 1, "open")
    (told,) = await scene.told_of(RemainingChanged)
    assert (told.quantity_g, told.remaining_g, told.held_g, told.agreed_g) == (1_200_000, 1_200_000, 0, 0)
    async with scene.db.reading() as session:
        assert (await session.scalars(select(MARKET_CHANGES.c.produce))).all() == ["strawberry"]


def life() -> list[ListingEvent]:
    """A listing's events: a lower price, a lower quantity, its withdrawal."""
    first = published(quantity_g=900_000)
    cheaper = then(first, min_price_fen_per_kg=1500)
    smaller = then(cheaper, quantity_g=400_000)
    return [first, cheaper, smaller, withdrawn(smaller)]


async def test_events_in_any_order_and_twice_lead_to_the_newest_state(scene: Scene) -> None:
    for order in permutations(range(4)):
        events = life()
        for index in (*order, *order):
            await consume(scene.db, events[index])
        supply = await supply_of(scene, events[0].listing_id)
        assert (supply.listing_version, supply.status) == (4, "withdrawn"), order
        assert (supply.min_price_fen_per_kg, supply.quantity_g) == (1500, 400_000), order
        told = [each for each in await scene.told_of(RemainingChanged) if each.listing_id == supply.listing_id]
        assert [each.version for each in told] == list(range(1, len(told) + 1))
        assert told[-1].quantity_g == 400_000


async def test_a_batch_with_many_events_of_one_listing_is_applied_once(scene: Scene) -> None:
    events = life()
    await consume(scene.db, *events, *reversed(events))
    supply = await supply_of(scene, events[0].listing_id)
    assert (supply.listing_version, supply.quantity_g) == (4, 400_000)
    assert len(await scene.told_of(RemainingChanged)) == 1


async def test_a_quantity_is_clamped_to_what_is_promised_and_told_so(scene: Scene) -> None:
    lot = await scene.lot()
    await scene.order(quantity_kg=300)
    await scene.order(quantity_kg=200, auto_agree=False)
    await scene.round()
    smaller = then(lot, quantity_g=100_000)
    await consume(scene.db, smaller)
    supply = await supply_of(scene, lot.listing_id)
    assert (supply.quantity_g, supply.held_g, supply.agreed_g, supply.free_g) == (500_000, 200_000, 300_000, 0)
    told = (await scene.told_of(RemainingChanged))[-1]
    assert (told.quantity_g, told.remaining_g, told.listing_version) == (500_000, 0, 2)

    await consume(scene.db, then(smaller, quantity_g=400_000))  # no figure changes, but the wish is refused again
    again = (await scene.told_of(RemainingChanged))[-1]
    assert (again.quantity_g, again.listing_version, again.version) == (500_000, 3, told.version + 1)


async def test_terms_change_with_price_quantity_and_window_alone(scene: Scene) -> None:
    lot: ListingEvent = await scene.lot()
    for changes, terms in (
        ({"auto_agree": False}, 1),
        ({"min_price_fen_per_kg": 1500}, 2),
        ({"quantity_g": 2_000_000}, 3),
        ({"available_until": soon(hours=20)}, 4),
        ({"spoils_at": soon(hours=80)}, 5),
        ({"status": "withdrawn"}, 5),
    ):
        lot = then(lot, **changes)
        await consume(scene.db, lot)
        assert (await supply_of(scene, lot.listing_id)).terms == terms


async def test_nothing_is_matched_of_a_listing_that_is_not_open(scene: Scene) -> None:
    gone = await scene.lot()
    spoiled = await scene.lot()
    await consume(scene.db, withdrawn(gone), then(spoiled, ListingExpired, status="expired"))
    await scene.order()
    assert (await scene.round()).matches == 0


async def test_more_of_a_listing_is_matched_after_it_grows(scene: Scene) -> None:
    lot = await scene.lot(quantity_g=100_000)
    await scene.order(quantity_kg=500)
    assert (await scene.round()).matched_g == 100_000
    await consume(scene.db, then(lot, quantity_g=400_000))
    assert (await scene.round()).matched_g == 300_000
