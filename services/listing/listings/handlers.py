"""What listings do when an account is erased. That matching tells what is left is heard by the backlog, too."""

from collections.abc import Sequence

from chassis.db import WriteSession
from chassis.inbox import Subscription
from contracts.accounts import AccountErased
from contracts.event import Event
from services.listing.listings import service


async def on_accounts(session: WriteSession, events: Sequence[Event]) -> None:
    await service.forget_producers(session, [each.account_id for each in events if isinstance(each, AccountErased)])


SUBSCRIPTIONS = [Subscription(AccountErased.TOPIC, on_accounts)]
