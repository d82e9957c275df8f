"""`/v1/listings`: a producer, or an agent for them, posts lots and keeps them.

What is posted while a commit is under way shares the next one.
"""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from catalogue.fields import AdcodeBeginning, ProduceSlug
from chassis.auth import Caller, only
from chassis.db import WriteSession
from chassis.fields import Limit, Page
from chassis.grouping import TOGETHER, created, group_of
from chassis.importing import AS_IMPORT, FileRoute
from chassis.problems import Problem
from chassis.routes import IdempotencyKey, IfMatch, Read, Write, set_etag, slice_router
from services.listing.listings import queries, service
from services.listing.listings.importing import IMPORTER
from services.listing.listings.models import Listing, Status
from services.listing.listings.schemas import ListingChange, ListingOut, NewListing

router = slice_router("/v1/listings", tag="listings")
import_router = slice_router("/v1/listings", tag="listings", route_class=FileRoute)
Seller = Annotated[Caller, Depends(only("producer", "agent"))]


@router.post("", status_code=201, response_model=ListingOut)
async def publish_listing(new: NewListing, caller: Seller, request: Request, _: IdempotencyKey = None) -> Response:
    """Offer a lot."""
    return await group_of(request, "listings", _publish, limit=TOGETHER).submit(request, caller, new)


@import_router.post("/import", **AS_IMPORT)
async def import_listings(caller: Seller, request: Request, _: IdempotencyKey = None) -> Response:
    """Offer lots by the file; a line of the answer tells of each row."""
    return await IMPORTER.take(request, caller)


@router.get("")
async def list_listings(
    caller: Seller,
    session: Read,
    status: Status | None = None,
    produce: ProduceSlug | None = None,
    adcode: AdcodeBeginning | None = None,
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
    photo_ids = await queries.photo_ids_of(session, [row.id for row in rows])
    items = [ListingOut.of(row, photo_ids.get(row.id, ())) for row in rows]
    return Page.of(items, limit, lambda last: last.id)


@router.get("/{listing_id}")
async def read_listing(listing_id: UUID, caller: Seller, session: Read, response: Response) -> ListingOut:
    """One of your listings, with its version as ETag."""
    listing = await service.find(session, caller, listing_id)
    return await _shown(session, listing, response)


@router.patch("/{listing_id}")
async def change_listing(
    listing_id: UUID, wanted: ListingChange, caller: Seller, version: IfMatch, session: Write, response: Response
) -> ListingOut:
    """Change quantity, floor price, times, story or consent; If-Match carries the version you read."""
    listing = await service.change(session, caller, listing_id, version, wanted)
    return await _shown(session, listing, response)


@router.post("/{listing_id}/withdraw", status_code=200)
async def withdraw_listing(listing_id: UUID, caller: Seller, session: Write, response: Response) -> ListingOut:
    """Take a lot off the market; matches agreed before stand."""
    listing = await service.withdraw(session, caller, listing_id)
    return await _shown(session, listing, response)


async def _shown(session: AsyncSession, listing: Listing, response: Response) -> ListingOut:
    """With its photos, and its version as ETag."""
    set_etag(response, listing.version)
    photo_ids = await queries.photo_ids_of(session, [listing.id])
    return ListingOut.of(listing, photo_ids.get(listing.id, ()))


async def _publish(session: WriteSession, requests: Sequence[tuple[Caller, NewListing]]) -> list[Response | Problem]:
    listings = await service.publish(session, requests)
    return [
        each if isinstance(each, Problem) else created(ListingOut.of(each), each.version, f"/v1/listings/{each.id}")
        for each in listings
    ]
