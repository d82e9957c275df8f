"""`matching.matches.v1`: the life of a match. Whole state, with a version."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from contracts.event import Event
from contracts.listings import Place, TemperatureClass

MatchStatus = Literal["proposed", "agreed", "fulfilled", "released"]
ReleaseReason = Literal["declined", "deadline", "listing_withdrawn", "order_cancelled", "expired"]


class MatchEvent(Event):
    """So many grams of one listing for one order, at a farm-gate price."""

    TOPIC: ClassVar[str] = "matching.matches.v1"

    match_id: UUID
    version: int
    status: MatchStatus
    reason: ReleaseReason | None = None
    listing_id: UUID
    order_id: UUID
    producer_id: UUID
    buyer_id: UUID
    produce: str
    quantity_g: int
    price_fen_per_kg: int
    freight_fen_per_kg: int
    amount_fen: int
    distance_m: int
    temperature_class: TemperatureClass
    origin: Place
    destination: Place
    ready_at: AwareDatetime
    arrives_at: AwareDatetime
    deliver_by: AwareDatetime
    spoils_at: AwareDatetime
    min_remaining_life_h: int
    round_id: UUID

    @property
    def key(self) -> str:
        return str(self.match_id)


class MatchProposed(MatchEvent):
    TYPE: ClassVar[str] = "duijie.match.proposed"


class MatchAgreed(MatchEvent):
    TYPE: ClassVar[str] = "duijie.match.agreed"


class MatchReleased(MatchEvent):
    TYPE: ClassVar[str] = "duijie.match.released"


class MatchFulfilled(MatchEvent):
    TYPE: ClassVar[str] = "duijie.match.fulfilled"
