"""What can be done with orders, but for cancelling, which ends matches and stands with them."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from chassis.auth import Caller
from chassis.bulk import among, as_read
from chassis.clock import database_now
from chassis.db import Database, WriteSession
from chassis.fields import kg_of, to_grams
from chassis.problems import FieldError, InvalidInput, Problem, Text, Unauthenticated, must_exist
from services.matching.markets import mark_changed
from services.matching.orders import queries
from services.matching.orders.models import ERASED, Kind, Order, QuantityPromised
from services.matching.orders.schemas import NewOrder, OrderChange

DELIVERY_TAKES_AT_MOST = timedelta(days=7)
EXPIRY_BATCH = 500
FORGET_BATCH = 1000
Row = dict[str, Any]
"""The columns of an order; see those of a listing."""
KIND_BY_ROLE: dict[str, Kind] = {"platform": "bulk", "group_leader": "group", "citizen": "retail", "admin": "retail"}


class Window(NamedTuple):
    """When the goods may reach the buyer."""

    deliver_from: datetime
    deliver_by: datetime


class Wish(NamedTuple):
    """An order that somebody would place under this id."""

    id: UUID
    caller: Caller
    new: NewOrder


async def place(session: WriteSession, requests: Sequence[tuple[Caller, NewOrder]]) -> list[Order | Problem]:
    """Ask for produce, each by itself; a Problem in its place for one that can't be."""
    now = await ERASED.hold(session, {caller.account_id for caller, _ in requests})
    rows = await ask(session, [Wish(uuid7(), caller, new) for caller, new in requests], now)
    return [row if isinstance(row, Problem) else as_read(Order, row) for row in rows]


async def ask(session: WriteSession, wishes: Sequence[Wish], now: datetime) -> list[Row | Problem]:
    """The same under new ids of the caller's choice, as of `now`; the rows as they were written.

    The next round of their markets sees them.
    """
    erased = await ERASED.among(session, {each.caller.account_id for each in wishes})
    rows = [Unauthenticated() if each.caller.account_id in erased else _row(each, now) for each in wishes]
    written = [row for row in rows if not isinstance(row, Problem)]
    await queries.add_orders(session, written)
    await mark_changed(session, [(row["produce"], row["id"]) for row in written])
    return rows


def _row(wish: Wish, now: datetime) -> Row | Problem:
    """The columns of the order, or what speaks against it."""
    new = wish.new
    deliver_from = new.deliver_from or now
    deliver_by = new.deliver_by or max(deliver_from, now) + DELIVERY_TAKES_AT_MOST
    quantity_g, min_fill_g = to_grams(new.quantity_kg), to_grams(new.min_fill_kg)
    try:
        _refuse_impossible(now, Window(deliver_from, deliver_by), min_fill_g <= quantity_g, "#/min_fill_kg")
    except InvalidInput as problem:
        return problem
    point = new.destination.to_wgs84()
    return {
        "id": wish.id,
        "buyer_id": wish.caller.account_id,
        "lifecycle": "open",
        "version": 1,
        "terms": 1,
        "produce": new.produce,
        "min_grade": new.min_grade,
        "quantity_g": quantity_g,
        "min_fill_g": min_fill_g,
        "held_g": 0,
        "agreed_g": 0,
        "max_price_fen_per_kg": new.max_price_fen_per_kg,
        "price_basis": new.price_basis,
        "kind": new.kind or KIND_BY_ROLE[wish.caller.role],
        "destination_adcode": new.destination.adcode,
        "destination_lon": point.lon if point else None,
        "destination_lat": point.lat if point else None,
        "deliver_from": deliver_from,
        "deliver_by": deliver_by,
        "min_remaining_life_h": new.min_remaining_life_h,
        "listing_id": new.listing_id,
        "auto_agree": new.auto_agree,
        "reference": new.reference,
        "created_at": now,
    }


async def find(session: AsyncSession, caller: Caller, order_id: UUID) -> Order:
    """An order that the caller sees. Raises NotFound."""
    return must_exist(await queries.order_of(session, order_id, caller.owner_id))


async def change(
    session: WriteSession, caller: Caller, order_id: UUID, version: int | None, wanted: OrderChange
) -> Order:
    """Change an order that the caller has read in this version.

    Its matches stand as they are, so the quantity can't fall below what is held or agreed. That is refused and not
    clamped, as a listing's is: here the answer is known at once.
    """
    order = must_exist(await queries.locked_order_of(session, order_id, caller.owner_id))
    order.must_be(version)
    order.must_be_open()
    changes = _changes(wanted)
    if changes:
        window = Window(*(changes.get(name, getattr(order, name)) for name in ("deliver_from", "deliver_by")))
        quantity_g = changes.get("quantity_g", order.quantity_g)
        _refuse_impossible(await database_now(session), window, order.min_fill_g <= quantity_g, "#/quantity_kg")
        if quantity_g < order.promised_g:
            raise QuantityPromised(promised_kg=kg_of(order.promised_g))
        order.change(**changes)
        await mark_changed(session, [(order.produce, order.id)])
    return order


def _changes(wanted: OrderChange) -> dict[str, Any]:
    changes: dict[str, Any] = wanted.model_dump(exclude_unset=True)
    if "quantity_kg" in changes:
        changes["quantity_g"] = to_grams(changes.pop("quantity_kg"))
    return changes


async def forget_closed(session: WriteSession, buyer_id: UUID, after: UUID | None) -> UUID | None:
    """A step of `ERASED.forget`: keep nothing of this buyer in their closed orders that leads to them."""
    order_ids = await queries.closed_orders_of(session, buyer_id, after=after, limit=FORGET_BATCH)
    nothing = {"reference": None, "destination_lon": None, "destination_lat": None}
    closed = update(Order).where(among(Order.id, order_ids)).values(nothing)
    await session.execute(closed.execution_options(synchronize_session=False))
    return order_ids[-1] if len(order_ids) == FORGET_BATCH else None


async def expire_overdue(db: Database) -> int:
    """Close what nothing can reach in time, by the database's clock; how many were closed."""
    closed = 0
    while True:
        async with db.transaction() as session:
            overdue = await queries.locked_overdue(session, EXPIRY_BATCH)
            for order in overdue:
                order.expire()
        closed += len(overdue)
        if len(overdue) < EXPIRY_BATCH:
            return closed


def _refuse_impossible(now: datetime, window: Window, fillable: bool, quantity_pointer: str) -> None:
    """Raises InvalidInput with everything about the order that can't be."""
    errors = list(_impossible(now, window, fillable, quantity_pointer))
    if errors:
        raise InvalidInput(errors=errors)


def _impossible(now: datetime, window: Window, fillable: bool, quantity_pointer: str) -> Iterator[FieldError]:
    if window.deliver_by <= now:
        yield FieldError("#/deliver_by", Text("最晚送达时间已过。", "That time has passed."))
    elif window.deliver_by <= window.deliver_from:
        text = Text("送达时段须在开始之后结束。", "The window must end after it begins.")
        yield FieldError("#/deliver_by", text)
    if not fillable:
        text = Text("最低成交量不能大于求购数量。", "The least fill can't be more than the quantity.")
        yield FieldError(quantity_pointer, text)
