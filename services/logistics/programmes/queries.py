"""Reading programmes, with their money in the same statement."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Date, Row, Select, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from catalogue.days import CHINA
from chassis.bulk import among
from chassis.db import WriteSession
from chassis.newest import newest
from contracts.programmes import ProgrammeKind
from services.logistics.programmes.models import Approval, ChangeKind, Decision, Money, Programme
from services.logistics.shipments.models import Shipment
from services.logistics.subsidy.models import CAP_USAGE, LEDGER_HEADS, SUBSIDIES
from services.logistics.subsidy.queries import CAP_KEY

Opened = tuple[Programme, Money]


async def opened(session: AsyncSession, programme_id: UUID) -> Opened | None:
    """A programme and its money, all of it of one moment."""
    row = (await session.execute(_opened().where(Programme.id == programme_id))).one_or_none()
    return None if row is None else _with_money(row)


async def list_opened(session: AsyncSession, before: UUID | None, limit: int) -> list[Opened]:
    """Newest first: ids are version 7, in the order of their making."""
    wanted = _opened().order_by(Programme.id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(Programme.id < before)
    return [_with_money(row) for row in await session.execute(wanted)]


async def exists(session: AsyncSession, programme_id: UUID) -> bool:
    return (await session.scalar(select(Programme.id).where(Programme.id == programme_id))) is not None


async def active_between(
    session: AsyncSession, kind: ProgrammeKind, earliest: datetime, latest: datetime
) -> Sequence[Programme]:
    """Programmes whose time it was at some moment from `earliest` to `latest`, with all their rules and standings, as
    they are committed now."""
    wanted = (
        select(Programme)
        .options(joinedload(Programme.rules), selectinload(Programme.standings))
        .execution_options(populate_existing=True)
        .where(Programme.kind == kind, Programme.starts_at <= latest, Programme.ends_at > earliest)
    )
    return (await session.scalars(wanted)).unique().all()


async def whole(session: WriteSession, programme_id: UUID) -> Programme | None:
    """The programme with all its rules and standings, as they are committed now."""
    wanted = (
        select(Programme)
        .options(selectinload(Programme.rules), selectinload(Programme.standings))
        .execution_options(populate_existing=True)
        .where(Programme.id == programme_id)
    )
    return (await session.scalars(wanted)).one_or_none()


async def approval_of(session: AsyncSession, programme_id: UUID, approval_id: UUID) -> Approval | None:
    wanted = select(Approval).where(Approval.id == approval_id, Approval.programme_id == programme_id)
    return (await session.scalars(wanted)).one_or_none()


async def locked_approval(session: WriteSession, programme_id: UUID, approval_id: UUID) -> Approval | None:
    wanted = select(Approval).where(Approval.id == approval_id, Approval.programme_id == programme_id)
    return (await session.scalars(wanted.with_for_update())).one_or_none()


async def pending_of(session: AsyncSession, programme_id: UUID, kind: ChangeKind, officer_id: UUID) -> Approval | None:
    """The first change of this kind that this officer asked for and that waits for another."""
    wanted = select(Approval).where(Approval.programme_id == programme_id, Approval.asked_by == officer_id)
    wanted = wanted.where(Approval.kind == kind, Approval.status == "pending")
    return (await session.scalars(wanted.order_by(Approval.id).limit(1))).one_or_none()


async def approvals_of(
    session: AsyncSession, programme_id: UUID | None, *, status: Decision | None, before: UUID | None, limit: int
) -> Sequence[Approval]:
    """Newest first; of all programmes without one."""
    equal = {"programme_id": programme_id, "status": status}
    return await newest(session, Approval, before=before, limit=limit, **equal)


async def rules_approved(session: WriteSession, programme_id: UUID) -> Sequence[Approval]:
    """In the order in which they were."""
    wanted = select(Approval).where(
        Approval.programme_id == programme_id, Approval.kind == "rules", Approval.status == "approved"
    )
    return (await session.scalars(wanted.order_by(Approval.decided_at, Approval.id))).all()


async def carriers_of(session: AsyncSession, match_ids: Collection[UUID]) -> dict[UUID, UUID | None]:
    """Who carried these matches."""
    wanted = select(Shipment.match_id, Shipment.carrier_id).where(among(Shipment.match_id, match_ids))
    return {row.match_id: row.carrier_id for row in await session.execute(wanted)}


async def count_granted(session: WriteSession, programme: Programme, since: datetime) -> None:
    """Count for its caps what a programme without any has granted to those that asked from then on; under the lock of
    its fund. From now on whoever grants counts."""
    s, courier = SUBSIDIES.c, programme.kind == "courier_parcel"
    carrier_id = s.payee_id if courier else Shipment.carrier_id
    granted = (
        select(
            func.timezone(str(CHINA), s.asked_at).cast(Date).label("day"),
            Shipment.producer_id,
            carrier_id.label("carrier_id"),
            (literal(1) if courier else s.match_g).label("more"),
        )
        .join_from(SUBSIDIES, Shipment, Shipment.match_id == s.match_id)
        .where(s.programme_id == programme.id, s.asked_at >= since)
        .subquery()
        .c
    )
    for party, party_id in (("producer", granted.producer_id), ("carrier", granted.carrier_id)):
        sums = select(literal(programme.id), granted.day, literal(party), party_id, func.sum(granted.more))
        sums = sums.where(party_id.is_not(None)).group_by(granted.day, party_id)
        counted = insert(CAP_USAGE).from_select([*CAP_KEY, "used"], sums)
        anew = {"used": counted.excluded.used}  # once every grant was counted
        await session.execute(counted.on_conflict_do_update(index_elements=list(CAP_KEY), set_=anew))


def _opened() -> Select[tuple[Programme, *tuple[object, ...]]]:
    return (
        select(Programme, LEDGER_HEADS, func.clock_timestamp().label("read_at"))
        .join(LEDGER_HEADS, LEDGER_HEADS.c.programme_id == Programme.id)
        .options(selectinload(Programme.rules), selectinload(Programme.standings))
    )


def _with_money(row: Row[tuple[Programme, *tuple[object, ...]]]) -> Opened:
    money = {name: getattr(row, name) for name in Money.__slots__ if name != "budget_fen"}
    return row.Programme, Money(budget_fen=-row.funder_fen, **money)
