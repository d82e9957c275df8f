"""`/v1/feed/shipments`: what happens to shipments, in order and without a gap."""

from typing import Annotated

from fastapi import Depends, Request, Response

from chassis.auth import Caller, only
from chassis.event_stream import EventStream, stream_of
from chassis.feed import After
from chassis.fields import Limit
from chassis.following import ResumeAfter, follow
from chassis.routes import Db, slice_router
from chassis.sealed import SealedRoute
from services.logistics.feed.models import ANY_CARRIER, FEED
from services.logistics.feed.schemas import ShipmentFeedItem, ShipmentFeedPage

router = slice_router("/v1/feed/shipments", tag="feed", route_class=SealedRoute)
Carrier = Annotated[Caller, Depends(only("carrier"))]
Party = Annotated[Caller, Depends(only("carrier", "producer", "agent", "platform", "group_leader", "citizen"))]


@router.get("", response_model=ShipmentFeedPage)
async def read_shipment_feed(caller: Party, db: Db, after: After = 0, limit: Limit = 50) -> Response:
    """What happened to your shipments behind `after`. A full page of the same `after` and `limit` never changes."""
    page = await FEED.page(db, caller.account_id, after, limit)
    return Response(page.body, media_type="application/json", headers=page.headers)


@router.get("/open", response_model=ShipmentFeedPage)
async def read_open_shipments_feed(caller: Carrier, db: Db, after: After = 0, limit: Limit = 50) -> Response:
    """What came to be claimed, and what no longer is, behind `after`: the same for every carrier."""
    page = await FEED.page(db, ANY_CARRIER, after, limit)
    return Response(page.body, media_type="application/json", headers=page.headers)


@router.get("/stream", **stream_of(ShipmentFeedItem))
async def follow_shipment_feed(request: Request, caller: Party, db: Db, after: ResumeAfter) -> EventStream:
    """What happens to your shipments as server-sent events, for as long as the token is good."""
    return await follow(request, db, FEED, caller, caller.account_id, after)


@router.get("/open/stream", **stream_of(ShipmentFeedItem))
async def follow_open_shipments_feed(request: Request, caller: Carrier, db: Db, after: ResumeAfter) -> EventStream:
    """What there is to claim, the same for every carrier, as server-sent events."""
    return await follow(request, db, FEED, caller, ANY_CARRIER, after)
