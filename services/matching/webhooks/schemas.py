"""Webhooks on the public surface."""

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StrictBool, StrictInt

from chassis.addresses import URL_MAX
from chassis.feed import SEQ_MAX
from chassis.fields import RequestModel, ResponseModel, no_nul
from services.matching.feed.models import FeedType
from services.matching.webhooks.models import Delivery, DeliveryType, DisabledReason, Endpoint, Status
from services.matching.webhooks.signing import message_id

Url = Annotated[str, Field(min_length=1, max_length=URL_MAX), AfterValidator(no_nul)]


def _each_once(types: list[FeedType]) -> list[FeedType]:
    return list(dict.fromkeys(types))


Types = Annotated[list[FeedType], Field(max_length=50), AfterValidator(_each_once)]


class NewWebhook(RequestModel):
    """Where to, and of which events: of all when none is named."""

    url: Url
    types: Types = Field(default_factory=list)


class WebhookChange(RequestModel):
    """What is left out stays; `enabled: false` pauses."""

    url: Url = Field(None)  # type: ignore[assignment]
    types: Types = Field(None)  # type: ignore[arg-type]
    enabled: StrictBool = Field(None)  # type: ignore[assignment]


class Rewind(RequestModel):
    """Everything behind this seq of the feed is sent again; 0 is everything."""

    after_seq: Annotated[StrictInt, Field(ge=0, le=SEQ_MAX)]


class WebhookOut(ResponseModel):
    """A webhook as its owner sees it, without its secret."""

    id: UUID
    version: int
    url: str
    types: list[FeedType]
    enabled: bool
    disabled_reason: DisabledReason | None
    disabled_at: AwareDatetime | None
    failing_since: AwareDatetime | None
    after_seq: int
    old_secret_until: AwareDatetime | None
    created_at: AwareDatetime


class Rewound(WebhookOut):
    """The same, and how many events are sent again; null where there is too much to look through."""

    to_send: int | None

    @classmethod
    def of(cls, endpoint: Endpoint, to_send: int | None) -> Self:
        return cls(**WebhookOut.model_validate(endpoint).model_dump(), to_send=to_send)


class WebhookWithSecret(WebhookOut):
    """The same with its secret, which is shown this once."""

    secret: str

    @classmethod
    def of(cls, endpoint: Endpoint, secret: str) -> Self:
        return cls(**WebhookOut.model_validate(endpoint).model_dump(), secret=secret)


class AttemptOut(BaseModel):
    """One try: what was answered, or why nothing was, and how long that took; null where that is not known."""

    at: AwareDatetime
    status_code: int | None = None
    error: str | None = None
    duration_ms: int | None = None


class DeliveryOut(BaseModel):
    """One event for one webhook, or its last ping (`seq` 0, no `match_id`).

    `next_try_at` is null while it is sent, and at the end.
    """

    seq: int
    webhook_id: str
    type: DeliveryType
    match_id: UUID | None
    status: Status
    attempts: list[AttemptOut]
    next_try_at: AwareDatetime | None
    ended_at: AwareDatetime | None

    @classmethod
    def of(cls, delivery: Delivery, match_id: UUID | None) -> Self:
        attempts: list[Any] = delivery.attempts
        return cls(
            seq=delivery.seq,
            webhook_id=message_id(delivery.endpoint_id, delivery.seq, delivery.pinged_at),
            type=delivery.type,
            match_id=match_id,
            status=delivery.status,
            attempts=attempts,
            next_try_at=delivery.next_at if delivery.status == "waiting" else None,
            ended_at=delivery.ended_at,
        )
