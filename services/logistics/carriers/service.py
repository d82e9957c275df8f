"""What a carrier can do with its vehicles."""

from collections.abc import Collection, Iterable
from datetime import time
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from chassis.auth import Caller
from chassis.db import WriteSession
from chassis.fields import to_grams
from chassis.problems import FieldError, InvalidInput, must_exist
from services.logistics.carriers import queries
from services.logistics.carriers.models import ERASED, Vehicle
from services.logistics.carriers.schemas import OUTSIDE_THE_SHIFT, NewVehicle, VehicleChange, VehicleOut, fit

FORGET_BATCH = 500


async def register(session: WriteSession, caller: Caller, new: NewVehicle) -> Vehicle:
    """Add a vehicle to the caller's fleet."""
    vehicle = Vehicle(id=uuid7(), carrier_id=caller.account_id, version=1, **_columns(new, NewVehicle.model_fields))
    session.add(vehicle)
    await session.flush()
    return vehicle


async def change(
    session: WriteSession, caller: Caller, vehicle_id: UUID, version: int | None, wanted: VehicleChange
) -> Vehicle:
    """Change a vehicle that the caller has read in this version; plans that were made with it stay as they are."""
    vehicle = must_exist(await queries.locked_vehicle(session, vehicle_id, caller.owner_id))
    vehicle.must_be(version)
    was, sent = VehicleOut.of(vehicle), wanted.model_fields_set
    shift, breaks = (getattr(wanted if name in sent else was, name) for name in ("shift", "breaks"))
    if sent & {"shift", "breaks"} and not fit(shift, breaks):
        raise InvalidInput(errors=[FieldError("#/breaks" if "breaks" in sent else "#/shift", OUTSIDE_THE_SHIFT)])
    vehicle.change(**_columns(wanted, sent))
    return vehicle


async def hear_of_erased(session: WriteSession, account_ids: Collection[UUID]) -> None:
    """Take nothing more of these accounts; `ERASED.forget` forgets what there is of them."""
    await ERASED.remember(session, account_ids)


async def forget_some(session: WriteSession, carrier_id: UUID, after: UUID | None) -> UUID | None:
    """A step of `ERASED.forget`: retire what the account drives, and forget what its names and depots say of it."""
    vehicles = await queries.locked_vehicles_of(session, carrier_id, after=after, limit=FORGET_BATCH)
    for vehicle in vehicles:
        vehicle.forget()
    return vehicles[-1].id if len(vehicles) == FORGET_BATCH else None


async def find(session: AsyncSession, caller: Caller, vehicle_id: UUID) -> Vehicle:
    """A vehicle that the caller sees. Raises NotFound."""
    return must_exist(await queries.vehicle_of(session, vehicle_id, caller.owner_id))


def _columns(told: NewVehicle | VehicleChange, names: Iterable[str]) -> dict[str, Any]:
    """What these fields of a request come to in the vehicle's row."""
    columns: dict[str, Any] = {}
    for name in names:
        match name:
            case "capacity_kg":
                columns["capacity_g"] = to_grams(told.capacity_kg)
            case "depot":
                depot = told.depot.to_wgs84()
                columns |= {"depot_lon": depot.lon, "depot_lat": depot.lat}
            case "shift":
                columns["shift_start"] = time.fromisoformat(told.shift.start)
                columns["shift_end"] = time.fromisoformat(told.shift.end)
            case "breaks":
                columns["breaks"] = [each.model_dump() for each in told.breaks]
            case "area":
                columns["area"] = list(dict.fromkeys(told.area))
            case _:
                columns[name] = getattr(told, name)
    return columns
