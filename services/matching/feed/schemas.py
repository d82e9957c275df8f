"""The feed's answers, for the documentation: the answer itself is put together from stored bytes.

A match's public form stands here, for its feed shows it, too; `matches`, which stands on this slice, makes it.
"""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from chassis.fields import KgOut
from contracts.listings import Place
from contracts.matches import MatchStatus, ReleaseReason
from services.matching.feed.models import FeedType


class Consents(BaseModel):
    """Who has said yes; a floor or ceiling with `auto_agree` says it beforehand."""

    producer: bool
    buyer: bool


class MatchOut(BaseModel):
    """A match as one of its sides sees it.

    `reason` is there once it is released, `words` when a side gave some with its no; `agree_by` is null where both
    had consented beforehand. Until it is agreed the other side's place is no finer than its county.
    """

    id: UUID
    listing_id: UUID
    order_id: UUID
    producer_id: UUID
    buyer_id: UUID
    produce: str
    quantity_kg: KgOut
    price_fen_per_kg: int
    freight_fen_per_kg: int
    delivered_price_fen_per_kg: int
    amount_fen: int
    distance_km: float
    arrives_at: AwareDatetime
    remaining_life_h: float
    status: MatchStatus
    reason: ReleaseReason | None
    words: str | None
    consents: Consents
    agree_by: AwareDatetime | None
    round_id: UUID
    origin: Place
    destination: Place
    version: int
    created_at: AwareDatetime


class FeedItem(BaseModel):
    """One event of one of your matches. It never changes."""

    seq: int = Field(ge=1, description="From 1 on without a gap, in the order of your feed")
    type: FeedType
    at: AwareDatetime
    reason: ReleaseReason | None = Field(None, description="Of match.released: why")
    match: MatchOut = Field(description="The match as it was then, as GET /v1/matches/{id} shows it")


class FeedPage(BaseModel):
    """A page of your feed."""

    items: list[FeedItem]
    next: int = Field(ge=0, description="The last seq of this page, or `after` itself when there is nothing new")
