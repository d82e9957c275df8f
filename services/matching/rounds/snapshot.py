"""A market as it stood at one moment: what a round is decided by, and what its writing is checked against."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import Select, and_, bindparam, func, select

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
    columns_of,
    in_columns,
    listings_in,
    orders_in,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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
POLICY = IN_FORCE.subquery("in_force").c
NOW_POLICY_AND_CHANGES = select(
    func.clock_timestamp(),
    POLICY.version,
    POLICY.weights,
    *(
        select(func.array_agg(each)).where(MARKET_CHANGES.c.produce == PRODUCE).scalar_subquery()
        for each in (MARKET_CHANGES.c.id, MARKET_CHANGES.c.row_id)
    ),
)
REFUSED = refused_pairs().where(LOT.produce == PRODUCE)


FREE_LOTS = in_columns(LOT_COLUMNS).where(LOT.produce == PRODUCE, IS_FREE_LOT)
FREE_BIDS = in_columns(BID_COLUMNS).where(BID.produce == PRODUCE, IS_FREE_BID)


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
    """All reads see one state of the database; its transaction ends here, before anything is solved."""
    async with db.reading() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        seen, *_ = await read(session, produce)
    return seen


async def read(session: ReadSession, produce: str) -> tuple[Snapshot, ListingTable, OrderTable, list[tuple[str, str]]]:
    """The same within a transaction that sees one state of the database; and its listings, orders and refused pairs, of
    which another market can be made."""
    market = {"produce": produce}
    now, version, weights, changes, changed = (await session.execute(NOW_POLICY_AND_CHANGES, market)).one()
    lots, lot_terms = listings_in(await columns_of(session, FREE_LOTS, market))
    bids, bid_terms = orders_in(await columns_of(session, FREE_BIDS, market))
    refused = [(str(row.listing_id), str(row.order_id)) for row in await session.execute(REFUSED, market)]
    now_us = us_of(now)
    lots = lots.rows(np.flatnonzero(lots.spoils_at_us > now_us))
    bids = bids.rows(np.flatnonzero(bids.deliver_by_us > now_us))
    seen = Snapshot(
        produce,
        now_us,
        policy_of(version, weights),
        Market.of_tables(lots, bids, refused),
        changes or (),
        None if changed and None in changed else frozenset(map(str, changed or ())),
        lot_terms | bid_terms,
    )
    return seen, lots, bids, refused


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
