"""`/v1/board`: what everyone may see of the lots that wait for a buyer."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from catalogue.fields import AdcodeBeginning, ProduceSlug
from chassis.clock import database_now
from chassis.event_stream import EventStream, stream_of
from chassis.fields import Limit, Page
from chassis.photos import AS_JPEG, public_jpeg
from chassis.problems import FieldError, InvalidInput, Text
from chassis.routes import Db, Read, slice_router
from services.listing.board import queries, service
from services.listing.board.schemas import BoardItem, BoardSummary, LotCount
from services.listing.listings.queries import photo_ids_of
from services.listing.photos.queries import Size

router = slice_router("/v1/board", tag="board")
SUMMARY_CACHE = f"public, max-age={service.TOTALS_S:.0f}"


def cursor(after: Annotated[str | None, Query(max_length=80)] = None) -> queries.BoardPlace | None:
    try:
        return queries.BoardPlace.parse(after) if after else None
    except ValueError as error:
        text = Text("请使用上一页给出的 next。", "Send the `next` of the page before.")
        raise InvalidInput(errors=[FieldError("#/query/after", text)]) from error


@router.get("")
async def read_board(
    session: Read,
    after: Annotated[queries.BoardPlace | None, Depends(cursor)],
    produce: ProduceSlug | None = None,
    adcode: AdcodeBeginning | None = None,
    q: Annotated[str | None, Query(max_length=100)] = None,
    limit: Limit = 50,
) -> Page[BoardItem]:
    """Open lots, the most urgent first; `adcode` may be a province's or prefecture's beginning."""
    rows = await queries.most_urgent(session, produce=produce, adcode=adcode, q=q, after=after, limit=limit + 1)
    now, photos = await database_now(session), await photo_ids_of(session, [row.id for row in rows])
    items = [BoardItem.of(row, now, photos.get(row.id, ())) for row in rows]
    return Page.of(items, limit, lambda last: queries.BoardPlace(last.spoils_at, last.id))


@router.get("/summary", response_model=BoardSummary)
async def read_board_summary(
    request: Request, db: Db, produce: ProduceSlug | None = None, adcode: AdcodeBeginning | None = None
) -> Response:
    """What is open in all, and how it is spread over counties and produce; a few seconds old at most."""
    totals: service.Totals = request.app.state.board_totals
    told = await totals.summary(db, produce, adcode)
    return Response(told, media_type="application/json", headers={"Cache-Control": SUMMARY_CACHE})


@router.get("/{listing_id}")
async def read_board_item(listing_id: UUID, session: Read) -> BoardItem:
    """One open lot."""
    lot, photos = await service.find(session, listing_id), await photo_ids_of(session, [listing_id])
    return BoardItem.of(lot, await database_now(session), photos.get(lot.id, ()))


@router.get("/{listing_id}/photos/{photo_id}", response_class=Response, responses=AS_JPEG)
async def read_board_photo(listing_id: UUID, photo_id: UUID, request: Request, db: Db, size: Size = "full") -> Response:
    """A photo of an open lot."""
    content = await service.photo(db, request.app.state.smaller, listing_id, photo_id, size)
    return public_jpeg(request, content, f"{photo_id}-{size}")


@router.get("/{listing_id}/stream", **stream_of(LotCount))
async def follow_board_item(request: Request, listing_id: UUID, db: Db) -> EventStream:
    """The live counter of one open lot, until it is closed."""
    return await service.follow(request.app.state.streams, db, listing_id)
