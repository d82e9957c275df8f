"""Reading vehicles."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import WriteSession
from services.logistics.carriers.models import Vehicle


async def vehicle_of(session: AsyncSession, vehicle_id: UUID, carrier_id: UUID | None) -> Vehicle | None:
    """The vehicle, when it is this carrier's; None as `carrier_id` stands for everyone."""
    wanted = select(Vehicle).where(Vehicle.id == vehicle_id)
    if carrier_id is not None:
        wanted = wanted.where(Vehicle.carrier_id == carrier_id)
    return (await session.scalars(wanted)).one_or_none()


async def locked_vehicle(session: WriteSession, vehicle_id: UUID, carrier_id: UUID | None) -> Vehicle | None:
    """The same, locked."""
    wanted = select(Vehicle).where(Vehicle.id == vehicle_id).with_for_update()
    if carrier_id is not None:
        wanted = wanted.where(Vehicle.carrier_id == carrier_id)
    return (await session.scalars(wanted)).one_or_none()


async def vehicles_of(
    session: AsyncSession, carrier_id: UUID | None, *, before: UUID | None, limit: int
) -> Sequence[Vehicle]:
    """Newest first: ids are version 7, in the order of their making."""
    wanted = select(Vehicle).order_by(Vehicle.id.desc()).limit(limit)
    if carrier_id is not None:
        wanted = wanted.where(Vehicle.carrier_id == carrier_id)
    if before is not None:
        wanted = wanted.where(Vehicle.id < before)
    return (await session.scalars(wanted)).all()


async def vehicles_by_id(session: AsyncSession, carrier_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Vehicle]:
    """Those of these vehicles that are this carrier's, retired ones too."""
    wanted = select(Vehicle).where(Vehicle.id.in_(ids), Vehicle.carrier_id == carrier_id)
    return {vehicle.id: vehicle for vehicle in await session.scalars(wanted)}
