"""`matching.matches.v1`: the life of a match. Whole state, with a version."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.event import Event
from contracts.listings import Place, TemperatureClass

MatchStatus = Literal["proposed", "agreed", "fulfilled", "released"]
ReleaseReason = Literal["declined", "deadline", "listing_withdrawn", "order_cancelled", "expired"]


class MatchEvent(Event):
    """So many grams of one listing for one order, at a farm-gate price."""

    TOPIC: ClassVar[str] = "matching.matches.v1"

    match_id: UUID = Field(description="Id of the match; the key.")
    version: int = Field(
        description="Counts the match's changes, from 1; an older one that comes later is passed over."
    )
    status: MatchStatus = Field(description="Where it is in its life.")
    reason: ReleaseReason | None = Field(None, description="Why it was released; null while it is not.")
    listing_id: UUID = Field(description="Id of the listing that sells.")
    order_id: UUID = Field(description="Id of the order that buys.")
    producer_id: UUID = Field(description="Account of the producer.")
    buyer_id: UUID = Field(description="Account of the buyer.")
    produce: str = Field(description="Slug of the produce in the catalogue, such as `strawberry`.")
    quantity_g: int = Field(description="Mass of the match, g.")
    price_fen_per_kg: int = Field(description="Price at the farm gate, fen/kg.")
    freight_fen_per_kg: int = Field(description="Freight on top of it, fen/kg.")
    amount_fen: int = Field(description="What the goods cost at the farm gate, fen.")
    distance_m: int = Field(description="Way from origin to destination, m.")
    temperature_class: TemperatureClass = Field(description="How it must be carried.")
    origin: Place = Field(description="Where it is fetched; with its county's point until it is agreed.")
    destination: Place = Field(description="Where it is brought; with its county's point until it is agreed.")
    ready_at: AwareDatetime = Field(description="From when it can be fetched.")
    arrives_at: AwareDatetime = Field(description="When it is expected to arrive.")
    deliver_by: AwareDatetime = Field(description="The latest that the buyer takes it.")
    spoils_at: AwareDatetime = Field(description="When it can no longer be eaten.")
    min_remaining_life_h: int = Field(description="Life that must be left at arrival, h.")
    round_id: UUID = Field(description="Id of the round that found it.")
    under_way_s: int | None = Field(
        None, description="From leaving until it arrives, handling included, by the policy of that round, s."
    )

    @property
    def key(self) -> str:
        return str(self.match_id)


class MatchProposed(MatchEvent):
    """A round found it; one side or both have yet to consent."""

    TYPE: ClassVar[str] = "duijie.match.proposed"


class MatchAgreed(MatchEvent):
    """Both sides consent: it is to be carried."""

    TYPE: ClassVar[str] = "duijie.match.agreed"


class MatchAdjusted(MatchEvent):
    """Less was fetched than had been agreed: the match is of so much, and the rest is free again on both sides."""

    TYPE: ClassVar[str] = "duijie.match.adjusted"


class MatchReleased(MatchEvent):
    """It is off, and its quantity is free again."""

    TYPE: ClassVar[str] = "duijie.match.released"


class MatchFulfilled(MatchEvent):
    """The goods were delivered."""

    TYPE: ClassVar[str] = "duijie.match.fulfilled"
