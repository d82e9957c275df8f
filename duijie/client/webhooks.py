"""Whether a webhook is ours: Standard Webhooks 1.0, checked by the package of its authors."""

from collections.abc import Mapping

from pydantic import TypeAdapter
from standardwebhooks import Webhook as Signature
from standardwebhooks.webhooks import WebhookVerificationError

from duijie.client.models import FeedItem, Ping

SAID: TypeAdapter[FeedItem | Ping] = TypeAdapter(FeedItem | Ping)


class NotOurs(Exception):
    """It was not signed with this secret, is older than five minutes, or was changed on the way: answer 400."""


def verified(secret: str, headers: Mapping[str, str], body: bytes) -> FeedItem | Ping:
    """What the webhook tells: an item of your feed, or that somebody pinged it. Raises NotOurs.

    The same event may come again: its `webhook-id` tells, and so does `seq`.
    """
    try:
        Signature(secret).verify(body, {name.lower(): value for name, value in headers.items()}, json_parse=False)
    except (WebhookVerificationError, ValueError) as error:
        raise NotOurs(str(error)) from error
    return SAID.validate_json(body)
