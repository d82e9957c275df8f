"""What listings do when matching tells what is left."""

from collections.abc import Sequence

from chassis.db import WriteSession
from chassis.inbox import Subscription
from contracts.event import Event
from contracts.supply import RemainingChanged
from services.listing.listings import service


async def on_supply(session: WriteSession, events: Sequence[Event]) -> None:
    await service.hear_of_supply(session, [each for each in events if isinstance(each, RemainingChanged)])


SUBSCRIPTIONS = [Subscription(RemainingChanged.TOPIC, on_supply)]
