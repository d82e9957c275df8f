"""`/v1/board`: what everyone may see of the lots that wait for a buyer."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request

from chassis.fields import Limit, Page
from chassis.problems import FieldError, InvalidInput, Text
from chassis.routes import Db, Read, slice_router
from chassis.streams import EventStream, stream_of
from services.listing.board import queries, service
from services.listing.board.schemas import BoardItem, LotCount
from services.listing.listings.queries import database_now

router = slice_router("/v1/board", tag="board")


def cursor(after: Annotated[str | None, Query(max_length=80)] = None) -> queries.Place | None:
    try:
        return queries.Place.parse(after) if after else None
    except ValueError as error:
        text = Text("请使用上一页给出的 next。", "Send the `next` of the page before.")
        raise InvalidInput(errors=[FieldError("#/query/after", text)]) from error


@router.get("")
async def read_board(
    session: Read,
    after: Annotated[queries.Place | None, Depends(cursor)],
    produce: Annotated[str | None, Query(max_length=100)] = None,
    adcode: Annotated[str | None, Query(pattern=r"^\d{2,6}$")] = None,
    q: Annotated[str | None, Query(max_length=100)] = None,
    limit: Limit = 50,
) -> Page[BoardItem]:
    """Open lots, the most urgent first; `adcode` may be a province's or prefecture's beginning."""
    rows = await queries.most_urgent(session, produce=produce, adcode=adcode, q=q, after=after, limit=limit + 1)
    now = await database_now(session)
    items = [BoardItem.of(row, now) for row in rows]
    return Page.of(items, limit, lambda last: queries.Place(last.spoils_at, last.id))


@router.get("/{listing_id}")
async def read_board_item(listing_id: UUID, session: Read) -> BoardItem:
    """One open lot."""
    return BoardItem.of(await service.find(session, listing_id), await database_now(session))


@router.get("/{listing_id}/stream", **stream_of(LotCount))
async def follow_board_item(request: Request, listing_id: UUID, db: Db) -> EventStream:
    """The live counter of one open lot, until it is closed."""
    return await service.follow(request.app.state.streams, db, listing_id)
