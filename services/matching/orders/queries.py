"""Reading orders."""

from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Table, Uuid, any_, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.bulk import copy_in
from chassis.db import WriteSession
from services.matching.orders.models import Order, Status

ORDERS: Table = Order.__table__  # type: ignore[assignment]
COLUMNS = tuple(ORDERS.columns.keys())
VALUES = itemgetter(*COLUMNS)


async def add_orders(session: WriteSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add these, each with a value for every column."""
    if rows:
        await copy_in(session, ORDERS, COLUMNS, map(VALUES, rows))


async def order_of(session: AsyncSession, order_id: UUID, buyer_id: UUID | None) -> Order | None:
    """The order, when it is this buyer's; None as `buyer_id` stands for everyone."""
    return (await session.scalars(select(Order).where(Order.id == order_id, *_of(buyer_id)))).one_or_none()


async def locked_order_of(session: WriteSession, order_id: UUID, buyer_id: UUID | None) -> Order | None:
    """The same as it is now, for changing it."""
    wanted = select(Order).where(Order.id == order_id, *_of(buyer_id)).with_for_update()
    return (await session.scalars(wanted.execution_options(populate_existing=True))).one_or_none()


async def locked_orders(session: WriteSession, ids: Collection[UUID]) -> Sequence[Order]:
    """These orders as they are now, locked in the order of their ids. Supply is locked before them, matches after."""
    wanted = (
        select(Order)
        .where(Order.id == any_(literal(list(ids), ARRAY(Uuid))))
        .order_by(Order.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(wanted)).all()


async def orders_of(
    session: AsyncSession,
    buyer_id: UUID | None,
    *,
    status: Status | None,
    produce: str | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Order]:
    """Newest first: ids are version 7, in the order of their making."""
    wanted = select(Order).where(*_of(buyer_id)).order_by(Order.id.desc()).limit(limit)
    if status is not None:
        wanted = wanted.where(*_has_status(status))
    if produce is not None:
        wanted = wanted.where(Order.produce == produce)
    if before is not None:
        wanted = wanted.where(Order.id < before)
    return (await session.scalars(wanted)).all()


async def open_orders_of(session: AsyncSession, buyer_id: UUID, limit: int) -> Sequence[UUID]:
    """What is not closed, filled or not, the oldest first."""
    ids = select(Order.id).where(Order.buyer_id == buyer_id, Order.lifecycle == "open").order_by(Order.id).limit(limit)
    return (await session.scalars(ids)).all()


async def closed_orders_of(session: AsyncSession, buyer_id: UUID, *, after: UUID | None, limit: int) -> Sequence[UUID]:
    """What is closed, the oldest first."""
    ids = select(Order.id).where(Order.buyer_id == buyer_id, Order.lifecycle != "open").order_by(Order.id).limit(limit)
    return (await session.scalars(ids if after is None else ids.where(Order.id > after))).all()


async def locked_overdue(session: WriteSession, limit: int) -> Sequence[Order]:
    """Open orders, not all agreed, that nothing can reach in time any more; others' locks are passed over."""
    wanted = (
        select(Order)
        .where(
            Order.lifecycle == "open",
            Order.agreed_g < Order.quantity_g,
            Order.deliver_by <= func.clock_timestamp(),
        )
        .order_by(Order.deliver_by)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(wanted)).all()


def _of(buyer_id: UUID | None) -> list[ColumnElement[bool]]:
    return [] if buyer_id is None else [Order.buyer_id == buyer_id]


def _has_status(status: Status) -> list[ColumnElement[bool]]:
    if status == "filled":
        return [Order.lifecycle == "open", Order.agreed_g == Order.quantity_g]
    if status == "open":
        return [Order.lifecycle == "open", Order.agreed_g < Order.quantity_g]
    return [Order.lifecycle == status]
