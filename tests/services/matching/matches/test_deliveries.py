"""A match ends when its goods are there: by its shipment, or by the parcels that bring all of it."""

from itertools import permutations
from uuid import UUID, uuid4

from contracts.matches import MatchAdjusted, MatchFulfilled, MatchReleased
from contracts.parcels import ParcelEvent, ParcelScanned, ParcelSettled
from contracts.shipments import ShipmentCancelled, ShipmentDelivered, ShipmentEvent, ShipmentPickedUp
from contracts.supply import RemainingChanged
from services.matching.matches.models import Match
from services.matching.optimiser.policy import amount_fen
from tests.services.matching.scene import Scene, books_balance, consume, soon


def moved(
    match: Match, kind: type[ShipmentEvent], status: str, version: int = 3, quantity_g: int | None = None
) -> ShipmentEvent:
    return kind(
        shipment_id=match.id,
        version=version,
        match_id=match.id,
        status=status,
        carrier_id=uuid4(),
        quantity_g=quantity_g or match.quantity_g,
        at=soon(),
    )


def parcel(
    match: Match, weight_g: int, status: str = "delivered", *, parcel_id: UUID | None = None, version: int = 2
) -> ParcelEvent:
    return ParcelScanned(
        parcel_id=parcel_id or uuid4(),
        version=version,
        match_id=match.id,
        carrier_id=uuid4(),
        weight_g=weight_g,
        status=status,
        subsidy="none",
        programme_id=None,
        subsidy_fen=None,
        at=soon(),
    )


async def test_a_delivered_shipment_fulfils_its_match_once_and_it_stays_sold(scene: Scene) -> None:
    match = await scene.matched()
    await consume(scene.db, moved(match, ShipmentPickedUp, "picked_up"))
    assert (await scene.match(match.id)).status == "agreed"
    delivered = moved(match, ShipmentDelivered, "delivered")
    for _ in range(2):
        await consume(scene.db, delivered)
    (fulfilled,) = await scene.told_of(MatchFulfilled)
    assert (fulfilled.match_id, fulfilled.version) == (match.id, 2)
    supply, order = await scene.books_of(match)
    assert (supply.agreed_g, order.agreed_g, order.status) == (500_000, 500_000, "filled")


async def test_what_was_fetched_may_be_less_and_the_rest_goes_back_to_the_market(scene: Scene) -> None:
    match = await scene.matched()
    fetched = moved(match, ShipmentPickedUp, "picked_up", quantity_g=420_500)
    for _ in range(2):
        await consume(scene.db, fetched)
    (told,) = await scene.told_of(MatchAdjusted)
    assert (told.match_id, told.version, told.status, told.quantity_g) == (match.id, 2, "agreed", 420_500)
    assert told.amount_fen == amount_fen(420_500, match.price_fen_per_kg)
    supply, order = await scene.books_of(match)
    assert (supply.agreed_g, order.agreed_g, order.status) == (420_500, 420_500, "open")
    assert (await scene.told_of(RemainingChanged))[-1].remaining_g == 1_000_000 - 420_500
    await books_balance(scene.db)
    await scene.round()
    rest = [each for each in await scene.matches() if each.id != match.id]
    assert [each.quantity_g for each in rest] == [79_500], "the next round brings what it lacked"


async def test_more_than_was_agreed_and_what_is_no_longer_agreed_changes_nothing(scene: Scene) -> None:
    match = await scene.matched()
    await consume(scene.db, moved(match, ShipmentPickedUp, "picked_up", quantity_g=600_000))
    await consume(scene.db, moved(match, ShipmentDelivered, "delivered"))
    await consume(scene.db, moved(match, ShipmentPickedUp, "picked_up", quantity_g=100_000))
    assert await scene.told_of(MatchAdjusted) == []
    assert ((await scene.match(match.id)).quantity_g, (await scene.match(match.id)).status) == (500_000, "fulfilled")


async def test_fetched_and_delivered_at_once_is_of_what_was_fetched(scene: Scene) -> None:
    match = await scene.matched()
    await consume(
        scene.db,
        moved(match, ShipmentPickedUp, "picked_up", quantity_g=420_000),
        moved(match, ShipmentDelivered, "delivered", version=4, quantity_g=420_000),
    )
    (fulfilled,) = await scene.told_of(MatchFulfilled)
    assert (fulfilled.version, fulfilled.quantity_g) == (3, 420_000)
    await books_balance(scene.db)


async def test_parcels_that_have_brought_all_that_was_fetched_fulfil_it(scene: Scene) -> None:
    match = await scene.matched(quantity_kg=10)
    await consume(scene.db, parcel(match, 9_500))
    await consume(scene.db, moved(match, ShipmentPickedUp, "picked_up", quantity_g=9_500))
    assert (await scene.match(match.id)).status == "fulfilled"
    await books_balance(scene.db)


async def test_a_cancelled_shipment_releases_its_match_and_the_order_is_open_again(scene: Scene) -> None:
    match = await scene.matched()
    cancelled = moved(match, ShipmentCancelled, "cancelled")
    for _ in range(2):
        await consume(scene.db, cancelled)
    (released,) = await scene.told_of(MatchReleased)
    assert released.reason == "expired"
    _, order = await scene.books_of(match)
    assert (order.agreed_g, order.status) == (0, "open")
    assert (await scene.told_of(RemainingChanged))[-1].remaining_g == 1_000_000
    await books_balance(scene.db)


async def test_what_was_delivered_is_not_released_afterwards(scene: Scene) -> None:
    match = await scene.matched()
    await consume(scene.db, moved(match, ShipmentDelivered, "delivered"))
    await consume(scene.db, moved(match, ShipmentCancelled, "cancelled", version=4))
    assert (await scene.match(match.id)).status == "fulfilled"
    await books_balance(scene.db)


async def test_events_of_unknown_matches_are_passed_over(scene: Scene) -> None:
    match = await scene.matched()
    stranger = Match(id=uuid4(), quantity_g=1)
    await consume(
        scene.db,
        moved(stranger, ShipmentDelivered, "delivered"),
        moved(stranger, ShipmentCancelled, "cancelled"),
        parcel(stranger, 1),
    )
    assert (await scene.match(match.id)).status == "agreed"


async def test_parcels_that_bring_all_of_it_fulfil_a_match(scene: Scene) -> None:
    match = await scene.matched(quantity_kg=10)
    await consume(scene.db, parcel(match, 4_000), parcel(match, 5_999), parcel(match, 9_000, "in_transit"))
    assert (await scene.match(match.id)).status == "agreed"
    await consume(scene.db, parcel(match, 1))
    assert (await scene.match(match.id)).status == "fulfilled"
    await consume(scene.db, parcel(match, 4_000))
    assert len(await scene.told_of(MatchFulfilled)) == 1


async def test_a_parcel_that_is_too_heavy_for_its_match_brings_nothing_of_it(scene: Scene) -> None:
    match = await scene.matched(quantity_kg=10)
    heavy = parcel(match, 10**9)
    await consume(scene.db, heavy.model_copy(update={"counted_g": 0}), parcel(match, 9_999))
    assert (await scene.match(match.id)).status == "agreed"
    await consume(scene.db, parcel(match, 5).model_copy(update={"counted_g": 5}))
    assert (await scene.match(match.id)).status == "fulfilled"


async def test_one_parcel_counts_once_however_often_it_is_told_of(scene: Scene) -> None:
    match = await scene.matched(quantity_kg=10)
    one = parcel(match, 6_000)
    settled = ParcelSettled(**(one.model_dump() | {"version": 3}))
    for event in (one, one, settled, one):
        await consume(scene.db, event)
    assert (await scene.match(match.id)).status == "agreed"


async def test_a_parcel_that_came_back_does_not_count_in_whatever_order_it_is_heard(scene: Scene) -> None:
    for order in permutations(range(3)):
        match = await scene.matched(quantity_kg=10)
        parcel_id = uuid4()
        news = [
            parcel(match, 6_000, status, parcel_id=parcel_id, version=version)
            for version, status in ((2, "in_transit"), (3, "delivered"), (4, "returned"))
        ]
        for index in order:
            await consume(scene.db, news[index])
        await consume(scene.db, parcel(match, 4_000))
        assert (await scene.match(match.id)).status == "agreed", order
        await consume(scene.db, parcel(match, 6_000))
        assert (await scene.match(match.id)).status == "fulfilled", order
