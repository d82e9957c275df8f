"""What can be done with photos of lots: one function a use case, inside the caller's transaction."""

import hashlib
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from chassis.auth import Caller
from chassis.bulk import among
from chassis.db import Database, WriteSession
from chassis.images import Photo as JpegPhoto
from chassis.images import reencoded
from chassis.kept import Kept
from chassis.photos import TooManyPhotos
from chassis.problems import must_exist
from services.listing.listings import service as listings
from services.listing.listings.models import ListingClosed
from services.listing.listings.queries import ids_of_producer
from services.listing.photos import queries
from services.listing.photos.models import PHOTOS_MAX, Photo
from services.listing.photos.queries import Size

MEDIUM_PX, MEDIUM_QUALITY = 640, 75
"""Of a preview: under 100 KB, as a phone without much signal bears it."""
KEPT = 100

FORGET_BATCH = 100
"""Lots; each has some photos, of some hundred KB."""


class Smaller:
    """Photos made smaller when somebody looks at them; of one process, the `KEPT` looked at last: about 6 MB."""

    def __init__(self) -> None:
        self._kept = Kept[UUID, bytes](KEPT)

    async def of(self, db: Database, photo_id: UUID) -> bytes:
        """The preview of a photo that is shown to who asks. Raises NotFound for one that went meanwhile."""
        return await self._kept.of(photo_id, partial(_preview, db, photo_id))


async def _preview(db: Database, photo_id: UUID) -> bytes:
    async with db.reading() as session:
        content = await queries.content_of(session, photo_id)
    return (await reencoded(must_exist(content), MEDIUM_PX, MEDIUM_QUALITY)).content


async def show(
    session: WriteSession, caller: Caller, listing_id: UUID, photo: JpegPhoto, thumbnail: JpegPhoto
) -> Photo:
    """Keep one more photo of an open lot; one that is there already is that one.

    Raises ListingClosed or TooManyPhotos.
    """
    listing = await listings.locked(session, caller, listing_id)
    await listings.refuse_forgotten(session, listing)
    if listing.lifecycle != "open":
        raise ListingClosed()
    digest = hashlib.sha256(photo.content).digest()
    shown = await queries.photos_of(session, listing.id)
    same = next((each for each in shown if each.digest == digest), None)
    if same is not None:
        return same
    if len(shown) >= PHOTOS_MAX:
        raise TooManyPhotos(most=PHOTOS_MAX)
    added = Photo(
        id=uuid7(),
        listing_id=listing.id,
        digest=digest,
        content=photo.content,
        thumbnail=thumbnail.content,
        size_b=len(photo.content),
        width_px=photo.width_px,
        height_px=photo.height_px,
    )
    session.add(added)
    await session.flush()
    return added


async def photos(session: AsyncSession, caller: Caller, listing_id: UUID) -> Sequence[Photo]:
    """Of one's own lot. Raises NotFound."""
    return await queries.photos_of(session, (await listings.find(session, caller, listing_id)).id)


async def content(
    db: Database, smaller: Smaller, caller: Caller, listing_id: UUID, photo_id: UUID, size: Size
) -> bytes:
    """The JPEG. Raises NotFound."""
    async with db.reading() as session:
        listing = await listings.find(session, caller, listing_id)
        kept = await stored(session, listing.id, photo_id, size)
    return await smaller.of(db, photo_id) if kept is None else kept


async def stored(session: AsyncSession, listing_id: UUID, photo_id: UUID, size: Size) -> bytes | None:
    """The JPEG; None of a preview, which is not stored. Raises NotFound."""
    if size == "medium":
        must_exist(await queries.photo_of(session, listing_id, photo_id))
        return None
    return must_exist(await queries.stored_of(session, listing_id, photo_id, size))


async def remove(session: WriteSession, caller: Caller, listing_id: UUID, photo_id: UUID) -> None:
    """Show it no more; a closed lot's, too, since a photo may show what was not meant to be. Raises NotFound."""
    listing = await listings.locked(session, caller, listing_id)
    photo = must_exist(await queries.photo_of(session, listing.id, photo_id))
    await session.delete(photo)


async def forget_some(session: WriteSession, producer_id: UUID, after: UUID | None) -> UUID | None:
    """A step of `ERASED.forget`: delete the photos of what the account ever offered."""
    lots = await ids_of_producer(session, producer_id, after=after, limit=FORGET_BATCH)
    await session.execute(delete(Photo).where(among(Photo.listing_id, lots)))
    return lots[-1] if len(lots) == FORGET_BATCH else None
