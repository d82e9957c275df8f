"""The feed's answers, for the documentation: the answer itself is put together from stored bytes."""

from typing import Any

from pydantic import AwareDatetime, BaseModel, Field

from contracts.matches import ReleaseReason
from services.matching.feed.models import FeedType


class FeedItem(BaseModel):
    """One event of one of your matches. It never changes."""

    seq: int = Field(ge=1, description="From 1 on without a gap, in the order of your feed")
    type: FeedType
    at: AwareDatetime
    reason: ReleaseReason | None = Field(None, description="Of match.released: why")
    match: dict[str, Any] = Field(description="The match as it was then, as GET /v1/matches/{id} shows it")


class FeedPage(BaseModel):
    """A page of your feed."""

    items: list[FeedItem]
    next: int = Field(ge=0, description="The last seq of this page, or `after` itself when there is nothing new")
