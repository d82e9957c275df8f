"""Reading route plans."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import any_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from catalogue.days import bounds_of
from catalogue.divisions import adcode_prefix
from chassis.db import WriteSession
from services.logistics.routes.models import Plan, PlanStatus
from services.logistics.shipments.models import Shipment


async def plan_of(session: AsyncSession, plan_id: UUID, carrier_id: UUID | None) -> Plan | None:
    """The plan, when it is this carrier's; None as `carrier_id` stands for everyone."""
    wanted = select(Plan).where(Plan.id == plan_id)
    if carrier_id is not None:
        wanted = wanted.where(Plan.carrier_id == carrier_id)
    return (await session.scalars(wanted)).one_or_none()


async def plans_of(
    session: AsyncSession,
    carrier_id: UUID | None,
    *,
    vehicle_id: UUID | None,
    shipment_id: UUID | None,
    status: PlanStatus | None,
    adcode: str | None,
    day: date | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Plan]:
    """Newest first; those that were asked for with the vehicle or the shipment, or found that aboard; that have a
    shipment from the area; and that depart on the day (Asia/Shanghai)."""
    wanted = select(Plan).order_by(Plan.id.desc()).limit(limit)
    if carrier_id is not None:
        wanted = wanted.where(Plan.carrier_id == carrier_id)
    if vehicle_id is not None:
        wanted = wanted.where(Plan.vehicle_ids.contains([vehicle_id]))
    if shipment_id is not None:
        wanted = wanted.where(or_(*(ids.contains([shipment_id]) for ids in (Plan.shipment_ids, Plan.aboard_ids))))
    if status is not None:
        wanted = wanted.where(Plan.status == status)
    if adcode is not None:
        lies_there = Shipment.origin_adcode.startswith(adcode_prefix(adcode), autoescape=True)
        carried = or_(*(Shipment.id == any_(ids) for ids in (Plan.shipment_ids, Plan.aboard_ids)))
        wanted = wanted.where(exists().where(carried, lies_there))
    if day is not None:
        begins, ends = bounds_of(day)
        wanted = wanted.where(Plan.depart_at >= begins, Plan.depart_at < ends)
    if before is not None:
        wanted = wanted.where(Plan.id < before)
    return (await session.scalars(wanted)).all()


async def locked_next(session: WriteSession) -> Plan | None:
    """The oldest plan that nobody works on; one that another planner is just taking is passed over."""
    wanted = (
        select(Plan)
        .where(Plan.status == "planning", or_(Plan.leased_until.is_(None), Plan.leased_until < func.now()))
        .order_by(Plan.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(wanted)).one_or_none()


async def locked_plan(session: WriteSession, plan_id: UUID) -> Plan:
    return (await session.scalars(select(Plan).where(Plan.id == plan_id).with_for_update())).one()
