"""The feeds' answers, for the documentation: the answer itself is put together from stored bytes."""

from typing import Any

from pydantic import AwareDatetime, BaseModel, Field

from services.logistics.feed.models import FeedType


class ShipmentFeedItem(BaseModel):
    """One event of one shipment. It never changes."""

    seq: int = Field(ge=1, description="From 1 on without a gap, in the order of the feed")
    type: FeedType
    at: AwareDatetime
    shipment: dict[str, Any] = Field(description="The shipment as it was then, as GET /v1/shipments/{id} shows it")


class ShipmentFeedPage(BaseModel):
    """A page of a feed."""

    items: list[ShipmentFeedItem]
    next: int = Field(ge=0, description="The last seq of this page, or `after` itself when there is nothing new")
