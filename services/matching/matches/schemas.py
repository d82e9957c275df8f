"""Matches on the public surface."""

from typing import Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from chassis.fields import KgOut, LongText, RequestModel
from contracts.listings import Place
from contracts.matches import MatchStatus, ReleaseReason
from services.matching.matches.models import Match, NewMatch

SECONDS_PER_HOUR = 3600
METRES_PER_KM = 1000


class Consents(BaseModel):
    """Who has said yes; a floor or ceiling with `auto_agree` says it beforehand."""

    producer: bool
    buyer: bool


class MatchOut(BaseModel):
    """A match as both sides see it.

    `reason` is there once it is released, `words` when a side gave some with its no; `agree_by` is null where both
    had consented beforehand.
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

    @classmethod
    def of(cls, match: Match | NewMatch) -> Self:
        return cls(
            id=match.id,
            listing_id=match.listing_id,
            order_id=match.order_id,
            producer_id=match.producer_id,
            buyer_id=match.buyer_id,
            produce=match.produce,
            quantity_kg=match.quantity_g,
            price_fen_per_kg=match.price_fen_per_kg,
            freight_fen_per_kg=match.freight_fen_per_kg,
            delivered_price_fen_per_kg=match.delivered_price_fen_per_kg,
            amount_fen=match.amount_fen,
            distance_km=match.distance_m / METRES_PER_KM,
            arrives_at=match.arrives_at,
            remaining_life_h=round((match.spoils_at - match.arrives_at).total_seconds() / SECONDS_PER_HOUR, 2),
            status=match.status,
            reason=match.reason,
            words=match.words,
            consents=Consents(producer=match.producer_consents, buyer=match.buyer_consents),
            agree_by=match.agree_by,
            round_id=match.round_id,
            origin=Place(adcode=match.origin_adcode, lon=match.origin_lon, lat=match.origin_lat),
            destination=Place(adcode=match.destination_adcode, lon=match.destination_lon, lat=match.destination_lat),
            version=match.version,
            created_at=match.created_at,
        )


class Declined(RequestModel):
    """Why a side says no."""

    reason: LongText | None = Field(None, description="In your own words; the other side sees it as `words`.")
