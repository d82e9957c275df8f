"""What matches do when listings close, shipments move, parcels arrive and accounts are erased."""

from collections.abc import Sequence

from chassis.db import WriteSession
from chassis.inbox import Subscription
from contracts.accounts import AccountErased
from contracts.event import Event
from contracts.listings import ListingEvent
from contracts.parcels import ParcelEvent
from contracts.shipments import ShipmentCancelled, ShipmentDelivered, ShipmentEvent, ShipmentPickedUp
from services.matching.matches import service


async def on_listings(session: WriteSession, events: Sequence[Event]) -> None:
    """Comes after supply has applied the same events, in the same transaction."""
    closed = {each.listing_id for each in events if isinstance(each, ListingEvent) and each.status != "open"}
    await service.release_of_closed_listings(session, closed)


async def on_shipments(session: WriteSession, events: Sequence[Event]) -> None:
    cancelled = {each.match_id for each in events if isinstance(each, ShipmentCancelled)}
    delivered = {each.match_id for each in events if isinstance(each, ShipmentDelivered)}
    fetched_g = {each.match_id: each.quantity_g for each in events if isinstance(each, ShipmentPickedUp)}
    await service.hear_of_pickups(session, fetched_g, unmoved=cancelled - delivered)
    await service.fulfil(session, delivered)


async def on_parcels(session: WriteSession, events: Sequence[Event]) -> None:
    await service.hear_of_parcels(session, [each for each in events if isinstance(each, ParcelEvent)])


async def on_accounts(session: WriteSession, events: Sequence[Event]) -> None:
    await service.hear_of_erased(session, {each.account_id for each in events if isinstance(each, AccountErased)})


SUBSCRIPTIONS = [
    Subscription(AccountErased.TOPIC, on_accounts),
    Subscription(ListingEvent.TOPIC, on_listings),
    Subscription(ShipmentEvent.TOPIC, on_shipments),
    Subscription(ParcelEvent.TOPIC, on_parcels),
]
