"""From rows to the router's problem, and from its plan to the answer that is kept."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, overload
from uuid import UUID

from catalogue.divisions import adcode_prefix
from catalogue.geodesy import great_circle_km
from chassis.fields import kg_of
from services.logistics.carriers.models import Vehicle
from services.logistics.routes.models import Plan
from services.logistics.routes.progress import Progress
from services.logistics.routes.schemas import (
    Answer,
    ChangeOut,
    OtherVehicle,
    PointOut,
    RestOut,
    RouteChange,
    StopOut,
    UnassignedOut,
    VehicleRouteOut,
)
from services.logistics.routing import problem as routing
from services.logistics.shipments.models import CLAIMABLE, Shipment

ON_BOARD_SHARE: Final = 0.5
"""Of the time between being ready and having to be there, at most so much on the road: a lot keeps worse there."""
HUB_HANDLING: Final = timedelta(hours=1)
"""From arriving at a hub until the lot is on its way again."""
URGENT: Final = (timedelta(hours=12), timedelta(hours=36))
"""Before its last departure; a lot is urgent by how many of these it is within."""


def problem_of(
    plan: Plan,
    vehicles: Sequence[Vehicle],
    shipments: Sequence[Shipment],
    depart_at: datetime,
    progress: Mapping[UUID, Progress] | None = None,
    erased: Collection[UUID] = (),
) -> routing.Problem:
    """`progress`: how far all vehicles have come with the plan before this one, where there is one. `erased`: accounts
    whose places are no finer than their counties in what nobody has claimed.

    What those that are not planned with now were told counts as far as it is planned now: another has it then, or none.
    """
    by_vehicle = progress or {}
    mine, planned = {vehicle.id for vehicle in vehicles}, {str(shipment.id) for shipment in shipments}
    aboard = {each: str(vehicle) for vehicle, come in by_vehicle.items() if vehicle in mine for each in come.aboard}
    told = {
        str(vehicle): tuple(each for each in come.told if vehicle in mine or each.shipment_id in planned)
        for vehicle, come in by_vehicle.items()
    }
    return routing.Problem(
        vehicles=tuple(_vehicle(each, depart_at, by_vehicle.get(each.id)) for each in vehicles),
        tasks=tuple(_task(plan, shipment, depart_at, aboard.get(shipment.id), erased) for shipment in shipments),
        depart_at=depart_at,
        told=None if progress is None else told,
    )


@dataclass(frozen=True, slots=True)
class Ends:
    """What a driver has to know of a shipment beside the plan: of its pickup, then of its delivery, where and whose."""

    produce: str
    adcodes: tuple[str, str | None]
    accounts: tuple[UUID, UUID | None]

    @classmethod
    def of(cls, plan: Plan, shipment: Shipment) -> "Ends":
        """Nobody's is what is brought to a hub."""
        direct = plan.hub_lon is None
        return cls(
            shipment.produce,
            (shipment.origin_adcode, shipment.destination_adcode if direct else None),
            (shipment.producer_id, shipment.buyer_id if direct else None),
        )


def answer_of(
    problem: routing.Problem,
    plan: routing.RoutePlan,
    gone: Mapping[UUID, UUID | None],
    ends: Mapping[str, Ends] | None = None,
    others: Mapping[UUID, Progress] | None = None,
) -> Answer:
    """The plan as it is kept, with the depots it was made for and the shipments that were gone when it was made, by
    the vehicle that has them aboard, where one has that is not planned with."""
    vehicles = {vehicle.id: vehicle for vehicle in problem.vehicles}
    tasks = {task.shipment_id: task for task in problem.tasks}
    return Answer(
        vehicles=[_route(route, vehicles[route.vehicle_id], tasks, ends or {}) for route in plan.vehicles],
        unassigned=[
            *(_unassigned(each, tasks[each.shipment_id], vehicles) for each in plan.unassigned),
            *(UnassignedOut(shipment_id=each, reasons=["not_available"], aboard=by) for each, by in gone.items()),
        ],
        distance_source=plan.distance_source,
        moved_stops=plan.moved_stops,
        others=[
            OtherVehicle(vehicle_id=vehicle, at=_point(come.at), aboard=sorted(come.aboard))
            for vehicle, come in (others or {}).items()
        ],
    )


def _unassigned(left: routing.Unassigned, task: routing.Task, vehicles: Mapping[str, routing.Vehicle]) -> UnassignedOut:
    by = None if task.aboard is None else vehicles[task.aboard]
    return UnassignedOut(
        shipment_id=UUID(left.shipment_id),
        reasons=list(left.reasons),
        change=None if left.change is None else _change(left.change, task),
        aboard=None if by is None else UUID(by.id),
        at=None if by is None else _point(by.at),
    )


def _change(change: routing.Change, task: routing.Task) -> ChangeOut:
    """In the words and units of the request: less is rounded down, more is rounded up."""
    kind: RouteChange
    to: datetime | int | float | str | None = change.to
    match change.kind:
        case "quantity_g":
            kind, to = "quantity_kg", kg_of(_whole(change.to))
        case "on_board_max_s":
            kind, to = "on_board_max_h", math.ceil(_whole(change.to) / 36) / 100
        case "prize_fen":
            kind, to = "prize_fen_per_kg", -(-_whole(change.to) * 1000 // (task.quantity_g * (1 + task.urgent)))
        case _:
            kind = change.kind
    return ChangeOut(change=kind, to=to, vehicle_id=UUID(change.vehicle_id))


def _whole(to: object) -> int:
    assert isinstance(to, int), "what is counted is changed to a number"
    return to


def _vehicle(vehicle: Vehicle, depart_at: datetime, come: Progress | None) -> routing.Vehicle:
    opens, closes = routing.shift_from(depart_at, vehicle.shift_start, vehicle.shift_end)
    return routing.Vehicle(
        id=str(vehicle.id),
        capacity_g=vehicle.capacity_g,
        temperature_classes=frozenset(vehicle.temperature_classes),
        depot=routing.Point(vehicle.depot_lon, vehicle.depot_lat),
        shift_start=opens,
        shift_end=closes,
        cost_fen_per_km=vehicle.cost_fen_per_km,
        cost_fen_per_h=vehicle.cost_fen_per_h,
        breaks=tuple(
            routing.Break(*routing.clocks_from(opens, each["start"], each["end"]), 60 * each["minutes"])
            for each in vehicle.breaks[_taken(come, depart_at) :]
        ),
        area=frozenset(map(adcode_prefix, vehicle.area)),
        at=None if come is None else come.at,
    )


def _taken(come: Progress | None, depart_at: datetime) -> int:
    """How many of its breaks a vehicle that is under way has behind it; they come in their order."""
    return 0 if come is None else sum(over <= depart_at for over in come.rested_at)


def _task(
    plan: Plan, shipment: Shipment, depart_at: datetime, aboard: str | None, erased: Collection[UUID]
) -> routing.Task:
    """With a hub the lot is due there while its own way on is still long enough in time."""
    pickup, destination = (
        routing.Point(each.lon, each.lat) for each in shipment.points(erased if shipment.status in CLAIMABLE else ())
    )
    delivery, onward = destination, timedelta(0)
    if plan.hub_lon is not None and plan.hub_lat is not None:
        delivery = routing.Point(plan.hub_lon, plan.hub_lat)
        onward = HUB_HANDLING + _travel(delivery, destination)
    min_life = timedelta(hours=shipment.min_remaining_life_h)
    spare = min(shipment.deliver_by, shipment.spoils_at - min_life) - onward - shipment.ready_at
    kept_s = round(max(0.0, ON_BOARD_SHARE * spare.total_seconds()))
    urgent = sum(shipment.leave_by - depart_at < within for within in URGENT)
    return routing.Task(
        shipment_id=str(shipment.id),
        pickup=pickup,
        delivery=delivery,
        quantity_g=shipment.quantity_g,
        temperature_class=shipment.temperature_class,
        ready_at=shipment.ready_at,
        deliver_by=shipment.deliver_by,
        spoils_at=shipment.spoils_at,
        min_life=min_life,
        prize_fen=_prize_fen(plan, shipment, urgent),
        origin_adcode=shipment.origin_adcode,
        on_board_max_s=kept_s if plan.on_board_max_s is None else plan.on_board_max_s,
        urgent=urgent,
        onward=onward,
        owed=shipment.status == "claimed",
        aboard=aboard,
    )


def _prize_fen(plan: Plan, shipment: Shipment, urgent: int) -> int | None:
    """What is urgent is worth carrying at twice, and three times, the price; what was claimed, always."""
    if plan.prize_fen_per_kg is None or shipment.status == "claimed":
        return None
    return plan.prize_fen_per_kg * (1 + urgent) * shipment.quantity_g // 1000


def _travel(here: routing.Point, there: routing.Point) -> timedelta:
    """By great circle and detour, as a plan without roads has it."""
    metres = 1000 * routing.DETOUR * great_circle_km(*here, *there)
    return timedelta(seconds=metres / routing.SPEED_M_PER_S)


def _route(
    route: routing.VehicleRoute,
    by: routing.Vehicle,
    tasks: Mapping[str, routing.Task],
    ends: Mapping[str, Ends],
) -> VehicleRouteOut:
    return VehicleRouteOut(
        vehicle_id=UUID(route.vehicle_id),
        distance_m=route.distance_m,
        duration_s=route.duration_s,
        load_kg=kg_of(route.load_g),
        peak_load_kg=kg_of(route.peak_load_g),
        cost_fen=route.cost_fen,
        departs_at=route.departs_at,
        returns_at=route.returns_at,
        depot=_point(by.depot),
        start=_point(by.at),
        stops=[_stop(stop, tasks[stop.shipment_id], ends.get(stop.shipment_id)) for stop in route.stops],
        breaks=[RestOut(start=begins, end=over) for begins, over in route.rests],
    )


@overload
def _point(at: routing.Point) -> PointOut: ...
@overload
def _point(at: None) -> None: ...
def _point(at: routing.Point | None) -> PointOut | None:
    return None if at is None else PointOut(lon=at.lon, lat=at.lat)


def _stop(stop: routing.Stop, task: routing.Task, ends: Ends | None) -> StopOut:
    at = int(stop.type == "delivery")
    return StopOut(
        shipment_id=UUID(stop.shipment_id),
        type=stop.type,
        arrival=stop.arrival,
        departure=stop.departure,
        lon=stop.lon,
        lat=stop.lat,
        produce=None if ends is None else ends.produce,
        quantity_kg=kg_of(task.quantity_g),
        temperature_class=task.temperature_class,
        load_kg=kg_of(stop.load_g),
        adcode=None if ends is None else ends.adcodes[at],
        account_id=None if ends is None else ends.accounts[at],
    )
