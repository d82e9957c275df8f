"""Listings and orders read in columns, in one row with an array of each.

A market of thousands of rows is read many times as fast as row by row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from sqlalchemy import ARRAY, BigInteger, Select, Table, Text, cast, func, select

from catalogue import places
from catalogue.geodesy import Point
from chassis.db import ReadSession
from services.matching.optimiser.policy import GRADES, HOUR_US, TEMPERATURE_CLASSES
from services.matching.optimiser.tables import LATEST_US, PRICE_BASES, FloatArray, ListingTable, OrderTable, flag
from services.matching.orders.models import Order
from services.matching.supply.models import Supply

NOWHERE = Point(float("nan"), float("nan"))  # the engine sets aside what it can't measure from
SUPPLY: Table = Supply.__table__  # type: ignore[assignment]
ORDERS: Table = Order.__table__  # type: ignore[assignment]
LOT, BID = SUPPLY.c, ORDERS.c

Columns = Mapping[str, Sequence[Any]]


def us(instant: Any) -> Any:
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
        "available_from_us": us(LOT.available_from),
        "available_until_us": func.coalesce(us(LOT.available_until), LATEST_US),
        "spoils_at_us": us(LOT.spoils_at),
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
        "deliver_by_us": us(BID.deliver_by),
        "min_remaining_life_us": cast(BID.min_remaining_life_h, BigInteger) * HOUR_US,
        "deliver_from_us": us(BID.deliver_from),
        "committed_g": BID.held_g + BID.agreed_g,
        "min_fill_g": BID.min_fill_g,
        "price_basis": _index(PRICE_BASES, BID.price_basis),
        "listing_id": cast(BID.listing_id, Text),
    }


LOT_COLUMNS = lots_of(LOT.quantity_g - LOT.held_g - LOT.agreed_g)
BID_COLUMNS = bids_of(BID.quantity_g - BID.held_g - BID.agreed_g)


def in_columns(columns: Mapping[str, Any]) -> Select[Any]:
    """An array of each, under its name."""
    return select(*(func.array_agg(each).label(name) for name, each in columns.items()))


LOT_NUMBERS = LOT_COLUMNS.keys() - {"ids", "terms", "adcode", "lon", "lat", "divisible"}
BID_NUMBERS = BID_COLUMNS.keys() - {"ids", "terms", "adcode", "lon", "lat", "listing_id"}


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
