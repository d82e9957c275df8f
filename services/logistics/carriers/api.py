"""`/v1/vehicles`: what a carrier drives."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from chassis.auth import Caller, only
from chassis.fields import Limit, Page
from chassis.known import UNLESS_KNOWN
from chassis.routes import IfMatch, Read, Write, set_etag, set_location, slice_router
from services.logistics.carriers import queries, service
from services.logistics.carriers.schemas import NewVehicle, VehicleChange, VehicleOut

router = slice_router("/v1/vehicles", tag="vehicles")
Carrier = Annotated[Caller, Depends(only("carrier"))]


@router.post("", status_code=201)
async def register_vehicle(new: NewVehicle, caller: Carrier, session: Write, response: Response) -> VehicleOut:
    """Add a vehicle to your fleet. Its shift is by the clocks of Asia/Shanghai and may end on the next day."""
    vehicle = await service.register(session, caller, new)
    set_etag(response, vehicle.version)
    set_location(response, f"/v1/vehicles/{vehicle.id}")
    return VehicleOut.of(vehicle)


@router.get("")
async def list_vehicles(
    caller: Carrier, session: Read, after: UUID | None = None, limit: Limit = 50
) -> Page[VehicleOut]:
    """Your vehicles, newest first."""
    rows = await queries.vehicles_of(session, caller.owner_id, before=after, limit=limit + 1)
    return Page.of([VehicleOut.of(row) for row in rows], limit, lambda last: last.id)


@router.get("/{vehicle_id}", dependencies=[UNLESS_KNOWN])
async def read_vehicle(vehicle_id: UUID, caller: Carrier, session: Read, response: Response) -> VehicleOut:
    """One of your vehicles, with its version as ETag."""
    vehicle = await service.find(session, caller, vehicle_id)
    set_etag(response, vehicle.version)
    return VehicleOut.of(vehicle)


@router.patch("/{vehicle_id}")
async def change_vehicle(
    vehicle_id: UUID, wanted: VehicleChange, caller: Carrier, version: IfMatch, session: Write, response: Response
) -> VehicleOut:
    """Change or retire a vehicle; If-Match carries the version you read. Plans made with it stay as they are."""
    vehicle = await service.change(session, caller, vehicle_id, version, wanted)
    set_etag(response, vehicle.version)
    return VehicleOut.of(vehicle)
