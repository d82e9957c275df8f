"""How far a plan has been driven: what its drivers still have to do, what they have aboard, where they are."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from contracts.shipments import ShipmentStatus
from services.logistics.routes.schemas import Answer, StopOut, VehicleRouteOut
from services.logistics.routing.problem import Point, Told


@dataclass(frozen=True, slots=True)
class Progress:
    """`at`: where the last stop was that has been made, or else where it was when it was planned; None: its depot.
    `rested_at`: when its breaks are over.
    """

    at: Point | None
    aboard: frozenset[UUID]
    told: tuple[Told, ...]
    rested_at: tuple[datetime, ...] = ()


def progress_of(answer: Answer, statuses: Mapping[UUID, ShipmentStatus]) -> dict[UUID, Progress]:
    """By vehicle. `statuses`: of the shipments that its carrier still has, as told by their reports."""
    found = {route.vehicle_id: _of(route, statuses) for route in answer.vehicles}
    for other in answer.others:
        aboard = frozenset(each for each in other.aboard if statuses.get(each) == "picked_up")
        found[other.vehicle_id] = Progress(None if other.at is None else Point(other.at.lon, other.at.lat), aboard, ())
    for left in answer.unassigned:  # what was aboard and could not be brought is aboard still
        if left.aboard is not None and statuses.get(left.shipment_id) == "picked_up":
            was_at = None if left.at is None else Point(left.at.lon, left.at.lat)
            come = found.get(left.aboard, Progress(was_at, frozenset(), ()))
            found[left.aboard] = replace(come, aboard=come.aboard | {left.shipment_id})
    return found


def _of(route: VehicleRouteOut, statuses: Mapping[UUID, ShipmentStatus]) -> Progress:
    made = [stop for stop in route.stops if _is_made(stop, statuses.get(stop.shipment_id))]
    at = made[-1] if made else route.start
    left = [stop for stop in route.stops if not _is_made(stop, statuses.get(stop.shipment_id))]
    return Progress(
        at=Point(at.lon, at.lat) if at else None,
        aboard=frozenset(stop.shipment_id for stop in left if statuses.get(stop.shipment_id) == "picked_up"),
        told=tuple(Told(str(stop.shipment_id), stop.type) for stop in left),
        rested_at=tuple(rest.end for rest in route.breaks) if made else (),
    )


def _is_made(stop: StopOut, status: ShipmentStatus | None) -> bool:
    return status == "delivered" or (status == "picked_up" and stop.type == "pickup")
