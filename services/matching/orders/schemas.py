"""Orders on the public surface."""

from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, StrictBool, StrictInt

from catalogue.fields import PlaceIn, ProduceSlug
from chassis.fields import Instant, Kg, KgOrNone, KgOut, PriceFenPerKg, RequestModel, ShortText
from contracts.listings import Grade, Place
from services.matching.orders.models import Kind, Order, PriceBasis, Status

LIFE_MAX_H = 10_000

LifeHours = Annotated[StrictInt, Field(ge=0, le=LIFE_MAX_H)]


class NewOrder(RequestModel):
    """An order as it is posted; see the defaults in the surface's document."""

    produce: ProduceSlug
    min_grade: Grade = "C"
    quantity_kg: Kg
    min_fill_kg: KgOrNone = Field(Decimal(0))
    max_price_fen_per_kg: PriceFenPerKg
    price_basis: PriceBasis = "delivered"
    kind: Kind | None = None
    destination: PlaceIn
    deliver_from: Instant | None = None
    deliver_by: Instant | None = None
    min_remaining_life_h: LifeHours = 24
    listing_id: UUID | None = None
    auto_agree: StrictBool = True
    reference: ShortText | None = None


class OrderChange(RequestModel):
    """What may be changed afterwards; what is left out stays."""

    quantity_kg: Kg = Field(None)  # type: ignore[assignment]
    max_price_fen_per_kg: PriceFenPerKg = Field(None)  # type: ignore[assignment]
    deliver_from: Instant = Field(None)  # type: ignore[assignment]
    deliver_by: Instant = Field(None)  # type: ignore[assignment]


class OrderOut(BaseModel):
    """An order as its buyer sees it. The destination's point is the one that was sent, in WGS-84."""

    id: UUID
    buyer_id: UUID
    status: Status
    version: int
    produce: str
    min_grade: Grade
    quantity_kg: KgOut
    min_fill_kg: KgOut
    held_kg: KgOut
    agreed_kg: KgOut
    max_price_fen_per_kg: int
    price_basis: PriceBasis
    kind: Kind
    destination: Place
    deliver_from: AwareDatetime
    deliver_by: AwareDatetime
    min_remaining_life_h: int
    listing_id: UUID | None
    auto_agree: bool
    reference: str | None
    created_at: AwareDatetime

    @classmethod
    def of(cls, order: Order) -> Self:
        return cls(
            id=order.id,
            buyer_id=order.buyer_id,
            status=order.status,
            version=order.version,
            produce=order.produce,
            min_grade=order.min_grade,
            quantity_kg=order.quantity_g,
            min_fill_kg=order.min_fill_g,
            held_kg=order.held_g,
            agreed_kg=order.agreed_g,
            max_price_fen_per_kg=order.max_price_fen_per_kg,
            price_basis=order.price_basis,
            kind=order.kind,
            destination=Place(adcode=order.destination_adcode, lon=order.destination_lon, lat=order.destination_lat),
            deliver_from=order.deliver_from,
            deliver_by=order.deliver_by,
            min_remaining_life_h=order.min_remaining_life_h,
            listing_id=order.listing_id,
            auto_agree=order.auto_agree,
            reference=order.reference,
            created_at=order.created_at,
        )
