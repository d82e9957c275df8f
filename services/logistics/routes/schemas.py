"""Route plans on the public surface."""

from collections.abc import Collection
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field, StrictInt

from catalogue.fields import AreaAdcode, PointIn
from chassis.fields import PRICE_MAX_FEN_PER_KG, Instant, RequestModel, ResponseModel, only_numbers
from chassis.problems import Text
from chassis.validation import invalid
from contracts.listings import TemperatureClass
from services.logistics.routes.models import FailureReason, Plan, PlanStatus
from services.logistics.routing.problem import DistanceSource, Reason, StopType

SHIPMENTS_MAX = 500
"""A pickup and a delivery each: 1,000 stops."""
VEHICLES_MAX = 200
LIMIT_DEFAULT_S = Decimal(10)

RouteReason = Reason | Literal["not_available"]
"""What the planner says, or `not_available`: claimed by another, picked up or cancelled since it was asked for."""

RouteChange = Literal[
    "deliver_by",
    "min_remaining_life_h",
    "quantity_kg",
    "shift_end",
    "on_board_max_h",
    "prize_fen_per_kg",
    "temperature_class",
    "area",
    "vehicle",
]


def _each_once(ids: list[UUID]) -> list[UUID]:
    if len(set(ids)) < len(ids):
        raise invalid("twice", Text("每个标识只写一次。", "Name each id once."))
    return ids


ShipmentIds = Annotated[list[UUID], Field(min_length=1, max_length=SHIPMENTS_MAX), AfterValidator(_each_once)]
VehicleIds = Annotated[list[UUID], Field(min_length=1, max_length=VEHICLES_MAX), AfterValidator(_each_once)]


LimitS = Annotated[Decimal, Field(gt=0, le=60, allow_inf_nan=False), BeforeValidator(only_numbers)]


class NewPlan(RequestModel):
    """Either `shipment_ids`, or `adcode`: all there is to carry from that county, prefecture or province."""

    shipment_ids: ShipmentIds | None = None
    adcode: AreaAdcode | None = None
    vehicle_ids: VehicleIds
    depart_at: Instant | None = Field(None, description="When the first may leave, by default now; not in the past.")
    limit_s: LimitS = LIMIT_DEFAULT_S
    hub: PointIn | None = None
    prize_fen_per_kg: Annotated[StrictInt, Field(ge=0, le=PRICE_MAX_FEN_PER_KG)] | None = None
    on_board_max_h: (
        Annotated[Decimal, Field(gt=0, le=240, allow_inf_nan=False), BeforeValidator(only_numbers)] | None
    ) = None
    previous: UUID | None = None


class PlanAccepted(ResponseModel):
    id: UUID
    status: PlanStatus


class PointOut(BaseModel):
    lon: float
    lat: float


class StopOut(BaseModel):
    """`load_kg`: what is aboard when it leaves. `account_id`: who hands over, or takes, there; null at a hub, as
    `adcode` is, and while the shipment is not the carrier's own."""

    shipment_id: UUID
    type: StopType
    arrival: AwareDatetime
    departure: AwareDatetime
    lon: float
    lat: float
    produce: str | None = None
    quantity_kg: int | float | None = None
    temperature_class: TemperatureClass | None = None
    load_kg: int | float | None = None
    adcode: str | None = None
    account_id: UUID | None = None


class RestOut(BaseModel):
    start: AwareDatetime
    end: AwareDatetime


class VehicleRouteOut(BaseModel):
    """From the depot, or where the vehicle was (`start`), to the depot. `load_kg` is all that it carries, however often
    it is emptied meanwhile, `peak_load_kg` the most at once. `cost_fen`: of its kilometres and hours."""

    vehicle_id: UUID
    distance_m: int
    duration_s: int
    load_kg: int | float
    peak_load_kg: int | float | None = None
    departs_at: AwareDatetime
    returns_at: AwareDatetime
    cost_fen: int = 0
    depot: PointOut
    start: PointOut | None = None
    stops: list[StopOut]
    breaks: list[RestOut] = []


class ChangeOut(BaseModel):
    """What alone would be enough beside the plan as it is, and the vehicle that would then carry it.

    `to` is an instant for `deliver_by` and `shift_end`, else a number, a code, or null for one more `vehicle` like it.
    """

    change: RouteChange
    to: AwareDatetime | int | float | str | None
    vehicle_id: UUID


class UnassignedOut(BaseModel):
    """`aboard`: the vehicle that has it already, and can't bring it in time, or is not planned with; `at`: where that
    was, where it is planned with and not at its depot."""

    shipment_id: UUID
    reasons: list[RouteReason]
    change: ChangeOut | None = None
    aboard: UUID | None = None
    at: PointOut | None = None


class OtherVehicle(BaseModel):
    """A vehicle of the plan before that was not planned with: where it was (null: its depot), what it had aboard."""

    vehicle_id: UUID
    at: PointOut | None
    aboard: list[UUID]


class Answer(BaseModel):
    """What a plan holds once it is made; every shipment is in a route or unassigned with reasons.

    `moved_stops`: of what the drivers of the plan before it were told, how many stops are elsewhere now.
    """

    vehicles: list[VehicleRouteOut] = []
    unassigned: list[UnassignedOut] = []
    distance_source: DistanceSource | None = None
    moved_stops: int | None = None
    others: list[OtherVehicle] = []

    def stops(self) -> list[StopOut]:
        return [stop for route in self.vehicles for stop in route.stops]


class PlanOut(Answer):
    """`failure` tells why a plan has failed; it is null otherwise."""

    id: UUID
    status: PlanStatus
    depart_at: AwareDatetime
    limit_s: float
    hub: PointOut | None
    previous: UUID | None
    failure: FailureReason | None
    created_at: AwareDatetime

    @classmethod
    def of(cls, plan: Plan, held: Collection[UUID]) -> Self:
        """`held`: the shipments that its carrier has by now; of the others nobody is told whose they are."""
        made = cls._whole(plan)
        for stop in made.stops():
            if stop.shipment_id not in held:
                stop.account_id = None
        return made

    @classmethod
    def _whole(cls, plan: Plan) -> Self:
        return cls(
            id=plan.id,
            status=plan.status,
            depart_at=plan.depart_at,
            limit_s=plan.limit_s,
            hub=None if plan.hub_lon is None or plan.hub_lat is None else PointOut(lon=plan.hub_lon, lat=plan.hub_lat),
            previous=plan.previous_id,
            failure=plan.failure,
            created_at=plan.created_at,
            **(plan.answer or {}),
        )
