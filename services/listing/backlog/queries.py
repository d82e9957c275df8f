"""Reading the backlog: what is open, what of it will not be sold in time, and what was seen of the past.

The forecast of a lot is `hazard.unsold`, said in SQL; it is rounded to grams lot by lot, so that counties add up to
prefectures and provinces. All of them are packed once a minute; `standing` answers for them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from operator import add
from typing import Any, Self, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    Row,
    Select,
    SmallInteger,
    Text,
    and_,
    case,
    column,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from catalogue.days import local_day
from catalogue.places import adcode_prefix, all_places
from chassis.bulk import among
from chassis.cursors import microseconds_of, moment_of
from chassis.db import WriteSession
from services.listing.backlog.figures import Part
from services.listing.backlog.hazard import ALL, BANDS, NEW, NEW_H, PRIOR, PROVINCE_DIGITS, Seen
from services.listing.backlog.models import Hazard, Sight, Snapshot, Stand
from services.listing.listings.models import Listing

SECONDS_PER_HOUR = 3600
EXPONENT_MAX = 700.0
"""PostgreSQL calls what lies below the least float an error."""
WATCH_52 = [place.adcode for place in all_places() if place.watch_52]


@dataclass(frozen=True, slots=True)
class BacklogPlace:
    """A place in the order of what is at risk, as a cursor: `<microseconds>.<grams>.<key>`.

    `as_of` is the moment for which the first page was reckoned; the pages behind it are of that moment, too.
    """

    as_of: datetime
    grams: int
    key: str

    def __str__(self) -> str:
        return f"{microseconds_of(self.as_of)}.{self.grams}.{self.key}"

    @classmethod
    def parse(cls, cursor: str) -> Self:
        """Raises ValueError for what is no cursor of ours."""
        microseconds, grams, key = cursor.split(".", 2)
        as_of = moment_of(microseconds)
        if not 0 <= int(grams) < 2**63 or not 2000 <= as_of.year <= 2100:
            raise ValueError(cursor)
        return cls(as_of, int(grams), key)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of the backlog."""

    produce: str | None
    adcode: str | None
    watch_52: bool | None

    @property
    def part(self) -> Part:
        watched = [int(each) for each in WATCH_52]
        return Part(
            self.produce,
            None if self.adcode is None else adcode_prefix(self.adcode),
            watched if self.watch_52 else None,
            watched if self.watch_52 is False else None,
        )


def packed(as_of: datetime) -> Select[Any]:
    """The columns of a `Snapshot` for a moment, but for its own two: one row, made by the database alone."""
    lots = _lots(as_of).prefix_with("MATERIALIZED")  # read thrice, reckoned once
    number = func.row_number().over(order_by=lots.c.produce.collate("C")) - 1
    named = select(lots.c.produce, func.max(lots.c.evidence).label("evidence"), number.label("number"))
    kinds = named.group_by(lots.c.produce).cte("kinds")
    fields = (
        func.uuid_send(lots.c.id),
        func.int4send(sql_cast(kinds.c.number, Integer)),
        func.int4send(sql_cast(lots.c.adcode, Integer)),
        *(func.int8send(each) for each in (lots.c.remaining_g, lots.c.unsold_g)),
        *(func.float8send(each) for each in (lots.c.hours_left, lots.c.unsold_share)),
    )
    record: Any = reduce(lambda one, other: one.op("||")(other), cast("tuple[Any, ...]", fields))
    records = select(func.string_agg(record, literal(b"", LargeBinary))).join_from(
        lots, kinds, kinds.c.produce == lots.c.produce
    )
    return select(
        *(
            func.coalesce(
                select(func.array_agg(aggregate_order_by(sql_cast(each, kind), kinds.c.number))).scalar_subquery(),
                literal([], ARRAY(kind)),
                type_=ARRAY(kind),
            ).label(each.key)
            for each, kind in ((kinds.c.produce, Text), (kinds.c.evidence, SmallInteger))
        ),
        func.coalesce(records.scalar_subquery(), literal(b"", LargeBinary), type_=LargeBinary).label("lots"),
    )


async def snapshot_near(session: AsyncSession, as_of: datetime | None, since: datetime) -> Row[Any] | None:
    """The id and the moment of the snapshot of that moment; else of the newest that is not older than `since`."""
    is_that = Snapshot.as_of == as_of
    columns = select(Snapshot.id, Snapshot.as_of).where(or_(is_that, Snapshot.as_of >= since))
    wanted = columns.order_by(is_that.desc(), Snapshot.as_of.desc()).limit(1)
    row: Row[Any] | None = (await session.execute(wanted)).one_or_none()  # type: ignore[assignment]
    return row


async def lots_by_id(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Listing]:
    return {each.id: each for each in await session.scalars(select(Listing).where(among(Listing.id, ids)))}


async def trend(session: AsyncSession, wanted: Wanted, shown: Sequence[date]) -> dict[date, dict[str, int]]:
    """Of each of these days: sold and spoiled grams, and open and at risk when somebody looked on it."""
    first = min(shown)
    days: dict[date, dict[str, int]] = {day: {} for day in shown}
    given = (
        func.unnest(literal(list(shown), ARRAY(Date))).table_valued(column("day", Date), name="given").render_derived()
    )
    looked = select(given.c.day).where(exists().where(Stand.day == given.c.day))
    for day in await session.scalars(looked):
        days[day] |= {"open_g": 0, "at_risk_g": 0}
    stands = _of(Stand, wanted, first, Stand.open_g, Stand.at_risk_g)
    sights = _of(Sight, wanted, first, Sight.sold_g, Sight.spoiled_g)
    for statement in (stands, sights):
        for row in await session.execute(statement):
            figures = dict(row._mapping)
            days.setdefault(figures.pop("day"), {}).update(figures)  # a clock may be a day ahead
    return days


async def seen_since(session: AsyncSession, first: date, now: datetime) -> list[Seen]:
    """What was seen from that day on, with what stands now and has had no news since."""
    past = (
        select(
            Sight.produce,
            Sight.adcode,
            Sight.band,
            func.sum(Sight.exposure_gh),
            sql_cast(func.sum(Sight.sold_g), BigInteger),
            sql_cast(func.sum(Sight.sales), BigInteger),
        )
        .where(Sight.day >= first, Sight.band != NEW)
        .group_by(Sight.produce, Sight.adcode, Sight.band)
    )
    ends = _ends_at()
    grown_at = func.greatest(Listing.stands_since, Listing.created_at + timedelta(hours=NEW_H))
    first_h, last_h = _hours_until(ends, grown_at), func.greatest(_hours_until(ends, _moment(now)), 0.0)
    standing = (
        select(
            Listing.produce,
            Listing.origin_adcode,
            *(
                func.sum(Listing.remaining_g * hours).label(f"band_{band}")
                for band, hours in enumerate(_hours_by_band(first_h, last_h))
            ),
        )
        .where(Listing.lifecycle == "open", Listing.remaining_g > 0)
        .group_by(Listing.produce, Listing.origin_adcode)
    )
    seen = [Seen(*row) for row in await session.execute(past)]
    for produce, adcode, *exposures in await session.execute(standing):
        seen += [Seen(produce, adcode, band, each, 0, 0) for band, each in enumerate(exposures) if each > 0]
    return seen


async def locked_ended(session: WriteSession, limit: int) -> Sequence[Listing]:
    """Closed lots whose end is not tallied; others' locks are passed over."""
    ended = (
        select(Listing)
        .where(Listing.lifecycle != "open", ~Listing.is_tallied)
        .order_by(Listing.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(ended)).all()


def stand_at(as_of: datetime) -> Select[Any]:
    """The rows of `Stand` for a moment: the open backlog by produce and county."""
    found = _lots(as_of)
    day, looked_at = literal(local_day(as_of), Date), _moment(as_of)
    figures = (_sum(found.c.remaining_g), _sum(found.c.unsold_g))
    by_cell = (found.c.produce, found.c.adcode)
    columns: list[Any] = [day, *by_cell, *figures, looked_at]
    return select(*columns).group_by(*by_cell).order_by(*by_cell)


def _lots(as_of: datetime) -> CTE:
    """Open lots of which something is left, with the share and the grams that are not expected to be sold in time.

    `evidence`: 2 where the rates come of sales of this produce, 1 of others', 0 of the stated default.
    """
    standing = _standing(as_of).cte("standing")
    used = [
        standing.c.rates[band + 1] * hours for band, hours in enumerate(_hours_by_band(standing.c.hours_left))
    ]  # PostgreSQL counts from 1
    kept = (standing.c.id, standing.c.produce, standing.c.adcode, standing.c.remaining_g, standing.c.hours_left)
    share = func.exp(-func.least(reduce(add, used), EXPONENT_MAX)).label("unsold_share")
    judged = select(*kept, standing.c.evidence, share).cte("judged")
    unsold_g = sql_cast(func.round(judged.c.remaining_g * judged.c.unsold_share), BigInteger).label("unsold_g")
    return select(judged, unsold_g).cte("lots")


def _standing(as_of: datetime) -> Select[Any]:
    """Open lots, and the rates by which they are judged: those of `hazard.rates_for`."""
    county, province, produce, every = (aliased(Hazard) for _ in range(4))
    in_province = func.left(Listing.origin_adcode, PROVINCE_DIGITS)
    prior = literal(list(PRIOR), ARRAY(Double))
    rates = func.coalesce(county.rates, province.rates, produce.rates, every.rates, prior, type_=ARRAY(Double))
    return (
        select(
            Listing.id,
            Listing.produce,
            Listing.origin_adcode.label("adcode"),
            Listing.remaining_g,
            _hours_until(_ends_at(), _moment(as_of)).label("hours_left"),
            rates.label("rates"),
            case((produce.produce.is_not(None), 2), (every.produce.is_not(None), 1), else_=0).label("evidence"),
        )
        .outerjoin(county, and_(county.produce == Listing.produce, county.adcode == Listing.origin_adcode))
        .outerjoin(province, and_(province.produce == Listing.produce, province.adcode == in_province))
        .outerjoin(produce, and_(produce.produce == Listing.produce, produce.adcode == ALL))
        .outerjoin(every, and_(every.produce == ALL, every.adcode == ALL))
        .where(Listing.lifecycle == "open", Listing.remaining_g > 0, _ends_at() > _moment(as_of))
    )


def _within(adcode: Any, wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.adcode is not None:
        conditions.append(adcode.startswith(adcode_prefix(wanted.adcode), autoescape=True))
    if wanted.watch_52 is not None:
        is_watched = among(adcode, WATCH_52)
        conditions.append(is_watched if wanted.watch_52 else ~is_watched)
    return conditions


def _of(table: type[Stand] | type[Sight], wanted: Wanted, first: date, *figures: Any) -> Select[Any]:
    columns: list[Any] = [table.day, *(_sum(figure).label(figure.key) for figure in figures)]
    rows = select(*columns).where(table.day >= first, *_within(table.adcode, wanted)).group_by(table.day)
    return rows if wanted.produce is None else rows.where(table.produce == wanted.produce)


def _ends_at() -> ColumnElement[datetime]:
    """`Listing.ends_at`; LEAST passes over what is NULL."""
    return func.least(Listing.spoils_at, Listing.available_until)


def _hours_until(ends_at: ColumnElement[datetime], moment: Any) -> ColumnElement[float]:
    seconds = sql_cast(func.extract("epoch", ends_at - moment), Double)
    return cast("ColumnElement[float]", seconds / float(SECONDS_PER_HOUR))


def _hours_by_band(first_h: ColumnElement[float], last_h: Any = None) -> list[ColumnElement[float]]:
    """`hazard.hours_by_band`."""

    def in_band(low: float, high: float) -> ColumnElement[float]:
        until = first_h if math.isinf(high) else func.least(first_h, high)
        since = low if last_h is None else func.greatest(last_h, low)
        return func.greatest(until - since, 0.0)

    return [in_band(low, high) for low, high in BANDS]


def _moment(at: datetime) -> ColumnElement[datetime]:
    return literal(at, DateTime(timezone=True))


def _sum(grams: Any) -> ColumnElement[int]:
    return cast("ColumnElement[int]", sql_cast(func.sum(grams), BigInteger))
