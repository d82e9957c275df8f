"""Reading listings."""

from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, Uuid, and_, column, func, or_, select, table
from sqlalchemy.ext.asyncio import AsyncSession

from catalogue.places import adcode_prefix
from chassis.bulk import among, copy_in
from chassis.db import WriteSession
from chassis.newest import newest
from services.listing.listings.models import Listing, Status

LISTINGS: Table = Listing.__table__  # type: ignore[assignment]
COLUMNS = tuple(LISTINGS.columns.keys())
VALUES = itemgetter(*COLUMNS)
PHOTOS = table("listing_photos", column("id", Uuid), column("listing_id", Uuid))
"""The slice of photos stands on this one, so of them this one knows their table alone."""


async def add_listings(session: WriteSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add these, each with a value for every column."""
    if rows:
        await copy_in(session, LISTINGS, COLUMNS, map(VALUES, rows))


async def listing_of(session: AsyncSession, listing_id: UUID, producers: Sequence[UUID] | None) -> Listing | None:
    """The listing, when it is one of these producers'; None as `producers` stands for everyone."""
    wanted = select(Listing).where(Listing.id == listing_id, *_of(producers))
    return (await session.scalars(wanted)).one_or_none()


async def locked_listing_of(
    session: WriteSession, listing_id: UUID, producers: Sequence[UUID] | None
) -> Listing | None:
    """The same, for changing it."""
    wanted = select(Listing).where(Listing.id == listing_id, *_of(producers)).with_for_update()
    return (await session.scalars(wanted)).one_or_none()


async def locked_listings(session: WriteSession, ids: Sequence[UUID]) -> Sequence[Listing]:
    """These listings, locked in the order of their ids so that two batches can't wait for each other."""
    wanted = select(Listing).where(Listing.id.in_(ids)).order_by(Listing.id).with_for_update()
    return (await session.scalars(wanted)).all()


async def locked_listings_of(
    session: WriteSession, producer_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[Listing]:
    """Of this producer, the oldest first, locked."""
    wanted = select(Listing).where(Listing.producer_id == producer_id).order_by(Listing.id).limit(limit)
    if after is not None:
        wanted = wanted.where(Listing.id > after)
    return (await session.scalars(wanted.with_for_update())).all()


async def ids_of_producer(
    session: AsyncSession, producer_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[UUID]:
    """Those of all listings of this producer, the oldest first."""
    wanted = select(Listing.id).where(Listing.producer_id == producer_id).order_by(Listing.id).limit(limit)
    if after is not None:
        wanted = wanted.where(Listing.id > after)
    return (await session.scalars(wanted)).all()


async def listings_of(
    session: AsyncSession,
    producers: Sequence[UUID] | None,
    *,
    status: Status | None,
    produce: str | None,
    adcode: str | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Listing]:
    """At most `limit`, the newest first; None as `producers` stands for everyone."""
    conditions = _of(producers)
    if status is not None:
        conditions.append(_has_status(status))
    if adcode is not None:
        conditions.append(Listing.origin_adcode.startswith(adcode_prefix(adcode), autoescape=True))
    return await newest(session, Listing, *conditions, before=before, limit=limit, produce=produce)


async def photo_ids_of(session: AsyncSession, listing_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """The photos of each of these lots that has some, in the order of their coming."""
    wanted = select(PHOTOS.c.listing_id, PHOTOS.c.id).where(among(PHOTOS.c.listing_id, listing_ids))
    found: dict[UUID, list[UUID]] = {}
    for listing_id, photo_id in await session.execute(wanted.order_by(PHOTOS.c.id)):
        found.setdefault(listing_id, []).append(photo_id)
    return found


async def locked_spoiled(session: WriteSession, limit: int) -> Sequence[Listing]:
    """Open listings that have spoiled or may leave no more, by the database's clock; others' locks are passed over."""
    wanted = (
        select(Listing)
        .where(
            Listing.lifecycle == "open",
            or_(Listing.spoils_at <= func.now(), Listing.available_until <= func.now()),
        )
        .order_by(Listing.spoils_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(wanted)).all()


def _of(producers: Sequence[UUID] | None) -> list[ColumnElement[bool]]:
    return [] if producers is None else [Listing.producer_id.in_(producers)]


def _has_status(status: Status) -> ColumnElement[bool]:
    nothing_left = and_(Listing.remaining_g == 0, Listing.held_g == 0)
    if status == "sold_out":
        return and_(Listing.lifecycle == "open", nothing_left)
    if status == "open":
        return and_(Listing.lifecycle == "open", ~nothing_left)
    return Listing.lifecycle == status
