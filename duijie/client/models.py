"""What comes back, as `/openapi.json` describes it. Members that a newer platform adds are kept.

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


class _Received(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class County(_Received):
    """A county, and a point in it (WGS-84): the exact one, or the county's; None where none is known."""

    adcode: str
    lon: float | None = None
    lat: float | None = None


class ListingOrigin(County):
    village: str | None = None


class Listing(_Received):
    """`on_market`: rounds see it; None from a platform that does not say."""

    id: UUID
    producer_id: UUID
    status: Literal["open", "sold_out", "withdrawn", "expired"]
    on_market: bool | None = None
    version: int
    produce: str
    variety: str | None
    grade: Grade
    quantity_kg: Kg
    remaining_kg: Kg
    held_kg: Kg
    agreed_kg: Kg
    min_price_fen_per_kg: int
    origin: ListingOrigin
    harvested_at: AwareDatetime
    best_before: AwareDatetime | None
    available_from: AwareDatetime
    available_until: AwareDatetime | None
    temperature_class: TemperatureClass
    spoils_at: AwareDatetime
    shelf_life_source: Literal["declared", "catalogue", "category"]
    households: int | None
    story: str | None
    divisible: bool
    auto_agree: bool
    photos: tuple[str, ...] = ()
    created_at: AwareDatetime


class Photo(_Received):
    """A JPEG of at most 1,600 pixels; where it was taken is not in it."""

    id: UUID
    size_b: int
    width_px: int
    height_px: int
    recorded_at: AwareDatetime


class Order(_Received):
    id: UUID
    buyer_id: UUID
    status: Literal["open", "filled", "cancelled", "expired"]
    version: int
    produce: str
    min_grade: Grade
    quantity_kg: Kg
    min_fill_kg: Kg
    held_kg: Kg
    agreed_kg: Kg
    max_price_fen_per_kg: int
    price_basis: Literal["delivered", "farm_gate"]
    kind: Literal["bulk", "group", "retail"]
    destination: County
    deliver_from: AwareDatetime
    deliver_by: AwareDatetime
    min_remaining_life_h: int
    listing_id: UUID | None
    auto_agree: bool
    reference: str | None
    created_at: AwareDatetime


class Consents(_Received):
    producer: bool
    buyer: bool


class Match(_Received):
    """Until it is agreed, the other side's place is its county's. `reason` is there once it is released, `words` where
    a side gave some with its no; `agree_by` is None where both had consented beforehand."""

    id: UUID
    listing_id: UUID
    order_id: UUID
    producer_id: UUID
    buyer_id: UUID
    produce: str
    quantity_kg: Kg
    price_fen_per_kg: int
    freight_fen_per_kg: int
    delivered_price_fen_per_kg: int
    amount_fen: int
    distance_km: float
    arrives_at: AwareDatetime
    remaining_life_h: float
    status: Literal["proposed", "agreed", "fulfilled", "released"]
    reason: str | None = None
    words: str | None = None
    consents: Consents
    agree_by: AwareDatetime | None
    round_id: UUID
    origin: County
    destination: County
    version: int
    created_at: AwareDatetime


class FeedItem(_Received):
    """One event of one of your matches; it never changes. `seq` counts from 1 without a gap."""

    seq: int
    type: str
    at: AwareDatetime
    reason: str | None = None
    match: Match


class Pinged(_Received):
    """Which webhook was pinged."""

    id: UUID


class Ping(_Received):
    """What a ping says: that a webhook works, and nothing of a feed. Answer 2xx and do nothing."""

    seq: Literal[0]
    type: Literal["webhook.ping"]
    at: AwareDatetime
    webhook: Pinged


class Reason(_Received):
    code: str
    quantity_kg: Kg
    count: int
    text: str


class Fix(_Received):
    """The least change of one's own price that would match so much more now."""

    change: Literal["min_price_fen_per_kg", "max_price_fen_per_kg"]
    to: int
    would_match_kg: Kg


class Explanation(_Received):
    """`round_id`, `certified_gap`: the last round that saw it as it is now; None while none has."""

    state: Literal["pending", "unsold", "partly", "sold", "closed"]
    reasons: list[Reason]
    cheapest_fix: Fix | None
    round_id: UUID | None
    certified_gap: float | None


class Shipment(_Received):
    id: UUID
    match_id: UUID
    status: Literal["open", "claimed", "picked_up", "delivered", "failed", "cancelled"]
    produce: str
    quantity_kg: Kg
    temperature_class: TemperatureClass
    origin: County
    destination: County
    ready_at: AwareDatetime
    deliver_by: AwareDatetime
    spoils_at: AwareDatetime
    carrier_id: UUID | None
    version: int


class Point(_Received):
    lon: float
    lat: float


class Shift(_Received):
    """Times of the day, China's."""

    start: str
    end: str


class Vehicle(_Received):
    id: UUID
    version: int
    name: str
    capacity_kg: Kg
    temperature_classes: list[TemperatureClass]
    depot: Point
    shift: Shift
    cost_fen_per_km: int
    cost_fen_per_h: int = 0
    area: list[str] = []
    retired: bool = False
    created_at: AwareDatetime


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
    """What became of one row: the id of the new thing, or why there is none (a problem as JSON).

    `row` counts rows, `line` the lines of the file up to where it begins; null from a platform that does not say.
    """

    row: int
    line: int | None = None
    id: UUID | None = None
    problem: dict[str, Any] | None = None


class Webhook(_Received):
    """`secret` is there once, in the answer that made or rotated it; `to_send` in that to `redeliver`."""

    id: UUID
    version: int
    url: str
    types: list[str]
    enabled: bool
    disabled_reason: str | None
    disabled_at: AwareDatetime | None
    failing_since: AwareDatetime | None
    after_seq: int
    old_secret_until: AwareDatetime | None
    created_at: AwareDatetime
    secret: str | None = None
    to_send: int | None = None


class Attempt(_Received):
    """One try: what was answered, or why nothing was, and how long that took."""

    at: AwareDatetime
    status_code: int | None = None
    error: str | None = None
    duration_ms: int | None = None


class Delivery(_Received):
    """One event for one webhook, or its last ping (seq 0). `next_try_at` is None while it is sent, and at the end."""

    seq: int
    webhook_id: str
    type: str
    match_id: UUID | None = None
    status: Literal["waiting", "sending", "delivered", "dead"]
    attempts: list[Attempt]
    next_try_at: AwareDatetime | None
    ended_at: AwareDatetime | None
