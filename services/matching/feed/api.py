"""`/v1/feed`: what happens to your matches, in order and without a gap."""

from typing import Annotated

from fastapi import Depends, Request, Response

from chassis.auth import Caller, only
from chassis.event_stream import EventStream, stream_of
from chassis.feed import After
from chassis.fields import Limit
from chassis.following import ResumeAfter, follow
from chassis.routes import Db, slice_router
from chassis.sealed import SealedRoute
from services.matching.feed.models import FEED
from services.matching.feed.schemas import FeedItem, FeedPage

router = slice_router("/v1/feed", tag="feed", route_class=SealedRoute)
Party = Annotated[Caller, Depends(only("producer", "agent", "platform", "group_leader", "citizen"))]
"""Who can have matches; of the others none would ever come."""


@router.get("/matches", response_model=FeedPage)
async def read_feed(caller: Party, db: Db, after: After = 0, limit: Limit = 50) -> Response:
    """Your own feed behind `after`. A full page of the same `after` and `limit` is the same bytes for ever."""
    page = await FEED.page(db, caller.account_id, after, limit)
    return Response(page.body, media_type="application/json", headers=page.headers)


@router.get("/matches/stream", **stream_of(FeedItem))
async def follow_feed(request: Request, caller: Party, db: Db, after: ResumeAfter) -> EventStream:
    """The same as server-sent events, for as long as the token is good."""
    return await follow(request, db, FEED, caller, caller.account_id, after)
