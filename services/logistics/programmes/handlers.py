"""What programmes do when a match is fulfilled: pay its produce support."""

from collections.abc import Sequence

from chassis.db import WriteSession
from chassis.inbox import Subscription
from contracts.event import Event
from contracts.matches import MatchFulfilled
from services.logistics.programmes import support


async def on_matches(session: WriteSession, events: Sequence[Event]) -> None:
    await support.support_fulfilled(session, [each for each in events if isinstance(each, MatchFulfilled)])


SUBSCRIPTIONS = [Subscription(MatchFulfilled.TOPIC, on_matches)]
