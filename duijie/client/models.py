"""What is sent and what comes back, as `/openapi.json` describes it. Members that a newer platform adds are kept.

Kilograms are decimals with at most three places; money is integer fen; instants bear their offset.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer

Kg = Annotated[
    Decimal, PlainSerializer(lambda kg: int(kg) if kg == kg.to_integral_value() else float(kg), when_used="json")
]
Grade = Literal["A", "B", "C"]
TemperatureClass = Literal["ambient", "chilled", "frozen"]


class _Sent(BaseModel):
    """What is not given is left out, and has the platform's default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def body(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_unset=True)


class _Received(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


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


class Listing(_Received):
    id: UUID
    producer_id: UUID
    status: Literal["open", "sold_out", "withdrawn", "expired"]
    version: int
    produce: str
    grade: Grade
    quantity_kg: Kg
    remaining_kg: Kg
    held_kg: Kg
    agreed_kg: Kg
    min_price_fen_per_kg: int
    spoils_at: AwareDatetime
    created_at: AwareDatetime


class Order(_Received):
    id: UUID
    buyer_id: UUID
    status: Literal["open", "filled", "cancelled", "expired"]
    version: int
    produce: str
    quantity_kg: Kg
    held_kg: Kg
    agreed_kg: Kg
    max_price_fen_per_kg: int
    deliver_by: AwareDatetime
    reference: str | None
    created_at: AwareDatetime


class Consents(_Received):
    producer: bool
    buyer: bool


class Match(_Received):
    id: UUID
    listing_id: UUID
    order_id: UUID
    produce: str
    quantity_kg: Kg
    price_fen_per_kg: int
    freight_fen_per_kg: int
    amount_fen: int
    arrives_at: AwareDatetime
    status: Literal["proposed", "agreed", "fulfilled", "released"]
    consents: Consents
    agree_by: AwareDatetime | None
    version: int


class FeedItem(_Received):
    """One event of one of your matches; it never changes. `seq` counts from 1 without a gap."""

    seq: int
    type: str
    at: AwareDatetime
    reason: str | None = None
    match: Match


class Reason(_Received):
    code: str
    quantity_kg: Kg | None = None
    count: int | None = None
    text: str = ""


class Explanation(_Received):
    state: Literal["pending", "unsold", "partly", "sold", "closed"]
    reasons: list[Reason]
    cheapest_fix: dict[str, Any] | None


class Shipment(_Received):
    id: UUID
    match_id: UUID
    status: str
    quantity_kg: Kg
    temperature_class: TemperatureClass
    ready_at: AwareDatetime
    deliver_by: AwareDatetime
    carrier_id: UUID | None
    version: int


class Stop(_Received):
    """`load_kg`: what is aboard when it leaves."""

    shipment_id: UUID
    type: Literal["pickup", "delivery"]
    arrival: AwareDatetime
    departure: AwareDatetime
    lon: float
    lat: float
    produce: str | None = None
    quantity_kg: Kg | None = None
    load_kg: Kg | None = None
    adcode: str | None = None


class VehicleRoute(_Received):
    vehicle_id: UUID
    distance_m: int
    duration_s: int
    load_kg: Kg
    stops: list[Stop]


class Unassigned(_Received):
    shipment_id: UUID
    reasons: list[str]


class Route(_Received):
    """A plan; `planning` has neither vehicles nor what is left out yet."""

    id: UUID
    status: str
    vehicles: list[VehicleRoute] = []
    unassigned: list[Unassigned] = []
    distance_source: str | None = None


class ImportRow(_Received):
    """What became of one row: the id of the new thing, or why there is none (a problem as JSON)."""

    row: int
    id: UUID | None = None
    problem: dict[str, Any] | None = None


class Webhook(_Received):
    """`secret` is there once, in the answer that made or rotated it."""

    id: UUID
    url: str
    types: list[str]
    secret: str | None = None
