"""Reading what is open, the most urgent first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, Uuid, bindparam, cast, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from catalogue import places
from catalogue import produce as catalogue
from catalogue.places import adcode_prefix
from chassis.cursors import microseconds_of, moment_of
from chassis.db import Database
from services.listing.listings.models import Listing, Status, status_of

SECONDS_PER_HOUR = 3600
ALL = 5000
"""More than there are of any table of the catalogue."""
PLACE_CHARS = 2
WORDS = 5
"""That are looked for each by itself: anybody may ask."""


@dataclass(frozen=True, slots=True)
class BoardPlace:
    """A place in the order of urgency, as a cursor: `<microseconds>.<id>`."""

    spoils_at: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{microseconds_of(self.spoils_at)}.{self.id}"

    @classmethod
    def parse(cls, cursor: str) -> Self:
        """Raises ValueError for what is no cursor of ours."""
        microseconds, _, listing_id = cursor.partition(".")
        return cls(moment_of(microseconds), UUID(listing_id))


async def most_urgent(
    session: AsyncSession,
    *,
    produce: str | None,
    adcode: str | None,
    q: str | None,
    after: BoardPlace | None,
    limit: int,
) -> Sequence[Listing]:
    """Open lots that have something left, by the time they spoil."""
    wanted = _on_board().order_by(Listing.spoils_at, Listing.id).limit(limit)
    if produce is not None:
        wanted = wanted.where(Listing.produce == produce)
    if adcode is not None:
        wanted = wanted.where(Listing.origin_adcode.startswith(adcode_prefix(adcode), autoescape=True))
    for word in (q or "").split(maxsplit=WORDS - 1):
        wanted = wanted.where(_answers_to(word))
    if after is not None:
        wanted = wanted.where(tuple_(Listing.spoils_at, Listing.id) > (after.spoils_at, after.id))
    return (await session.scalars(wanted)).all()


def _answers_to(word: str) -> ColumnElement[bool]:
    """Is such produce, of such a variety, or comes from there.

    A word that names produce names no place: 枣 is not 枣庄. Nor does a single character, which is in many names.
    """
    kinds = [kind.slug for kind in catalogue.search(word, limit=ALL)]
    counties = [] if kinds or len(word) < PLACE_CHARS else [place.adcode for place in places.search(word, limit=ALL)]
    is_from_there = Listing.origin_adcode.in_(counties)
    return or_(Listing.produce.in_(kinds), is_from_there, Listing.variety.icontains(word, autoescape=True))


@dataclass(frozen=True, slots=True)
class Group:
    """The open lots of one county and produce."""

    adcode: str
    produce: str
    lots: int
    remaining_g: int
    sold_g: int


async def groups(session: AsyncSession) -> Sequence[Group]:
    """Whatever is on the board, by county and produce."""
    figures = (func.count(), _sum(Listing.remaining_g), _sum(Listing.agreed_g))
    keys = (Listing.origin_adcode, Listing.produce)
    rows = await session.execute(_on_board().with_only_columns(*keys, *figures).group_by(*keys))
    return [Group(*row) for row in rows]


def _sum(grams: InstrumentedAttribute[int]) -> ColumnElement[int]:
    return cast(func.sum(grams), BigInteger)  # PostgreSQL sums bigints to a numeric


@dataclass(frozen=True, slots=True)
class Count:
    """What the counter of one lot shows. `hours_left` alone makes no new one: it goes by itself."""

    version: int
    supply_version: int
    status: Status
    remaining_g: int
    sold_g: int
    spoils_at: datetime
    hours_left: float = field(compare=False)

    @property
    def shown(self) -> tuple[object, ...]:
        return self.status, self.remaining_g, self.sold_g, self.spoils_at

    @property
    def is_last(self) -> bool:
        return self.status in {"withdrawn", "expired"}


async def counts(db: Database, listing_ids: Collection[UUID]) -> dict[UUID, Count]:
    """Of each of these lots, whether open or not, by one statement and by the database's clock."""
    async with db.at_once() as connection:
        rows = await connection.execute(_COUNTS, {"ids": list(listing_ids)})
        return {
            row.id: Count(
                row.version,
                row.supply_version,
                status_of(row.lifecycle, row.remaining_g, row.held_g),
                row.remaining_g,
                row.agreed_g,
                row.spoils_at,
                hours_between(row.now, row.spoils_at),
            )
            for row in rows
        }


_COUNTS = select(
    Listing.id,
    Listing.version,
    Listing.supply_version,
    Listing.lifecycle,
    Listing.remaining_g,
    Listing.held_g,
    Listing.agreed_g,
    Listing.spoils_at,
    func.clock_timestamp().label("now"),
).where(Listing.id == func.any(bindparam("ids", type_=ARRAY(Uuid))))


def hours_between(now: datetime, spoils_at: datetime) -> float:
    """As the board shows them."""
    return round(max(0.0, (spoils_at - now).total_seconds() / SECONDS_PER_HOUR), 1)


async def on_board(session: AsyncSession, listing_id: UUID) -> Listing | None:
    """An open lot; one that is sold out is still shown to those who have its address."""
    wanted = select(Listing).where(Listing.id == listing_id, Listing.lifecycle == "open")
    return (await session.scalars(wanted)).one_or_none()


def _on_board() -> Select[Listing]:
    # expiry is a job; between two of its runs the database's clock still keeps what has ended off the board
    return select(Listing).where(
        Listing.lifecycle == "open",
        Listing.spoils_at > func.now(),
        or_(Listing.available_until.is_(None), Listing.available_until > func.now()),
        Listing.remaining_g + Listing.held_g > 0,
    )
