"""What matching need not remember any more of matches that have ended and of sides that have closed."""

from sqlalchemy import and_, exists, or_

from chassis.db import Database
from chassis.retention import delete_in_batches
from services.matching.matches.models import MATCH_DELIVERIES, REFUSED_PAIRS, Match
from services.matching.orders.models import Order
from services.matching.supply.models import Supply


async def forget_refusals(db: Database) -> int:
    """Delete what no longer keeps a pair apart: a side has closed for good, or has newer terms than it said no to."""
    refused = REFUSED_PAIRS.c
    # newer, not other: a no that another transaction writes just now may be at terms that this one does not see yet
    supply_moved = or_(Supply.status != "open", Supply.terms > refused.listing_terms)
    order_moved = or_(Order.lifecycle != "open", Order.terms > refused.order_terms)
    idle = or_(
        exists().where(Supply.listing_id == refused.listing_id, supply_moved),
        exists().where(Order.id == refused.order_id, order_moved),
    )
    return await delete_in_batches(db, REFUSED_PAIRS, idle)


async def forget_deliveries(db: Database) -> int:
    """Delete what the parcels of ended matches brought: it is summed only to end one, and none ends twice.

    News of such a parcel that comes later writes its row again, and it goes again.
    """
    ended = and_(Match.id == MATCH_DELIVERIES.c.match_id, Match.status.in_(("fulfilled", "released")))
    return await delete_in_batches(db, MATCH_DELIVERIES, exists().where(ended))
