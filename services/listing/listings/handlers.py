"""What listings do when matching tells what is left of them."""

from collections.abc import Awaitable, Callable, Sequence

from chassis.db import WriteSession
from chassis.inbox import Subscription
from contracts.event import Event
from contracts.supply import RemainingChanged
from services.listing.listings import service
from services.listing.listings.models import Spell

Note = Callable[[WriteSession, Sequence[Spell]], Awaitable[None]]
"""Somebody's interest in how long what changed had stood, in the transaction that changed it."""


def subscriptions(*notes: Note) -> list[Subscription]:
    """Of listings, with who else has an interest in what became of them."""

    async def on_supply(session: WriteSession, events: Sequence[Event]) -> None:
        news = [each for each in events if isinstance(each, RemainingChanged)]
        spells = await service.hear_of_supply(session, news)
        for note in notes:
            await note(session, spells)

    return [Subscription(RemainingChanged.TOPIC, on_supply)]


SUBSCRIPTIONS = subscriptions()
"""By themselves: `docs/events` is written from what each slice hears."""
