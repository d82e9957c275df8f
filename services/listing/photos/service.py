"""What can be done with photos of lots: one function a use case, inside the caller's transaction."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from chassis.auth import Caller
from chassis.bulk import among
from chassis.db import WriteSession
from chassis.images import Photo as JpegPhoto
from chassis.photos import TooManyPhotos
from chassis.problems import NotFound
from services.listing.listings import service as listings
from services.listing.listings.models import Listing, ListingClosed
from services.listing.listings.queries import locked_listing_of
from services.listing.photos import queries
from services.listing.photos.models import PHOTOS_MAX, Photo
from services.listing.photos.queries import Size


async def show(
    session: WriteSession, caller: Caller, listing_id: UUID, photo: JpegPhoto, thumbnail: JpegPhoto
) -> Photo:
    """Keep one more photo of an open lot; one that is there already is that one.

    Raises ListingClosed or TooManyPhotos.
    """
    listing = await _locked(session, caller, listing_id)
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


async def content(session: AsyncSession, caller: Caller, listing_id: UUID, photo_id: UUID, size: Size) -> bytes:
    """The JPEG. Raises NotFound."""
    listing = await listings.find(session, caller, listing_id)
    return found(await queries.content_of(session, listing.id, photo_id, size))


async def remove(session: WriteSession, caller: Caller, listing_id: UUID, photo_id: UUID) -> None:
    """Show it no more; a closed lot's, too, since a photo may show what was not meant to be. Raises NotFound."""
    listing = await _locked(session, caller, listing_id)
    photo = await queries.photo_of(session, listing.id, photo_id)
    if photo is None:
        raise NotFound()
    await session.delete(photo)


async def forget_photos(session: WriteSession, account_ids: Sequence[UUID]) -> None:
    """Delete all photos of what these accounts ever offered."""
    theirs = select(Listing.id).where(among(Listing.producer_id, account_ids))
    await session.execute(delete(Photo).where(Photo.listing_id.in_(theirs)))


def found(content: bytes | None) -> bytes:
    """Raises NotFound for none."""
    if content is None:
        raise NotFound()
    return content


async def _locked(session: WriteSession, caller: Caller, listing_id: UUID) -> Listing:
    """One's own lot; two who add to it take turns, so that there are never too many. Raises NotFound."""
    listing = await locked_listing_of(session, listing_id, await listings.visible_producers(session, caller))
    if listing is None:
        raise NotFound()
    return listing
