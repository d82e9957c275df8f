"""What everyone may do on the board."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.problems import NotFound
from services.listing.board import queries
from services.listing.listings.models import Listing


async def find(session: AsyncSession, listing_id: UUID) -> Listing:
    """An open lot. Raises NotFound."""
    listing = await queries.on_board(session, listing_id)
    if listing is None:
        raise NotFound()
    return listing
