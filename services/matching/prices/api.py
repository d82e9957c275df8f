"""`/v1/prices`: what is paid at the farm gate just now."""

from typing import Annotated

from fastapi import Depends, Request, Response

from catalogue.fields import ProduceSlug
from chassis.auth import AnyCaller
from chassis.fields import Page
from chassis.routes import Db, slice_router
from services.matching.prices.schemas import PriceOut
from services.matching.prices.service import PriceBoard

router = slice_router("/v1/prices", tag="matches")
CACHE = "private, max-age=60"


def _board(request: Request) -> PriceBoard:
    board: PriceBoard = request.app.state.prices
    return board


@router.get("")
async def list_prices(
    caller: AnyCaller,
    db: Db,
    board: Annotated[PriceBoard, Depends(_board)],
    response: Response,
    produce: ProduceSlug | None = None,
) -> Page[PriceOut]:
    """What produce goes for, by the matches that were made in the last 14 days."""
    response.headers["Cache-Control"] = CACHE
    return Page(items=[PriceOut.of(each) for each in await board.paid(db, produce)], next=None)
