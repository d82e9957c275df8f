"""A market as it stood at one moment: what a round is decided by, and what its writing is checked against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import ARRAY, BigInteger, Select, Table, Text, and_, bindparam, cast, func, select

from catalogue import places
from catalogue.geodesy import Point
from chassis.db import Database, ReadSession
from services.matching.markets import MARKET_CHANGES
from services.matching.matches.models import REFUSED_PAIRS
from services.matching.optimiser.market import Market
from services.matching.optimiser.policy import GRADES, HOUR_US, TEMPERATURE_CLASSES, Policy
from services.matching.optimiser.tables import LATEST_US, PRICE_BASES, FloatArray, ListingTable, OrderTable, flag
from services.matching.orders.models import Order
from services.matching.policies.models import policy_of
from services.matching.policies.queries import IN_FORCE
from services.matching.supply.models import Supply

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NOWHERE = Point(float("nan"), float("nan"))  # the engine sets aside what it can't measure from


SUPPLY: Table = Supply.__table__  # type: ignore[assignment]
ORDERS: Table = Order.__table__  # type: ignore[assignment]
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


def _us(instant: Any) -> Any:
    """Microseconds since 1970, exactly: PostgreSQL's seconds are a decimal number."""
    return cast(func.extract("epoch", instant) * 1_000_000, BigInteger)


def _index(names: Sequence[str], name: Any) -> Any:
    return func.coalesce(func.array_position(cast(list(names), ARRAY(Text)), name) - 1, -1)


def _coordinate(degrees: Any) -> Any:
    return func.coalesce(degrees, float("nan"))


def lots_of(remaining_g: Any) -> dict[str, Any]:
    """The columns of listings, each as if so much of it remained."""
    return {
        "ids": cast(LOT.listing_id, Text),
        "terms": LOT.terms,
        "adcode": LOT.origin_adcode,
        "lon": _coordinate(LOT.origin_lon),
        "lat": _coordinate(LOT.origin_lat),
        "quantity_g": LOT.listed_g,
        "committed_g": LOT.held_g + LOT.agreed_g,
        "remaining_g": remaining_g,
        "floor_fen_per_kg": LOT.min_price_fen_per_kg,
        "grade": _index(GRADES, LOT.grade),
        "available_from_us": _us(LOT.available_from),
        "available_until_us": func.coalesce(_us(LOT.available_until), LATEST_US),
        "spoils_at_us": _us(LOT.spoils_at),
        "temperature_class": _index(TEMPERATURE_CLASSES, LOT.temperature_class),
        "divisible": LOT.divisible,
    }


def bids_of(wanted_g: Any) -> dict[str, Any]:
    """The columns of orders, each as if it wanted so much."""
    return {
        "ids": cast(BID.id, Text),
        "terms": BID.terms,
        "adcode": BID.destination_adcode,
        "lon": _coordinate(BID.destination_lon),
        "lat": _coordinate(BID.destination_lat),
        "wanted_g": wanted_g,
        "ceiling_fen_per_kg": BID.max_price_fen_per_kg,
        "min_grade": _index(GRADES, BID.min_grade),
        "deliver_by_us": _us(BID.deliver_by),
        "min_remaining_life_us": cast(BID.min_remaining_life_h, BigInteger) * HOUR_US,
        "deliver_from_us": _us(BID.deliver_from),
        "committed_g": BID.held_g + BID.agreed_g,
        "min_fill_g": BID.min_fill_g,
        "price_basis": _index(PRICE_BASES, BID.price_basis),
        "listing_id": cast(BID.listing_id, Text),
    }


LOT_COLUMNS = lots_of(LOT.quantity_g - LOT.held_g - LOT.agreed_g)
BID_COLUMNS = bids_of(BID.quantity_g - BID.held_g - BID.agreed_g)


def in_columns(columns: Mapping[str, Any]) -> Select[Any]:
    """One row with an array of each, under its name: a market of thousands of rows is read many times as fast as row by
    row."""
    return select(*(func.array_agg(each).label(name) for name, each in columns.items()))


LOT_NUMBERS = LOT_COLUMNS.keys() - {"ids", "terms", "adcode", "lon", "lat", "divisible"}
BID_NUMBERS = BID_COLUMNS.keys() - {"ids", "terms", "adcode", "lon", "lat", "listing_id"}
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
        selling = select(LOT.produce).where(IS_FREE_LOT)
        wanting = select(BID.produce).where(IS_FREE_BID)
        both = selling.intersect(wanting).subquery()
        return (await session.scalars(select(both.c.produce).order_by(both.c.produce))).all()


def us_of(instant: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (instant - EPOCH) // MICROSECOND


def instant_of(us: int) -> datetime:
    return EPOCH + us * MICROSECOND


Columns = Mapping[str, Sequence[Any]]


async def columns_of(session: ReadSession, statement: Select[Any], asked: Mapping[str, Any]) -> Columns:
    found = (await session.execute(statement, asked)).mappings().one()
    return {name: column or () for name, column in found.items()}  # the array of no rows is NULL


def listings_in(columns: Columns) -> tuple[ListingTable, dict[str, int]]:
    """The table of these, and the terms of each."""
    counties = [_county(adcode) for adcode in columns["adcode"]]
    lon, lat = _points(columns, counties)
    table = ListingTable(
        ids=columns["ids"],
        lon=lon,
        lat=lat,
        watch_52=np.array([each.watch_52 for each in counties], dtype=np.int64),
        poverty_832=np.array([each.poverty_832 for each in counties], dtype=np.int64),
        divisible=np.array(columns["divisible"], dtype=np.bool_),
        **{name: np.array(columns[name], dtype=np.int64) for name in LOT_NUMBERS},
    )
    return table, dict(zip(columns["ids"], columns["terms"], strict=True))


def orders_in(columns: Columns) -> tuple[OrderTable, dict[str, int]]:
    """The table of these, and the terms of each."""
    lon, lat = _points(columns, [_county(adcode) for adcode in columns["adcode"]])
    table = OrderTable(
        ids=columns["ids"],
        lon=lon,
        lat=lat,
        listing_id=columns["listing_id"],
        **{name: np.array(columns[name], dtype=np.int64) for name in BID_NUMBERS},
    )
    return table, dict(zip(columns["ids"], columns["terms"], strict=True))


@dataclass(frozen=True, slots=True)
class _County:
    point: Point
    watch_52: int
    poverty_832: int


@cache
def _county(adcode: str) -> _County:
    place, located = places.get(adcode), places.point_of(adcode)
    return _County(
        NOWHERE if located is None else located.point,
        flag(place.watch_52 if place else None),
        flag(place.poverty_832 if place else None),
    )


def _points(columns: Columns, counties: Sequence[_County]) -> tuple[FloatArray, FloatArray]:
    """Each row's own point, else its county's, else nowhere."""
    lon, lat = (np.array(columns[name], dtype=np.float64) for name in ("lon", "lat"))
    for row in np.flatnonzero(np.isnan(lon) | np.isnan(lat)).tolist():
        lon[row], lat[row] = counties[row].point.lon, counties[row].point.lat
    return lon, lat
