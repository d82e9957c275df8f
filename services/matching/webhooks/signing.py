"""Standard Webhooks 1.0: secrets, ids of messages, what a ping says, and the headers that prove who sent one."""

import base64
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from standardwebhooks import Webhook

SECRET_B = 32
PREFIX = "whsec_"
USER_AGENT = "Duijie-Webhooks/1.0"


def new_secret() -> str:
    return PREFIX + base64.b64encode(os.urandom(SECRET_B)).decode()


def about(endpoint_id: UUID) -> str:
    """What a sealed secret is of: no other row can open it."""
    return f"webhook_endpoints.secret {endpoint_id}"


def message_id(endpoint_id: UUID, seq: int, pinged_at: datetime | None = None) -> str:
    """The same for every try of one event at one endpoint, by whichever process, today or in a month.

    Each ping has its own, else a receiver that passes over what it knows would see one alone.
    """
    if pinged_at is not None:
        return f"msg_{endpoint_id.hex}_ping_{int(pinged_at.timestamp() * 1000)}"
    return f"msg_{endpoint_id.hex}_{seq}"


def ping_body(endpoint_id: UUID, pinged_at: datetime) -> bytes:
    """What a ping says: an event like the feed's, of none of its numbers and of no match."""
    at = pinged_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    told = {"seq": 0, "type": "webhook.ping", "at": at, "webhook": {"id": str(endpoint_id)}}
    return json.dumps(told, separators=(",", ":")).encode()


def headers_of(message: str, at: datetime, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The headers of a message sent at this moment, with a signature for each secret. `at` is in UTC."""
    text = body.decode()
    return {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message, at, text) for secret in secrets),
    }
