"""`/v1/matches`: both sides see what was put together, and say yes or no where they have not beforehand."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from chassis.auth import Caller, only
from chassis.fields import Limit, Page
from chassis.known import UNLESS_KNOWN
from chassis.routes import Read, Write, set_etag, slice_router
from contracts.matches import MatchStatus
from services.matching.feed.schemas import MatchOut
from services.matching.matches import queries, service
from services.matching.matches.schemas import Declined
from services.matching.orders.schemas import OrderOut

router = slice_router("/v1/matches", tag="matches")
orders_router = slice_router("/v1/orders", tag="orders")
Party = Annotated[Caller, Depends(only("producer", "agent", "platform", "group_leader", "citizen"))]
Buyer = Annotated[Caller, Depends(only("platform", "group_leader", "citizen"))]


@router.get("")
async def list_matches(
    caller: Party,
    session: Read,
    status: MatchStatus | None = None,
    listing_id: UUID | None = None,
    order_id: UUID | None = None,
    after: UUID | None = None,
    limit: Limit = 50,
) -> Page[MatchOut]:
    """Your own matches, newest first."""
    rows = await queries.matches_of(
        session,
        caller.owner_id,
        status=status,
        listing_id=listing_id,
        order_id=order_id,
        before=after,
        limit=limit + 1,
    )
    return Page.of([service.seen_by(caller, row) for row in rows], limit, lambda last: last.id)


@router.get("/{match_id}", dependencies=[UNLESS_KNOWN])
async def read_match(match_id: UUID, caller: Party, session: Read, response: Response) -> MatchOut:
    """One of your matches, with its version as ETag."""
    match = await service.find(session, caller, match_id)
    set_etag(response, match.version)
    return service.seen_by(caller, match)


@router.post("/{match_id}/agree", status_code=200)
async def agree_to_match(match_id: UUID, caller: Party, session: Write, response: Response) -> MatchOut:
    """Say yes; twice is the same."""
    match = await service.agree(session, caller, match_id)
    set_etag(response, match.version)
    return service.seen_by(caller, match)


@router.post("/{match_id}/decline", status_code=200)
async def decline_match(
    match_id: UUID, caller: Party, session: Write, response: Response, why: Declined | None = None
) -> MatchOut:
    """Say no to a proposed match; the pair waits until one side changes price, quantity or window."""
    match = await service.decline(session, caller, match_id, why.reason if why else None)
    set_etag(response, match.version)
    return service.seen_by(caller, match)


@orders_router.post("/{order_id}/cancel", status_code=200)
async def cancel_order(order_id: UUID, caller: Buyer, session: Write, response: Response) -> OrderOut:
    """Want no more: proposed matches are released, agreed ones stand."""
    order = await service.cancel_order(session, caller, order_id)
    set_etag(response, order.version)
    return OrderOut.of(order)
