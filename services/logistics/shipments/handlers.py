"""What shipments do when matching tells of its matches."""

from collections.abc import Sequence

from chassis.db import WriteSession
from chassis.inbox import Subscription
from contracts.event import Event
from contracts.matches import MatchAgreed, MatchEvent, MatchFulfilled, MatchReleased
from services.logistics.shipments import service


async def on_matches(session: WriteSession, events: Sequence[Event]) -> None:
    """By kind: within one match agreement comes first, and nothing comes after its end."""
    if agreed := [each for each in events if isinstance(each, MatchAgreed)]:
        await service.open_agreed(session, agreed)
    if released := [each for each in events if isinstance(each, MatchReleased)]:
        await service.cancel_released(session, released)
    if fulfilled := [each for each in events if isinstance(each, MatchFulfilled)]:
        await service.close_fulfilled(session, fulfilled)


SUBSCRIPTIONS = [Subscription(MatchEvent.TOPIC, on_matches)]
