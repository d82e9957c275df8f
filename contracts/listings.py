"""`listing.listings.v1`: what the listing service tells of its listings. Whole state, with a version."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from contracts.event import Event

Grade = Literal["A", "B", "C"]
TemperatureClass = Literal["ambient", "chilled", "frozen"]
ListingStatus = Literal["open", "withdrawn", "expired"]


class Place(BaseModel):
    """A county-level area (GB/T 2260) and a WGS-84 point in it; `lon` and `lat` are None where none is known."""

    adcode: str = Field(description="County-level code, GB/T 2260, 6 digits.")
    lon: float | None = Field(None, description="Longitude, degrees east, WGS-84.")
    lat: float | None = Field(None, description="Latitude, degrees north, WGS-84.")


class ListingEvent(Event):
    """The state of a listing, as its producer wants it; what is left of it belongs to matching."""

    TOPIC: ClassVar[str] = "listing.listings.v1"

    listing_id: UUID = Field(description="Id of the listing; the key.")
    version: int = Field(
        description="Counts the listing's changes, from 1; an older one that comes later is passed over."
    )
    producer_id: UUID = Field(description="Account of the producer.")
    status: ListingStatus = Field(description="Where it is in its life; that it is sold out is matching's to tell.")
    produce: str = Field(description="Slug of the produce in the catalogue, such as `strawberry`.")
    grade: Grade = Field(description="Quality; A is the best.")
    quantity_g: int = Field(description="Offered in all, g.")
    min_price_fen_per_kg: int = Field(description="Floor at the farm gate, fen/kg.")
    origin: Place = Field(description="Where it lies.")
    temperature_class: TemperatureClass = Field(description="How it must be carried.")
    available_from: AwareDatetime = Field(description="From when it can be fetched.")
    available_until: AwareDatetime | None = Field(description="Until when it is offered; null is until it spoils.")
    spoils_at: AwareDatetime = Field(description="When it can no longer be eaten.")
    divisible: bool = Field(description="Whether part of it may be sold.")
    auto_agree: bool = Field(description="Whether the producer agrees beforehand to every match at or above the floor.")

    @property
    def key(self) -> str:
        return str(self.listing_id)


class ListingPublished(ListingEvent):
    """A producer offers a lot."""

    TYPE: ClassVar[str] = "duijie.listing.published"


class ListingUpdated(ListingEvent):
    """The producer changed it, or its quantity was clamped to what is promised."""

    TYPE: ClassVar[str] = "duijie.listing.updated"


class ListingWithdrawn(ListingEvent):
    """The producer takes it back."""

    TYPE: ClassVar[str] = "duijie.listing.withdrawn"


class ListingExpired(ListingEvent):
    """It spoiled, or its time was over."""

    TYPE: ClassVar[str] = "duijie.listing.expired"
