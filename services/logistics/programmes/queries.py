"""Reading programmes, with their money in the same statement."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from contracts.programmes import ProgrammeKind
from services.logistics.programmes.models import Money, Programme
from services.logistics.shipments.models import Shipment
from services.logistics.subsidy.models import LEDGER_HEADS

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
    """Programmes that were active at some moment from `earliest` to `latest`, with all their rules."""
    wanted = (
        select(Programme)
        .options(joinedload(Programme.rules))
        .where(Programme.kind == kind, Programme.starts_at <= latest, Programme.ends_at > earliest)
    )
    return (await session.scalars(wanted)).unique().all()


async def carriers_of(session: AsyncSession, match_ids: Collection[UUID]) -> dict[UUID, UUID | None]:
    """Who carried these matches."""
    wanted = select(Shipment.match_id, Shipment.carrier_id).where(Shipment.match_id.in_(match_ids))
    return {row.match_id: row.carrier_id for row in await session.execute(wanted)}


def _opened() -> Select[tuple[Programme, *tuple[object, ...]]]:
    return (
        select(Programme, LEDGER_HEADS, func.clock_timestamp().label("read_at"))
        .join(LEDGER_HEADS, LEDGER_HEADS.c.programme_id == Programme.id)
        .options(selectinload(Programme.rules))
    )


def _with_money(row: Row[tuple[Programme, *tuple[object, ...]]]) -> Opened:
    money = {name: getattr(row, name) for name in Money.__slots__ if name != "budget_fen"}
    return row.Programme, Money(budget_fen=-row.funder_fen, **money)
