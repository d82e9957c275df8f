"""Reading what is open, the most urgent first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

from sqlalchemy import Select, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from catalogue import produce as catalogue
from catalogue.places import adcode_prefix
from services.listing.listings.models import Listing

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the order of urgency, as a cursor: `<microseconds>.<id>`."""

    spoils_at: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{(self.spoils_at - EPOCH) // timedelta(microseconds=1)}.{self.id}"

    @classmethod
    def parse(cls, cursor: str) -> Self:
        """Raises ValueError for what is no cursor of ours."""
        microseconds, _, listing_id = cursor.partition(".")
        try:
            return cls(EPOCH + timedelta(microseconds=int(microseconds)), UUID(listing_id))
        except OverflowError as error:
            raise ValueError(cursor) from error


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
