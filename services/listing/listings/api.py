"""`/v1/listings`: a producer, or an agent for them, posts lots and keeps them."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from chassis.auth import Caller, only
from chassis.fields import Limit, Page
from chassis.routes import IfMatch, Read, Write, set_etag, slice_router
from services.listing.listings import queries, service
from services.listing.listings.models import Status
from services.listing.listings.schemas import ListingChange, ListingOut, NewListing

router = slice_router("/v1/listings", tag="listings")
Seller = Annotated[Caller, Depends(only("producer", "agent"))]


@router.post("", status_code=201)
async def publish_listing(new: NewListing, caller: Seller, session: Write, response: Response) -> ListingOut:
    """Offer a lot."""
    listing = await service.publish(session, caller, new)
    set_etag(response, listing.version)
    return ListingOut.of(listing)


@router.get("")
async def list_listings(
    caller: Seller,
    session: Read,
    status: Status | None = None,
    produce: str | None = None,
    adcode: str | None = None,
    after: UUID | None = None,
    limit: Limit = 50,
) -> Page[ListingOut]:
    """Your own listings, newest first."""
    rows = await queries.listings_of(
        session,
        await service.visible_producers(session, caller),
        status=status,
        produce=produce,
        adcode=adcode,
        before=after,
        limit=limit + 1,
    )
    return Page.of([ListingOut.of(row) for row in rows], limit, lambda last: last.id)


@router.get("/{listing_id}")
async def read_listing(listing_id: UUID, caller: Seller, session: Read, response: Response) -> ListingOut:
    """One of your listings, with its version as ETag."""
    listing = await service.find(session, caller, listing_id)
    set_etag(response, listing.version)
    return ListingOut.of(listing)


@router.patch("/{listing_id}")
async def change_listing(
    listing_id: UUID, wanted: ListingChange, caller: Seller, version: IfMatch, session: Write, response: Response
) -> ListingOut:
    """Change quantity, floor price, times, story or consent; If-Match carries the version you read."""
    listing = await service.change(session, caller, listing_id, version, wanted)
    set_etag(response, listing.version)
    return ListingOut.of(listing)


@router.post("/{listing_id}/withdraw", status_code=200)
async def withdraw_listing(listing_id: UUID, caller: Seller, session: Write, response: Response) -> ListingOut:
    """Take a lot off the market; matches agreed before stand."""
    listing = await service.withdraw(session, caller, listing_id)
    set_etag(response, listing.version)
    return ListingOut.of(listing)
