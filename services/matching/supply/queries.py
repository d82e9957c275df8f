"""Reading supply."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, literal, select

from chassis.db import WriteSession
from services.matching.supply.models import Supply


async def locked_supply(session: WriteSession, listing_ids: Collection[UUID]) -> Sequence[Supply]:
    """These rows as they are now, locked in the order of their ids. Supply is locked before orders, before matches."""
    wanted = (
        select(Supply)
        .where(Supply.listing_id == any_(literal(list(listing_ids), ARRAY(Uuid))))
        .order_by(Supply.listing_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(wanted)).all()
