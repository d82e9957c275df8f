"""`listing.listings.v1`: what the listing service tells of its listings. Whole state, with a version."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from contracts.event import Event

Grade = Literal["A", "B", "C"]
TemperatureClass = Literal["ambient", "chilled", "frozen"]
ListingStatus = Literal["open", "withdrawn", "expired"]


class Place(BaseModel):
    """A county-level area (GB/T 2260) and a WGS-84 point in it; `lon` and `lat` are None where none is known."""

    adcode: str
    lon: float | None = None
    lat: float | None = None


class ListingEvent(Event):
    """The state of a listing, as its producer wants it; what is left of it belongs to matching."""

    TOPIC: ClassVar[str] = "listing.listings.v1"

    listing_id: UUID
    version: int
    producer_id: UUID
    status: ListingStatus
    produce: str
    grade: Grade
    quantity_g: int
    min_price_fen_per_kg: int
    origin: Place
    temperature_class: TemperatureClass
    available_from: AwareDatetime
    available_until: AwareDatetime | None
    spoils_at: AwareDatetime
    divisible: bool
    auto_agree: bool

    @property
    def key(self) -> str:
        return str(self.listing_id)


class ListingPublished(ListingEvent):
    TYPE: ClassVar[str] = "duijie.listing.published"


class ListingUpdated(ListingEvent):
    TYPE: ClassVar[str] = "duijie.listing.updated"


class ListingWithdrawn(ListingEvent):
    TYPE: ClassVar[str] = "duijie.listing.withdrawn"


class ListingExpired(ListingEvent):
    TYPE: ClassVar[str] = "duijie.listing.expired"
