"""`/v1/produce` and `/v1/places`: the names and codes that everything else is written in. Public."""

from typing import Annotated

from fastapi import Query, Response

from chassis.fields import Limit, Page
from chassis.routes import slice_router
from gateway.reference import service
from gateway.reference.schemas import PlaceOut, ProduceOut

router = slice_router("/v1", tag="reference")

Wanted = Annotated[str, Query(max_length=100, examples=["草莓", "泗阳"])]
After = Annotated[str | None, Query(max_length=100)]
CACHE = "public, max-age=3600"


@router.get("/produce")
async def find_produce(response: Response, q: Wanted = "", after: After = None, limit: Limit = 50) -> Page[ProduceOut]:
    """Produce by slug, Chinese or English name, or part of one; all of it without `q`."""
    response.headers["Cache-Control"] = CACHE
    found = service.find_produce(q, after, limit)
    return Page.of([ProduceOut.of(item) for item in found], limit, lambda last: last.slug)


@router.get("/places")
async def find_places(response: Response, q: Wanted = "", after: After = None, limit: Limit = 50) -> Page[PlaceOut]:
    """Counties by adcode (or its beginning) or name; suffixes may be left out, and former names count."""
    response.headers["Cache-Control"] = CACHE
    found = service.find_places(q, after, limit)
    return Page.of([PlaceOut.of(item) for item in found], limit, lambda last: last.adcode)
