"""What supply does: it follows the listings, as far as promises already made allow."""

from collections.abc import Sequence

from sqlalchemy.dialects.postgresql import insert

from chassis.db import WriteSession
from contracts.listings import ListingEvent
from services.matching.markets import mark_changed
from services.matching.supply import queries
from services.matching.supply.models import Supply


async def hear_of_listings(session: WriteSession, news: Sequence[ListingEvent]) -> None:
    """Apply the newest state of each listing; what is older than applied changes nothing.

    What matching made of it is told when the figures changed, and when a quantity had to be clamped.
    """
    newest = {each.listing_id: each for each in sorted(news, key=lambda each: each.version)}
    rows = [Supply.row_of(newest[listing_id]) for listing_id in sorted(newest)]
    if not rows:
        return
    first = insert(Supply).values(rows).on_conflict_do_nothing().returning(Supply)
    added = (await session.scalars(first)).all()
    session.emit(*(supply.told() for supply in added))
    known = newest.keys() - {supply.listing_id for supply in added}
    locked = await queries.locked_supply(session, known) if known else []
    changed = [supply for supply in locked if _follow(session, supply, newest[supply.listing_id])]
    await mark_changed(
        session, [(each.produce, each.listing_id) for each in [*added, *changed] if each.status == "open"]
    )


def _follow(session: WriteSession, supply: Supply, event: ListingEvent) -> bool:
    quantity_g = supply.quantity_g
    if not supply.hear(event):
        return False
    clamped = supply.quantity_g != event.quantity_g
    if clamped or supply.quantity_g != quantity_g:
        session.emit(supply.tell())
    return True
