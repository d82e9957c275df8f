"""Reading vehicles."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import WriteSession
from chassis.newest import newest
from services.logistics.carriers.models import Vehicle


async def vehicle_of(session: AsyncSession, vehicle_id: UUID, carrier_id: UUID | None) -> Vehicle | None:
    """The vehicle, when it is this carrier's; None as `carrier_id` stands for everyone."""
    return (await session.scalars(_one(vehicle_id, carrier_id))).one_or_none()


async def locked_vehicle(session: WriteSession, vehicle_id: UUID, carrier_id: UUID | None) -> Vehicle | None:
    """The same, locked."""
    return (await session.scalars(_one(vehicle_id, carrier_id).with_for_update())).one_or_none()


async def vehicles_of(
    session: AsyncSession, carrier_id: UUID | None, *, before: UUID | None, limit: int
) -> Sequence[Vehicle]:
    """Newest first."""
    return await newest(session, Vehicle, before=before, limit=limit, carrier_id=carrier_id)


async def vehicles_by_id(session: AsyncSession, carrier_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Vehicle]:
    """Those of these vehicles that are this carrier's, retired ones too."""
    wanted = select(Vehicle).where(Vehicle.id.in_(ids), Vehicle.carrier_id == carrier_id)
    return {vehicle.id: vehicle for vehicle in await session.scalars(wanted)}


async def locked_vehicles_of(
    session: WriteSession, carrier_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[Vehicle]:
    """Of this carrier, the oldest first, locked."""
    wanted = select(Vehicle).where(Vehicle.carrier_id == carrier_id).order_by(Vehicle.id).limit(limit)
    if after is not None:
        wanted = wanted.where(Vehicle.id > after)
    return (await session.scalars(wanted.with_for_update())).all()


def _one(vehicle_id: UUID, carrier_id: UUID | None) -> Select[Vehicle]:
    wanted = select(Vehicle).where(Vehicle.id == vehicle_id)
    return wanted if carrier_id is None else wanted.where(Vehicle.carrier_id == carrier_id)
