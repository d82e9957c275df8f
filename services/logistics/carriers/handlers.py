"""What this service does when an account is erased."""

from collections.abc import Sequence

from chassis.db import WriteSession
from chassis.inbox import Subscription
from contracts.accounts import AccountErased
from contracts.event import Event
from services.logistics.carriers import service


async def on_accounts(session: WriteSession, events: Sequence[Event]) -> None:
    await service.hear_of_erased(session, {each.account_id for each in events if isinstance(each, AccountErased)})


SUBSCRIPTIONS = [Subscription(AccountErased.TOPIC, on_accounts)]
