"""What supply does when the listing service tells of its listings."""

from collections.abc import Sequence

from chassis.db import WriteSession
from chassis.inbox import Subscription
from contracts.event import Event
from contracts.listings import ListingEvent
from services.matching.supply import service


async def on_listings(session: WriteSession, events: Sequence[Event]) -> None:
    await service.hear_of_listings(session, [each for each in events if isinstance(each, ListingEvent)])


SUBSCRIPTIONS = [Subscription(ListingEvent.TOPIC, on_listings)]
