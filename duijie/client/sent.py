"""What is sent, as `/openapi.json` describes it; what is not given is left out, and has the platform's default."""

from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from duijie.client.models import Grade, Kg, TemperatureClass


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def body(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_unset=True)


class Spot(_Sent):
    """A county by its adcode (`GET /v1/places?q=` finds it), and perhaps a point in it."""

    adcode: str
    lon: float | None = None
    lat: float | None = None
    crs: Literal["wgs84", "gcj02"] = "wgs84"


class Origin(Spot):
    village: str | None = None


class NewListing(_Sent):
    produce: str
    quantity_kg: Kg
    min_price_fen_per_kg: int
    origin: Origin
    producer_id: UUID | None = None
    variety: str | None = None
    grade: Grade = "B"
    harvested_at: AwareDatetime | None = None
    best_before: AwareDatetime | None = None
    available_from: AwareDatetime | None = None
    available_until: AwareDatetime | None = None
    temperature_class: TemperatureClass | None = None
    households: int | None = None
    story: str | None = None
    divisible: bool = True
    auto_agree: bool = True


class NewOrder(_Sent):
    produce: str
    quantity_kg: Kg
    max_price_fen_per_kg: int
    destination: Spot
    min_grade: Grade = "C"
    min_fill_kg: Kg = Decimal(0)
    price_basis: Literal["delivered", "farm_gate"] = "delivered"
    kind: Literal["bulk", "group", "retail"] | None = None
    deliver_from: AwareDatetime | None = None
    deliver_by: AwareDatetime | None = None
    min_remaining_life_h: int = 24
    listing_id: UUID | None = None
    auto_agree: bool = True
    reference: str | None = None


class ListingChange(_Sent):
    """What is left out stays; None takes away what may be missing."""

    quantity_kg: Kg | None = None
    min_price_fen_per_kg: int | None = None
    best_before: AwareDatetime | None = None
    available_from: AwareDatetime | None = None
    available_until: AwareDatetime | None = None
    story: str | None = None
    auto_agree: bool | None = None


class OrderChange(_Sent):
    """What is left out stays."""

    quantity_kg: Kg | None = None
    max_price_fen_per_kg: int | None = None
    deliver_from: AwareDatetime | None = None
    deliver_by: AwareDatetime | None = None


class WebhookChange(_Sent):
    """What is left out stays; `enabled` pauses, or turns on again what was disabled, and goes on where that was."""

    url: str | None = None
    types: list[str] | None = None
    enabled: bool | None = None
