"""Reading photos of lots."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.listing.photos.models import Photo

Size = Literal["full", "medium", "thumbnail"]
STORED = {"full": Photo.content, "thumbnail": Photo.thumbnail}
"""Each but `medium`, which is made when it is asked for."""


async def photos_of(session: AsyncSession, listing_id: UUID) -> Sequence[Photo]:
    """Without their content, in the order of their coming."""
    return (await session.scalars(select(Photo).where(Photo.listing_id == listing_id).order_by(Photo.id))).all()


async def photo_of(session: AsyncSession, listing_id: UUID, photo_id: UUID) -> Photo | None:
    wanted = select(Photo).where(Photo.id == photo_id, Photo.listing_id == listing_id)
    return (await session.scalars(wanted)).one_or_none()


async def stored_of(session: AsyncSession, listing_id: UUID, photo_id: UUID, size: Size) -> bytes | None:
    """Of one of the sizes that are stored."""
    wanted = select(STORED[size]).where(Photo.id == photo_id, Photo.listing_id == listing_id)
    return (await session.execute(wanted)).scalar_one_or_none()


async def content_of(session: AsyncSession, photo_id: UUID) -> bytes | None:
    return await session.scalar(select(Photo.content).where(Photo.id == photo_id))
