"""What listings do when matching tells what is left, and when an account is erased."""

from collections.abc import Sequence

from chassis.db import WriteSession
from chassis.inbox import Subscription
from contracts.accounts import AccountErased
from contracts.event import Event
from contracts.supply import RemainingChanged
from services.listing.listings import service


async def on_supply(session: WriteSession, events: Sequence[Event]) -> None:
    await service.hear_of_supply(session, [each for each in events if isinstance(each, RemainingChanged)])


async def on_accounts(session: WriteSession, events: Sequence[Event]) -> None:
    await service.forget_producers(session, [each.account_id for each in events if isinstance(each, AccountErased)])


SUBSCRIPTIONS = [
    Subscription(RemainingChanged.TOPIC, on_supply),
    Subscription(AccountErased.TOPIC, on_accounts),
]
