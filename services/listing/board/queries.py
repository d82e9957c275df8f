"""Reading what is open, the most urgent first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, bindparam, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from catalogue import produce as catalogue
from catalogue.places import adcode_prefix
from chassis.cursors import microseconds_of, moment_of
from chassis.db import Database
from services.listing.listings.models import Listing, Status, status_of

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Place:
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
    session: AsyncSession, *, produce: str | None, adcode: str | None, q: str | None, after: Place | None, limit: int
) -> Sequence[Listing]:
    """Open lots that have something left, by the time they spoil."""
    wanted = _on_board().order_by(Listing.spoils_at, Listing.id).limit(limit)
    if produce is not None:
        wanted = wanted.where(Listing.produce == produce)
    if adcode is not None:
        wanted = wanted.where(Listing.origin_adcode.startswith(adcode_prefix(adcode), autoescape=True))
    if q:
        kinds = [kind.slug for kind in catalogue.search(q, limit=200)]
        wanted = wanted.where(or_(Listing.produce.in_(kinds), Listing.variety.icontains(q, autoescape=True)))
    if after is not None:
        wanted = wanted.where(tuple_(Listing.spoils_at, Listing.id) > (after.spoils_at, after.id))
    return (await session.scalars(wanted)).all()


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
