"""Webhooks on the public surface."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StrictInt

from chassis.addresses import URL_MAX
from chassis.feed import SEQ_MAX
from chassis.fields import RequestModel, ResponseModel, no_nul
from services.matching.feed.models import FeedType
from services.matching.webhooks.models import Delivery, DisabledReason, Endpoint, Status

Url = Annotated[str, Field(min_length=1, max_length=URL_MAX), AfterValidator(no_nul)]


def _each_once(types: list[FeedType]) -> list[FeedType]:
    return list(dict.fromkeys(types))


Types = Annotated[list[FeedType], Field(max_length=50), AfterValidator(_each_once)]


class NewWebhook(RequestModel):
    """Where to, and of which events: of all when none is named."""

    url: Url
    types: Types = Field(default_factory=list)


class WebhookChange(RequestModel):
    """What is left out stays."""

    url: Url = Field(None)  # type: ignore[assignment]
    types: Types = Field(None)  # type: ignore[arg-type]
    enabled: Literal[True] = Field(None)  # type: ignore[arg-type]


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


class WebhookWithSecret(WebhookOut):
    """The same with its secret, which is shown this once."""

    secret: str

    @classmethod
    def of(cls, endpoint: Endpoint, secret: str) -> Self:
        return cls(**WebhookOut.model_validate(endpoint).model_dump(), secret=secret)


class AttemptOut(BaseModel):
    """One try: what was answered, or why nothing was."""

    at: AwareDatetime
    status_code: int | None = None
    error: str | None = None


class DeliveryOut(BaseModel):
    """One event for one webhook. `next_try_at` is null while it is sent, and at the end."""

    seq: int
    type: FeedType
    status: Status
    attempts: list[AttemptOut]
    next_try_at: AwareDatetime | None
    ended_at: AwareDatetime | None

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        attempts: list[Any] = delivery.attempts
        return cls(
            seq=delivery.seq,
            type=delivery.type,
            status=delivery.status,
            attempts=attempts,
            next_try_at=delivery.next_at if delivery.status == "waiting" else None,
            ended_at=delivery.ended_at,
        )
