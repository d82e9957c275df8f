"""A market as it stood at one moment: what a round is decided by, and what its writing is checked against."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Table, and_, bindparam, func, select

from catalogue import places
from catalogue.geodesy import Point
from chassis.db import Database, ReadSession
from services.matching.markets import MARKET_CHANGES
from services.matching.matches.models import REFUSED_PAIRS
from services.matching.optimiser.market import Listing, Market, Order
from services.matching.optimiser.policy import HOUR_US
from services.matching.orders.models import Order as OrderRow
from services.matching.supply.models import Supply, point_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NOWHERE = Point(float("nan"), float("nan"))  # the engine sets aside what it can't measure from


SUPPLY: Table = Supply.__table__  # type: ignore[assignment]
ORDERS: Table = OrderRow.__table__  # type: ignore[assignment]
LOT, BID = SUPPLY.c, ORDERS.c
IS_FREE_LOT = and_(LOT.status == "open", LOT.quantity_g - LOT.held_g - LOT.agreed_g > 0)
IS_FREE_BID = and_(BID.lifecycle == "open", BID.quantity_g - BID.held_g - BID.agreed_g > 0)


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
NOW_AND_CHANGES = select(func.clock_timestamp(), func.array_agg(MARKET_CHANGES.c.id)).where(
    MARKET_CHANGES.c.produce == PRODUCE
)
FREE_LOTS = select(*LOT).where(LOT.produce == PRODUCE, IS_FREE_LOT)
FREE_BIDS = select(*BID).where(BID.produce == PRODUCE, IS_FREE_BID)
REFUSED = refused_pairs().where(LOT.produce == PRODUCE)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One market at `now_us` by the database's clock, and the changes that it includes."""

    produce: str
    now_us: int
    market: Market
    changes: Sequence[int]
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


async def read(
    session: ReadSession, produce: str
) -> tuple[Snapshot, list[Listing], list[Order], list[tuple[str, str]]]:
    """The same within a transaction that sees one state of the database; and its listings, orders and refused pairs, of
    which another market can be made."""
    market = {"produce": produce}
    now, changes = (await session.execute(NOW_AND_CHANGES, market)).one()
    supply = (await session.execute(FREE_LOTS, market)).all()
    orders = (await session.execute(FREE_BIDS, market)).all()
    refused = [(str(row.listing_id), str(row.order_id)) for row in await session.execute(REFUSED, market)]
    listings = [listing_of(row) for row in supply if row.spoils_at > now]
    bids = [order_of(row) for row in orders if row.deliver_by > now]
    seen = Snapshot(
        produce,
        us_of(now),
        Market.of(listings, bids, refused),
        changes or (),
        {str(row.listing_id): row.terms for row in supply} | {str(row.id): row.terms for row in orders},
    )
    return seen, listings, bids, refused


async def changed_markets(db: Database) -> Sequence[str]:
    """Markets with something new since their last round."""
    async with db.reading() as session:
        wanted = select(MARKET_CHANGES.c.produce).distinct().order_by(MARKET_CHANGES.c.produce)
        return (await session.scalars(wanted)).all()


async def all_markets(db: Database) -> Sequence[str]:
    """Markets that have both something to sell and someone who wants it."""
    async with db.reading() as session:
        selling = select(LOT.produce).where(IS_FREE_LOT)
        wanting = select(BID.produce).where(IS_FREE_BID)
        both = selling.intersect(wanting).subquery()
        return (await session.scalars(select(both.c.produce).order_by(both.c.produce))).all()


def us_of(instant: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (instant - EPOCH) // MICROSECOND


def instant_of(us: int) -> datetime:
    return EPOCH + us * MICROSECOND


def listing_of(row: Row[Any], *, remaining_g: int | None = None) -> Listing:
    """What is free of it; or, of a row of supply, as if `remaining_g` were."""
    point = point_of(row.origin_adcode, row.origin_lon, row.origin_lat) or NOWHERE
    place = places.get(row.origin_adcode)
    return Listing(
        id=str(row.listing_id),
        quantity_g=row.listed_g,
        committed_g=row.held_g + row.agreed_g,
        remaining_g=row.quantity_g - row.held_g - row.agreed_g if remaining_g is None else remaining_g,
        floor_fen_per_kg=row.min_price_fen_per_kg,
        grade=row.grade,
        lon=point.lon,
        lat=point.lat,
        available_from_us=us_of(row.available_from),
        available_until_us=us_of(row.available_until) if row.available_until else None,
        spoils_at_us=us_of(row.spoils_at),
        temperature_class=row.temperature_class,
        watch_52=place.watch_52 if place else None,
        poverty_832=place.poverty_832 if place else None,
        divisible=row.divisible,
    )


def order_of(row: Row[Any], *, wanted_g: int | None = None) -> Order:
    """What is free of it; or, of a row of orders, as if `wanted_g` were."""
    point = point_of(row.destination_adcode, row.destination_lon, row.destination_lat) or NOWHERE
    return Order(
        id=str(row.id),
        wanted_g=row.quantity_g - row.held_g - row.agreed_g if wanted_g is None else wanted_g,
        ceiling_fen_per_kg=row.max_price_fen_per_kg,
        min_grade=row.min_grade,
        lon=point.lon,
        lat=point.lat,
        deliver_by_us=us_of(row.deliver_by),
        min_remaining_life_us=row.min_remaining_life_h * HOUR_US,
        deliver_from_us=us_of(row.deliver_from),
        committed_g=row.held_g + row.agreed_g,
        min_fill_g=row.min_fill_g,
        price_basis=row.price_basis,
        listing_id=str(row.listing_id) if row.listing_id else None,
    )
