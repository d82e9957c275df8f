"""Whether a webhook is ours."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from standardwebhooks import Webhook

from duijie.client import FeedItem, NotOurs, Ping, verified
from services.matching.webhooks.signing import ping_body
from tests.duijie.client.test_feed import item

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = json.dumps(item(3)).encode()


def headers(at: datetime, body: bytes = BODY, secret: str = SECRET) -> dict[str, str]:
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": Webhook(secret).sign("msg_1", at, body.decode()),
    }


def test_what_we_signed_is_told() -> None:
    told = verified(SECRET, headers(datetime.now(UTC)), BODY)
    assert isinstance(told, FeedItem)
    assert (told.seq, told.type, str(told.match.quantity_kg)) == (3, "match.agreed", "12.5")


def test_a_ping_is_told_from_an_item() -> None:
    endpoint_id, at = uuid4(), datetime.now(UTC)
    body = ping_body(endpoint_id, at)
    told = verified(SECRET, headers(at, body), body)
    assert isinstance(told, Ping)
    assert (told.seq, told.webhook.id, told.at) == (0, endpoint_id, at)


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (headers(datetime.now(UTC), secret="whsec_" + "AAAA" * 8), BODY),
        (headers(datetime.now(UTC)), BODY.replace(b"12.5", b"99.5")),
        (headers(datetime.now(UTC) - timedelta(minutes=6)), BODY),
        ({}, BODY),
        (headers(datetime.now(UTC)) | {"Webhook-Signature": "v1,%%%"}, BODY),
        (headers(datetime.now(UTC)) | {"Webhook-Signature": "nonsense"}, BODY),
    ],
)
def test_anything_else_is_not_ours(sent: dict[str, str], body: bytes) -> None:
    with pytest.raises(NotOurs):
        verified(SECRET, sent, body)
