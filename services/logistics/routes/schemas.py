"""Route plans on the public surface."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field

from catalogue import places
from chassis.fields import Instant, RequestModel, ResponseModel, only_numbers
from chassis.problems import Text, invalid
from services.logistics.routes.models import FailureReason, Plan, PlanStatus
from services.logistics.routing.problem import DistanceSource, Reason, StopType

SHIPMENTS_MAX = 500
"""A pickup and a delivery each: 1,000 stops."""
VEHICLES_MAX = 200
LIMIT_DEFAULT_S = Decimal(10)

RouteReason = Reason | Literal["not_available"]
"""What the planner says, or `not_available`: claimed by another, picked up or cancelled since it was asked for."""


def _each_once(ids: list[UUID]) -> list[UUID]:
    if len(set(ids)) < len(ids):
        raise invalid("twice", Text("每个标识只写一次。", "Name each id once."))
    return ids


def _known_area(code: str) -> str:
    """The prefix that the codes of an area's counties begin with."""
    area = places.area(code)
    if area is None:
        raise invalid("unknown_adcode", Text("没有此区划代码。", "There is no area of this code."))
    return area.prefix


ShipmentIds = Annotated[list[UUID], Field(min_length=1, max_length=SHIPMENTS_MAX), AfterValidator(_each_once)]
VehicleIds = Annotated[list[UUID], Field(min_length=1, max_length=VEHICLES_MAX), AfterValidator(_each_once)]


def _of_this_century(day: date) -> date:
    if not 2000 <= day.year <= 2100:
        raise invalid("date_range", Text("日期须在 2000 至 2100 年之间。", "The date must lie between 2000 and 2100."))
    return day


Day = Annotated[date, AfterValidator(_of_this_century)]
"""A day in Asia/Shanghai, such as an `Instant` may fall on."""

LimitS = Annotated[Decimal, Field(gt=0, le=60, allow_inf_nan=False), BeforeValidator(only_numbers)]


class NewPlan(RequestModel):
    """Either `shipment_ids`, or `adcode`: all there is to carry from that county, prefecture or province."""

    shipment_ids: ShipmentIds | None = None
    adcode: Annotated[str, AfterValidator(_known_area)] | None = None
    vehicle_ids: VehicleIds
    depart_at: Instant | None = Field(None, description="When the first may leave, by default now; not in the past.")
    limit_s: LimitS = LIMIT_DEFAULT_S


class PlanAccepted(ResponseModel):
    id: UUID
    status: PlanStatus


class PointOut(BaseModel):
    lon: float
    lat: float


class StopOut(BaseModel):
    shipment_id: UUID
    type: StopType
    arrival: AwareDatetime
    departure: AwareDatetime
    lon: float
    lat: float


class VehicleRouteOut(BaseModel):
    """From the depot and back to it."""

    vehicle_id: UUID
    distance_m: int
    duration_s: int
    load_kg: int | float
    departs_at: AwareDatetime
    returns_at: AwareDatetime
    depot: PointOut
    stops: list[StopOut]


class UnassignedOut(BaseModel):
    shipment_id: UUID
    reasons: list[RouteReason]


class Answer(BaseModel):
    """What a plan holds once it is made; every shipment is in a route or unassigned with reasons."""

    vehicles: list[VehicleRouteOut] = []
    unassigned: list[UnassignedOut] = []
    distance_source: DistanceSource | None = None


class PlanOut(Answer):
    """`failure` tells why a plan has failed; it is null otherwise."""

    id: UUID
    status: PlanStatus
    depart_at: AwareDatetime
    limit_s: float
    failure: FailureReason | None
    created_at: AwareDatetime

    @classmethod
    def of(cls, plan: Plan) -> Self:
        return cls(
            id=plan.id,
            status=plan.status,
            depart_at=plan.depart_at,
            limit_s=plan.limit_s,
            failure=plan.failure,
            created_at=plan.created_at,
            **(plan.answer or {}),
        )
