"""Reading shipments."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from catalogue import places
from catalogue.days import bounds_of
from chassis.auth import Caller
from chassis.bulk import among
from chassis.db import WriteSession
from contracts.shipments import ShipmentStatus
from services.logistics.carriers.models import ERASED
from services.logistics.shipments.models import (
    CLAIMABLE,
    NOT_PICKED_UP,
    Photo,
    ReleasedMatch,
    Report,
    ReportType,
    Shipment,
)


def seen_by(caller: Caller) -> ColumnElement[bool]:
    """Which shipments a caller sees: a carrier those it may claim and its own, the others those of their matches."""
    if caller.role == "admin":
        return true()
    if caller.role == "carrier":
        return or_(Shipment.status.in_(CLAIMABLE), Shipment.carrier_id == caller.account_id)
    if caller.role in {"producer", "agent"}:
        return Shipment.producer_id == caller.account_id
    return Shipment.buyer_id == caller.account_id


async def shipment_of(session: AsyncSession, shipment_id: UUID, caller: Caller) -> Shipment | None:
    """The shipment, when the caller may see it."""
    return (await session.scalars(select(Shipment).where(Shipment.id == shipment_id, seen_by(caller)))).one_or_none()


async def locked_shipment(
    session: WriteSession, shipment_id: UUID, seen: ColumnElement[bool] | None = None
) -> Shipment | None:
    """The shipment for changing it, when it is among those `seen`."""
    wanted = select(Shipment).where(Shipment.id == shipment_id).with_for_update()
    if seen is not None:
        wanted = wanted.where(seen)
    return (await session.scalars(wanted)).one_or_none()


async def shipments_of(
    session: AsyncSession,
    caller: Caller,
    *,
    ids: Collection[UUID],
    status: ShipmentStatus | None,
    adcode: str | None,
    to_adcode: str | None,
    day: date | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Shipment]:
    """Newest first: ids are version 7, in the order of their making.

    `ids`: among these, where there are any. `adcode` is an area's, or begins the origin's, `to_adcode` the
    destination's. `day`: they can be fetched on it.
    """
    wanted = select(Shipment).where(seen_by(caller)).order_by(Shipment.id.desc()).limit(limit)
    if ids:
        wanted = wanted.where(Shipment.id.in_(ids))
    if status is not None:
        wanted = wanted.where(Shipment.status == status)
    if adcode is not None:
        wanted = wanted.where(Shipment.origin_adcode.startswith(places.adcode_prefix(adcode), autoescape=True))
    if to_adcode is not None:
        wanted = wanted.where(Shipment.destination_adcode.startswith(places.adcode_prefix(to_adcode), autoescape=True))
    if day is not None:
        begins, ends = bounds_of(day)
        wanted = wanted.where(Shipment.ready_at < ends, Shipment.leave_by > begins)
    if before is not None:
        wanted = wanted.where(Shipment.id < before)
    return (await session.scalars(wanted)).all()


def plannable_by(carrier_id: UUID) -> ColumnElement[bool]:
    """What a carrier could put on a route: what anyone may claim, and what it has claimed and not picked up."""
    return or_(Shipment.status.in_(CLAIMABLE), and_(Shipment.status == "claimed", Shipment.carrier_id == carrier_id))


async def plannable(session: AsyncSession, carrier_id: UUID, ids: Collection[UUID]) -> dict[UUID, Shipment]:
    """Those of these shipments that the carrier could put on a route."""
    wanted = select(Shipment).where(Shipment.id.in_(ids), plannable_by(carrier_id))
    return {shipment.id: shipment for shipment in await session.scalars(wanted)}


async def erased_parties(session: AsyncSession, shipments: Iterable[Shipment]) -> set[UUID]:
    """The erased accounts of these shipments, whose place no carrier is told before it has to go there: the feed of
    all carriers never, whatever became of the shipment."""
    return await ERASED.known_among(session, {each for shipment in shipments for each in shipment.parties})


async def held_by(session: AsyncSession, carrier_id: UUID, ids: Collection[UUID]) -> dict[UUID, Shipment]:
    """Those of these shipments that this carrier has or had."""
    wanted = select(Shipment).where(Shipment.id.in_(ids), Shipment.carrier_id == carrier_id)
    return {shipment.id: shipment for shipment in await session.scalars(wanted)}


async def held_pairs(session: AsyncSession, pairs: Collection[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Those of these carriers with shipments who have or had them."""
    wanted = select(Shipment.carrier_id, Shipment.id).where(Shipment.id.in_({shipment for _, shipment in pairs}))
    found = await session.execute(wanted)
    return {(carrier, shipment) for carrier, shipment in found if carrier and (carrier, shipment) in pairs}


async def plannable_in(session: AsyncSession, carrier_id: UUID, prefix: str, limit: int) -> Sequence[UUID]:
    """What lies in an area and could be put on a route, the most urgent first."""
    wanted = (
        select(Shipment.id)
        .where(plannable_by(carrier_id), Shipment.origin_adcode.startswith(prefix, autoescape=True))
        .order_by(Shipment.leave_by, Shipment.id)
        .limit(limit)
    )
    return (await session.scalars(wanted)).all()


async def reports_of(session: AsyncSession, shipment_id: UUID) -> Sequence[Report]:
    """In the order of their coming."""
    return (await session.scalars(select(Report).where(Report.shipment_id == shipment_id).order_by(Report.id))).all()


async def photos_of(session: AsyncSession, shipment_id: UUID) -> Sequence[Photo]:
    """Without their content, in the order of their coming."""
    return (await session.scalars(select(Photo).where(Photo.shipment_id == shipment_id).order_by(Photo.id))).all()


async def photo_content(session: AsyncSession, shipment_id: UUID, photo_id: UUID) -> bytes | None:
    wanted = select(Photo.content).where(Photo.id == photo_id, Photo.shipment_id == shipment_id)
    return (await session.execute(wanted)).scalar_one_or_none()


async def count_photos(session: AsyncSession, shipment_id: UUID, carrier_id: UUID) -> int:
    wanted = select(func.count()).where(Photo.shipment_id == shipment_id, Photo.carrier_id == carrier_id)
    return (await session.execute(wanted)).scalar_one()


async def was_reported(
    session: AsyncSession,
    shipment_id: UUID,
    carrier_id: UUID,
    kind: ReportType,
    at: datetime,
    weight_g: int | None,
    reason: str | None,
) -> bool:
    """Whether this carrier said just this before."""
    same = select(Report.id).where(
        Report.shipment_id == shipment_id,
        Report.carrier_id == carrier_id,
        Report.type == kind,
        Report.at == at,
        Report.weight_g.is_not_distinct_from(weight_g),
        Report.reason.is_not_distinct_from(reason),
    )
    return (await session.execute(same.limit(1))).first() is not None


async def insert_shipments(session: WriteSession, rows: Sequence[dict[str, Any]]) -> Sequence[Shipment]:
    """Write those whose match has no shipment yet; only these are returned."""
    new = insert(Shipment).values(list(rows)).on_conflict_do_nothing(index_elements=[Shipment.match_id])
    return (await session.scalars(new.returning(Shipment))).all()


async def locked_by_match(session: WriteSession, match_ids: Collection[UUID]) -> dict[UUID, Shipment]:
    """The shipments of these matches, locked in one order so that two batches can't wait for each other."""
    wanted = select(Shipment).where(among(Shipment.match_id, match_ids)).order_by(Shipment.id).with_for_update()
    return {shipment.match_id: shipment for shipment in await session.scalars(wanted)}


async def released_among(session: AsyncSession, match_ids: Collection[UUID]) -> set[UUID]:
    wanted = select(ReleasedMatch.match_id).where(among(ReleasedMatch.match_id, match_ids))
    return set((await session.scalars(wanted)).all())


async def note_released(session: WriteSession, match_ids: Collection[UUID]) -> None:
    rows = [{"match_id": match_id} for match_id in sorted(match_ids)]
    await session.execute(insert(ReleasedMatch).values(rows).on_conflict_do_nothing())


async def locked_overdue(session: WriteSession, limit: int) -> Sequence[Shipment]:
    """Not picked up, and too late now by the database's clock; what others have locked is passed over."""
    wanted = (
        select(Shipment)
        .where(Shipment.status.in_(NOT_PICKED_UP), Shipment.leave_by <= func.now())
        .order_by(Shipment.leave_by)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(wanted)).all()
