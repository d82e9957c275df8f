"""Reading what an explanation needs: where a listing or an order stands, and a market with what of it is promised."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import ARRAY, DateTime, Text, Uuid, any_, bindparam, case, cast, exists, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from chassis.db import Database, ReadSession
from services.matching.books import Books
from services.matching.explanations.models import Standing, State
from services.matching.markets import MARKET_CHANGES
from services.matching.matches.models import Match
from services.matching.optimiser.explain import Promised, Promises
from services.matching.optimiser.market import Market
from services.matching.optimiser.sides import Side, Who
from services.matching.optimiser.tables import ListingTable, OrderTable
from services.matching.orders.models import Order
from services.matching.rounds.columns import (
    BID,
    LOT,
    bids_of,
    columns_of,
    in_columns,
    listings_in,
    lots_of,
    orders_in,
    us,
)
from services.matching.rounds.models import Round
from services.matching.rounds.snapshot import PRODUCE, Snapshot, instant_of, read
from services.matching.supply.models import Supply


def _last_round_of(produce: Any) -> Any:
    """With the gap of the last that looked at all of the market, where that is greater: it is of the rest, too."""
    whole = aliased(Round)
    gap_of_all = (
        select(whole.certified_gap)
        .where(whole.produce == Round.produce, whole.whole)
        .order_by(whole.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    gap = func.greatest(Round.certified_gap, gap_of_all).label("certified_gap")  # of one, where the other is not
    return (
        select(Round.id, Round.cleared_at, Round.seconds, gap)
        .where(Round.produce == produce)
        .order_by(Round.id.desc())
        .limit(1)
        .lateral("last")
    )


def _standing(table: type[Supply | Order], id_column: Any, over_at: Any) -> Any:
    """A row with the last round of its market, whether this waits for another, whether that is for a change of the row
    itself, and whether it is too late for it."""
    last = _last_round_of(table.produce)
    waits = exists().where(MARKET_CHANGES.c.produce == table.produce).label("waits")
    changed = exists().where(MARKET_CHANGES.c.produce == table.produce, MARKET_CHANGES.c.row_id == id_column)
    over = (over_at <= func.clock_timestamp()).label("over")
    row = select(table, waits, changed.label("changed"), over, *last.c).join(last, true(), isouter=True)
    return row.where(id_column == bindparam("id"))


LISTING_STANDING = _standing(Supply, Supply.listing_id, Supply.spoils_at)
ORDER_STANDING = _standing(Order, Order.id, Order.deliver_by)
NOW: Any = bindparam("now", type_=DateTime(timezone=True))
ASKED: Any = bindparam("ids", type_=ARRAY(Uuid))
PROMISED = (
    select(Match.listing_id, Match.order_id, func.sum(Match.quantity_g).label("quantity_g"))
    .where(or_(Match.listing_id == any_(ASKED), Match.order_id == any_(ASKED)), Match.status != "released")
    .group_by(Match.listing_id, Match.order_id)
)
MADE = {"at_us": us(Match.created_at), "quantity_g": Match.quantity_g}
PROMISES_TO_ORDERS = (
    in_columns({"ids": cast(Match.order_id, Text), **MADE})
    .join(Order, Order.id == Match.order_id)
    .where(BID.produce == PRODUCE, BID.deliver_by > NOW, Match.status != "released")
)
PROMISES_OF_SUPPLY = (
    in_columns({"ids": cast(Match.listing_id, Text), **MADE})
    .join(Supply, Supply.listing_id == Match.listing_id)
    .where(LOT.produce == PRODUCE, LOT.spoils_at > NOW, Match.status != "released")
)
CAME: dict[Side, Any] = {
    "listing": select(cast(LOT.listing_id, Text), us(LOT.entered_at)).where(LOT.listing_id == any_(ASKED)),
    "order": select(cast(BID.id, Text), us(BID.created_at)).where(BID.id == any_(ASKED)),
}
LEFT_OF_ORDER = case((BID.lifecycle != "open", BID.quantity_g - BID.held_g - BID.agreed_g), else_=0)
LEFT_OF_SUPPLY = case((LOT.status != "open", LOT.quantity_g - LOT.held_g - LOT.agreed_g), else_=0)
PROMISED_ORDERS = in_columns({**bids_of(BID.held_g + BID.agreed_g), "left_g": LEFT_OF_ORDER}).where(
    BID.produce == PRODUCE, BID.held_g + BID.agreed_g > 0, BID.deliver_by > NOW
)
PROMISED_SUPPLY = in_columns({**lots_of(LOT.held_g + LOT.agreed_g), "left_g": LEFT_OF_SUPPLY}).where(
    LOT.produce == PRODUCE, LOT.held_g + LOT.agreed_g > 0, LOT.spoils_at > NOW
)


async def standing_of_listing(session: AsyncSession, listing_id: UUID) -> Standing | None:
    """Where a listing stands; None when matching knows of none."""
    found = (await session.execute(LISTING_STANDING, {"id": listing_id})).one_or_none()
    if found is None:
        return None
    supply: Supply = found.Supply
    standing = Standing(supply.producer_id, supply.produce, "pending")
    return _in_its_market(found, supply, supply.entered_at, standing, is_open=supply.status == "open")


async def standing_of_order(session: AsyncSession, order_id: UUID) -> Standing | None:
    """Where an order stands; None when there is none."""
    found = (await session.execute(ORDER_STANDING, {"id": order_id})).one_or_none()
    if found is None:
        return None
    order: Order = found.Order
    standing = Standing(order.buyer_id, order.produce, "pending")
    return _in_its_market(found, order, order.created_at, standing, is_open=order.lifecycle == "open")


def _in_its_market(found: Any, books: Books, since: datetime, standing: Standing, *, is_open: bool) -> Standing:
    in_a_round = found.id is not None and _was_in(found, since)
    state = _state_of(books, is_open=is_open and not found.over, in_a_round=in_a_round, waits=found.waits)
    if in_a_round and not found.changed and state in {"unsold", "partly"}:
        return replace(standing, state=state, round_id=found.id, certified_gap=found.certified_gap)
    return replace(standing, state=state)


def _was_in(last: Any, since: datetime) -> bool:
    """Whether its last round saw what came then: it began later; or has ended since, and left no change to wait."""
    began_at = last.cleared_at - timedelta(seconds=last.seconds)
    return bool(began_at > since or (last.cleared_at > since and not last.waits))


def _state_of(books: Books, *, is_open: bool, in_a_round: bool, waits: bool) -> State:
    if books.agreed_g and books.agreed_g == books.quantity_g:
        return "sold"
    if not is_open:
        return "closed"
    if books.promised_g:
        return "partly"
    return "pending" if waits and not in_a_round else "unsold"


async def market_of(db: Database, produce: str, asked: Sequence[Who]) -> tuple[Snapshot, Promised]:
    """A market as it is now, and what of it is held or agreed; all by one state of the database."""
    async with db.reading() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        seen, listings, orders, refused = await read(session, produce)
        pairs = (await session.execute(PROMISED, {"ids": [UUID(each.id) for each in asked]})).all()
        sides = {each.side for each in asked}
        read_of = {side: await _promised(session, side, seen, listings, orders) for side in sides}
        promised = {side: Market.of_tables(lots, bids, refused) for side, (lots, bids, _) in read_of.items()}
        left_g = {side: left for side, (_, _, left) in read_of.items()}
        promises = {side: await _promises(session, side, seen) for side in sides}
        since_us = {each: at_us for side in sides for each, at_us in await _came(session, side, asked)}
    own_g = {(str(pair.listing_id), str(pair.order_id)): int(pair.quantity_g) for pair in pairs}
    return seen, Promised(promised, own_g, promises, since_us, left_g)


async def _promised(
    session: ReadSession, side: Side, seen: Snapshot, listings: ListingTable, orders: OrderTable
) -> tuple[ListingTable, OrderTable, dict[str, int]]:
    """What others were promised, for who asks from this side; and what closed ones had left, by id."""
    columns = await columns_of(
        session,
        PROMISED_ORDERS if side == "listing" else PROMISED_SUPPLY,
        {"produce": seen.produce, "now": instant_of(seen.now_us)},
    )
    left_g = {each: left for each, left in zip(columns["ids"], columns["left_g"], strict=True) if left}
    if side == "listing":
        return listings, orders_in(columns)[0], left_g
    return listings_in(columns)[0], orders, left_g


async def _promises(session: ReadSession, side: Side, seen: Snapshot) -> Promises:
    """When others were promised it."""
    of_now = {"produce": seen.produce, "now": instant_of(seen.now_us)}
    made = await columns_of(session, PROMISES_TO_ORDERS if side == "listing" else PROMISES_OF_SUPPLY, of_now)
    at_us, quantity_g = (np.array(made[name], dtype=np.int64) for name in MADE)
    order = np.argsort(at_us, kind="stable")
    return Promises([made["ids"][each] for each in order.tolist()], at_us[order], quantity_g[order])


async def _came(session: ReadSession, side: Side, asked: Sequence[Who]) -> list[tuple[Who, int]]:
    """When those of this side came who are asked about."""
    ids = [UUID(each.id) for each in asked if each.side == side]
    return [(Who(side, id_), at_us) for id_, at_us in await session.execute(CAME[side], {"ids": ids})]
