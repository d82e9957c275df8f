"""Listings on the public surface."""

from collections.abc import Collection
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, StrictBool, StrictInt

from catalogue.fields import PlaceIn, ProduceSlug
from chassis.fields import Instant, Kg, KgOut, LongText, PriceFenPerKg, RequestModel, ShortText
from contracts.listings import Grade, TemperatureClass
from services.listing.listings.models import Listing, ShelfLifeSource, Status

Households = Annotated[StrictInt, Field(ge=1, le=1_000_000)]


class Origin(PlaceIn):
    """Where the lot lies."""

    village: ShortText | None = None


class NewListing(RequestModel):
    """A listing as it is posted; see the defaults in the surface's document."""

    producer_id: UUID | None = Field(None, description="For whom an agent writes; nobody else names it.")
    produce: ProduceSlug
    variety: ShortText | None = None
    grade: Grade = "B"
    quantity_kg: Kg
    min_price_fen_per_kg: PriceFenPerKg
    origin: Origin
    harvested_at: Instant | None = None
    best_before: Instant | None = None
    available_from: Instant | None = None
    available_until: Instant | None = None
    temperature_class: TemperatureClass | None = None
    households: Households | None = None
    story: LongText | None = None
    divisible: StrictBool = True
    auto_agree: StrictBool = True


class ListingChange(RequestModel):
    """What may be changed afterwards; what is left out stays."""

    quantity_kg: Kg = Field(None)  # type: ignore[assignment]
    min_price_fen_per_kg: PriceFenPerKg = Field(None)  # type: ignore[assignment]
    best_before: Instant | None = None
    available_from: Instant = Field(None)  # type: ignore[assignment]
    available_until: Instant | None = None
    story: LongText | None = None
    auto_agree: StrictBool = Field(None)  # type: ignore[assignment]


class OriginOut(BaseModel):
    adcode: str
    village: str | None
    lon: float | None
    lat: float | None
    crs: Literal["wgs84"] = "wgs84"


class ListingOut(BaseModel):
    """A listing as its producer sees it. remaining, held and agreed are matching's, as last heard.

    `on_market` turns true when matching has taken the lot up: from then on rounds see it, until it is closed.
    """

    id: UUID
    producer_id: UUID
    status: Status
    on_market: bool
    version: int
    produce: str
    variety: str | None
    grade: Grade
    quantity_kg: KgOut
    remaining_kg: KgOut
    held_kg: KgOut
    agreed_kg: KgOut
    min_price_fen_per_kg: int
    origin: OriginOut
    harvested_at: AwareDatetime
    best_before: AwareDatetime | None
    available_from: AwareDatetime
    available_until: AwareDatetime | None
    temperature_class: TemperatureClass
    spoils_at: AwareDatetime
    shelf_life_source: ShelfLifeSource
    households: int | None
    story: str | None
    divisible: bool
    auto_agree: bool
    created_at: AwareDatetime
    photos: list[str]

    @classmethod
    def of(cls, listing: Listing, photo_ids: Collection[UUID] = ()) -> Self:
        return cls(
            id=listing.id,
            producer_id=listing.producer_id,
            status=listing.status,
            on_market=listing.supply_version > 0 and listing.lifecycle == "open",
            version=listing.version,
            produce=listing.produce,
            variety=listing.variety,
            grade=listing.grade,
            quantity_kg=listing.quantity_g,
            remaining_kg=listing.remaining_g,
            held_kg=listing.held_g,
            agreed_kg=listing.agreed_g,
            min_price_fen_per_kg=listing.min_price_fen_per_kg,
            origin=OriginOut(
                adcode=listing.origin_adcode,
                village=listing.origin_village,
                lon=listing.origin_lon,
                lat=listing.origin_lat,
            ),
            harvested_at=listing.harvested_at,
            best_before=listing.best_before,
            available_from=listing.available_from,
            available_until=listing.available_until,
            temperature_class=listing.temperature_class,
            spoils_at=listing.spoils_at,
            shelf_life_source=listing.shelf_life_source,
            households=listing.households,
            story=listing.story,
            divisible=listing.divisible,
            auto_agree=listing.auto_agree,
            created_at=listing.created_at,
            photos=[f"/v1/listings/{listing.id}/photos/{photo_id}" for photo_id in photo_ids],
        )
