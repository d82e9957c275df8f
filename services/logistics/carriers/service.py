"""What a carrier can do with its vehicles."""

from datetime import time
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from chassis.auth import Caller
from chassis.db import WriteSession
from chassis.fields import to_grams
from chassis.problems import NotFound
from services.logistics.carriers import queries
from services.logistics.carriers.models import Vehicle
from services.logistics.carriers.schemas import NewVehicle


def owner(caller: Caller) -> UUID | None:
    """Whose vehicles and routes a caller sees: their own; an admin everyone's (None)."""
    return None if caller.role == "admin" else caller.account_id


async def register(session: WriteSession, caller: Caller, new: NewVehicle) -> Vehicle:
    """Add a vehicle to the caller's fleet."""
    depot = new.depot.to_wgs84()
    vehicle = Vehicle(
        id=uuid7(),
        carrier_id=caller.account_id,
        version=1,
        name=new.name,
        capacity_g=to_grams(new.capacity_kg),
        temperature_classes=new.temperature_classes,
        depot_lon=depot.lon,
        depot_lat=depot.lat,
        shift_start=time.fromisoformat(new.shift.start),
        shift_end=time.fromisoformat(new.shift.end),
        breaks=[each.model_dump() for each in new.breaks],
        area=list(dict.fromkeys(new.area)),
        cost_fen_per_km=new.cost_fen_per_km,
        cost_fen_per_h=new.cost_fen_per_h,
    )
    session.add(vehicle)
    await session.flush()
    return vehicle


async def find(session: AsyncSession, caller: Caller, vehicle_id: UUID) -> Vehicle:
    vehicle = await queries.vehicle_of(session, vehicle_id, owner(caller))
    if vehicle is None:
        raise NotFound()
    return vehicle
