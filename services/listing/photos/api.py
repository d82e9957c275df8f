"""`/v1/listings/{id}/photos`: a producer, or an agent for them, shows what a lot looks like."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from chassis.auth import Caller, only
from chassis.fields import Page
from chassis.images import THUMBNAIL_PX, Photo, reencoded
from chassis.photos import AS_JPEG, CleanPhoto, private_jpeg
from chassis.routes import Db, PhotoRoute, Read, Write, set_location, slice_router
from services.listing.photos import service
from services.listing.photos.queries import Size
from services.listing.photos.schemas import ListingPhotoOut

router = slice_router("/v1/listings/{listing_id}/photos", tag="listings", route_class=PhotoRoute)
Seller = Annotated[Caller, Depends(only("producer", "agent"))]


async def _thumbnail(photo: CleanPhoto) -> Photo:
    return await reencoded(photo.content, THUMBNAIL_PX)


@router.post("", status_code=201)
async def show_listing(
    listing_id: UUID,
    caller: Seller,
    photo: CleanPhoto,
    thumbnail: Annotated[Photo, Depends(_thumbnail)],
    session: Write,
    response: Response,
) -> ListingPhotoOut:
    """Show a photo of your lot to who might buy it; a form with `photo`. Its location is taken out of it."""
    shown = await service.show(session, caller, listing_id, photo, thumbnail)
    set_location(response, f"/v1/listings/{listing_id}/photos/{shown.id}")
    return ListingPhotoOut.model_validate(shown)


@router.get("")
async def list_listing_photos(listing_id: UUID, caller: Seller, session: Read) -> Page[ListingPhotoOut]:
    """The photos of your lot, in the order of their coming."""
    rows = await service.photos(session, caller, listing_id)
    return Page(items=[ListingPhotoOut.model_validate(row) for row in rows], next=None)


@router.get("/{photo_id}", response_class=Response, responses=AS_JPEG)
async def read_listing_photo(
    listing_id: UUID, photo_id: UUID, caller: Seller, request: Request, db: Db, size: Size = "full"
) -> Response:
    """One photo of your lot."""
    smaller: service.Smaller = request.app.state.smaller
    return private_jpeg(await service.content(db, smaller, caller, listing_id, photo_id, size))


@router.delete("/{photo_id}", status_code=200)
async def remove_listing_photo(listing_id: UUID, photo_id: UUID, caller: Seller, session: Write) -> dict[str, UUID]:
    """Show it no more."""
    await service.remove(session, caller, listing_id, photo_id)
    return {"id": photo_id}
