"""A market as it stood at one moment: what a round is decided by, and what its writing is checked against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import Select, Text, and_, bindparam, cast, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.cursors import EPOCH
from chassis.db import Database, ReadSession
from services.matching.free import IS_FREE_BID, IS_FREE_LOT, WITH_BOTH_SIDES
from services.matching.markets import MARKET_CHANGES
from services.matching.matches.models import REFUSED_PAIRS
from services.matching.optimiser.market import Market
from services.matching.optimiser.policy import Policy
from services.matching.optimiser.tables import ListingTable, OrderTable
from services.matching.policies.models import policy_of
from services.matching.policies.queries import IN_FORCE
from services.matching.rounds.columns import (
    BID,
    BID_COLUMNS,
    LOT,
    LOT_COLUMNS,
    ORDERS,
    SUPPLY,
    Columns,
    in_columns,
    listings_in,
    orders_in,
)

CHANGE = MARKET_CHANGES.c
MICROSECOND = timedelta(microseconds=1)


def refused_pairs() -> Select[tuple[UUID, UUID]]:
    """Pairs of open sides that said no, and neither of which has changed its terms since."""
    refused = REFUSED_PAIRS.c
    return (
        select(refused.listing_id, refused.order_id)
        .join(SUPPLY, and_(LOT.listing_id == refused.listing_id, LOT.terms == refused.listing_terms))
        .join(ORDERS, and_(BID.id == refused.order_id, BID.terms == refused.order_terms))
        .where(LOT.status == "open", BID.lifecycle == "open")
    )


PRODUCE: Any = bindparam("produce")


def _market() -> Select[Any]:
    """One row: the moment, the policy in force, the market's changes, its lots and bids, and who refused whom.

    In one statement, which sees one state of the database without a transaction around it: for a small market going to
    and fro takes longer than PostgreSQL does.
    """
    policy = IN_FORCE.subquery("in_force")
    changes = in_columns({"ids": CHANGE.id, "row_ids": CHANGE.row_id}).where(CHANGE.produce == PRODUCE)
    pairs = refused_pairs().where(LOT.produce == PRODUCE).subquery().c
    refused = in_columns({name: cast(each, Text) for name, each in pairs.items()})
    lots = in_columns(LOT_COLUMNS).where(LOT.produce == PRODUCE, IS_FREE_LOT)
    bids = in_columns(BID_COLUMNS).where(BID.produce == PRODUCE, IS_FREE_BID)
    of_one_row = {"changes": changes, "refused": refused, "lots": lots, "bids": bids}
    blocks = [policy, *(block.subquery(name) for name, block in of_one_row.items())]
    row = select(
        func.statement_timestamp().label("now"),  # of the policy, too
        *(each.label(f"{block.name}_{name}") for block in blocks for name, each in block.c.items()),
    ).select_from(policy)
    for block in blocks[1:]:
        row = row.join(block, true())
    return row


MARKET = _market()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One market at `now_us` by the database's clock, the policy then in force, and the changes that it includes."""

    produce: str
    now_us: int
    policy: Policy
    market: Market
    changes: Sequence[int]
    changed: frozenset[str] | None
    """The listings and orders that these are of; None: any may have changed."""
    terms: dict[str, int]
    """By listing or order id. A match is only written while both still have these."""

    @property
    def has_both_sides(self) -> bool:
        return bool(self.market.listings.ids and self.market.orders.ids)


async def take(db: Database, produce: str) -> Snapshot:
    """Nothing of the database is held when it returns, before anything is solved."""
    async with db.at_once() as connection:
        seen, *_ = await read(connection, produce)
    return seen


async def read(
    connection: AsyncConnection | ReadSession, produce: str
) -> tuple[Snapshot, ListingTable, OrderTable, list[tuple[str, str]]]:
    """The snapshot; and its listings, orders and refused pairs, of which another market can be made."""
    row = (await connection.execute(MARKET, {"produce": produce})).mappings().one()
    lots, lot_terms = listings_in(_block(row, "lots"))
    bids, bid_terms = orders_in(_block(row, "bids"))
    changes, refused = _block(row, "changes"), _block(row, "refused")
    pairs = list(zip(refused["listing_id"], refused["order_id"], strict=True))
    now_us = us_of(row["now"])
    lots = lots.rows(np.flatnonzero(lots.spoils_at_us > now_us))
    bids = bids.rows(np.flatnonzero(bids.deliver_by_us > now_us))
    seen = Snapshot(
        produce,
        now_us,
        policy_of(row["in_force_version"], row["in_force_weights"]),
        Market.of_tables(lots, bids, pairs),
        changes["ids"],
        None if None in changes["row_ids"] else frozenset(map(str, changes["row_ids"])),
        lot_terms | bid_terms,
    )
    return seen, lots, bids, pairs


def _block(row: Mapping[str, Any], name: str) -> Columns:
    """The columns of this block; the array of no rows is NULL."""
    start = f"{name}_"
    return {each.removeprefix(start): column or () for each, column in row.items() if each.startswith(start)}


async def changed_markets(db: Database) -> Sequence[str]:
    """Markets with something new since their last round."""
    async with db.reading() as session:
        wanted = select(MARKET_CHANGES.c.produce).distinct().order_by(MARKET_CHANGES.c.produce)
        return (await session.scalars(wanted)).all()


async def all_markets(db: Database) -> Sequence[str]:
    """Markets that have both something to sell and someone who wants it."""
    async with db.reading() as session:
        both = WITH_BOTH_SIDES.subquery()
        return (await session.scalars(select(both.c.produce).order_by(both.c.produce))).all()


def us_of(instant: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (instant - EPOCH) // MICROSECOND


def instant_of(us: int) -> datetime:
    return EPOCH + us * MICROSECOND
