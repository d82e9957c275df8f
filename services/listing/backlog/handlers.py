"""What is noted when matching tells what is left: how long it had stood."""

from collections.abc import Sequence

from chassis.db import WriteSession
from chassis.inbox import Subscription
from contracts.event import Event
from contracts.supply import RemainingChanged
from services.listing.backlog import service
from services.listing.listings import service as listings


async def on_supply(session: WriteSession, events: Sequence[Event]) -> None:
    """The listings hear of it, and the backlog's history has it in the same transaction."""
    news = [each for each in events if isinstance(each, RemainingChanged)]
    await service.note(session, await listings.hear_of_supply(session, news))


SUBSCRIPTIONS = [Subscription(RemainingChanged.TOPIC, on_supply)]
