"""Matches on the public surface."""

from collections.abc import Collection

from pydantic import Field

from chassis.fields import LongText, RequestModel
from services.matching.feed.schemas import Consents, MatchOut
from services.matching.matches.models import BOTH_SIDES, Match, NewMatch, Side, places_of

SECONDS_PER_HOUR = 3600
METRES_PER_KM = 1000


def shown(match: Match | NewMatch, to: Collection[Side] = BOTH_SIDES) -> MatchOut:
    """The match as these sides of it see it; both together see all of it."""
    origin, destination = places_of(match, to)
    return MatchOut(
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
        origin=origin,
        destination=destination,
        version=match.version,
        created_at=match.created_at,
    )


class Declined(RequestModel):
    """Why a side says no."""

    reason: LongText | None = Field(None, description="In your own words; the other side sees it as `words`.")
