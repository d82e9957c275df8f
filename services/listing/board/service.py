"""What everyone may do on the board."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.problems import NotFound
from services.listing.board import queries
from services.listing.listings.models import Listing
from services.listing.photos import service as photos
from services.listing.photos.queries import Size, content_of


async def find(session: AsyncSession, listing_id: UUID) -> Listing:
    """An open lot. Raises NotFound."""
    listing = await queries.on_board(session, listing_id)
    if listing is None:
        raise NotFound()
    return listing


async def photo(session: AsyncSession, listing_id: UUID, photo_id: UUID, size: Size) -> bytes:
    """The JPEG, while its lot is on the board. Raises NotFound."""
    listing = await find(session, listing_id)
    return photos.found(await content_of(session, listing.id, photo_id, size))
