"""From rows to the router's problem, and from its plan to the answer that is kept."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from chassis.fields import kg_of
from services.logistics.carriers.models import Vehicle
from services.logistics.routes.schemas import Answer, PointOut, StopOut, UnassignedOut, VehicleRouteOut
from services.logistics.routing import problem as routing
from services.logistics.shipments.models import Shipment


def problem_of(vehicles: Sequence[Vehicle], shipments: Sequence[Shipment], depart_at: datetime) -> routing.Problem:
    return routing.Problem(
        vehicles=tuple(_vehicle(vehicle, depart_at) for vehicle in vehicles),
        tasks=tuple(_task(shipment) for shipment in shipments),
        depart_at=depart_at,
    )


def answer_of(problem: routing.Problem, plan: routing.RoutePlan, gone: Iterable[UUID]) -> Answer:
    """The plan as it is kept, with the depots it was made for and the shipments that were gone when it was made."""
    depots = {vehicle.id: vehicle.depot for vehicle in problem.vehicles}
    unassigned = [
        UnassignedOut(shipment_id=UUID(each.shipment_id), reasons=list(each.reasons)) for each in plan.unassigned
    ]
    return Answer(
        vehicles=[_route(route, depots[route.vehicle_id]) for route in plan.vehicles],
        unassigned=unassigned + [UnassignedOut(shipment_id=each, reasons=["not_available"]) for each in gone],
        distance_source=plan.distance_source,
    )


def _vehicle(vehicle: Vehicle, depart_at: datetime) -> routing.Vehicle:
    opens, closes = routing.shift_from(depart_at, vehicle.shift_start, vehicle.shift_end)
    return routing.Vehicle(
        id=str(vehicle.id),
        capacity_g=vehicle.capacity_g,
        temperature_classes=frozenset(vehicle.temperature_classes),
        depot=routing.Point(vehicle.depot_lon, vehicle.depot_lat),
        shift_start=opens,
        shift_end=closes,
        cost_fen_per_km=vehicle.cost_fen_per_km,
    )


def _task(shipment: Shipment) -> routing.Task:
    return routing.Task(
        shipment_id=str(shipment.id),
        pickup=routing.Point(shipment.origin_lon, shipment.origin_lat),
        delivery=routing.Point(shipment.destination_lon, shipment.destination_lat),
        quantity_g=shipment.quantity_g,
        temperature_class=shipment.temperature_class,
        ready_at=shipment.ready_at,
        deliver_by=shipment.deliver_by,
        spoils_at=shipment.spoils_at,
        min_life=timedelta(hours=shipment.min_remaining_life_h),
    )


def _route(route: routing.VehicleRoute, depot: routing.Point) -> VehicleRouteOut:
    return VehicleRouteOut(
        vehicle_id=UUID(route.vehicle_id),
        distance_m=route.distance_m,
        duration_s=route.duration_s,
        load_kg=kg_of(route.load_g),
        departs_at=route.departs_at,
        returns_at=route.returns_at,
        depot=PointOut(lon=depot.lon, lat=depot.lat),
        stops=[
            StopOut(
                shipment_id=UUID(stop.shipment_id),
                type=stop.type,
                arrival=stop.arrival,
                departure=stop.departure,
                lon=stop.lon,
                lat=stop.lat,
            )
            for stop in route.stops
        ],
    )
