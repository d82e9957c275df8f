"""`/backlog`: what waits for a buyer, what of it will spoil unsold, where, and which lots; for supervisors."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request
from fastapi.responses import HTMLResponse, Response

from catalogue.places import Level
from gateway.pages.backlog import reading
from gateway.pages.backlog.reading import Asked
from gateway.pages.backlog.table import as_csv
from gateway.pages.reader import Reader, page_router, reader_who_is
from gateway.pages.render import page

router = page_router()
Supervisor = Annotated[Reader, Depends(reader_who_is("supervisor"))]
Line = Annotated[str, Query(max_length=200)]


def _asked(level: Level = Level.COUNTY, produce: Line = "", adcode: Line = "", after: Line = "") -> Asked:
    return Asked(level, produce, adcode, after)


def _asked_of_area(adcode: Annotated[str, Path(pattern=r"^[0-9]{6}$")], produce: Line = "", after: Line = "") -> Asked:
    return Asked(Level.COUNTY, produce, adcode, after)


@router.get("/backlog")
async def barometer(request: Request, reader: Supervisor, asked: Annotated[Asked, Depends(_asked)]) -> HTMLResponse:
    return page(
        request,
        "backlog/barometer.html",
        backlog=await reading.read_barometer(reader, asked),
        asked=asked,
        kinds=reading.produce_options(reader.language),
        provinces=reading.province_options(),
    )


@router.get("/backlog/table.csv")
async def table(reader: Supervisor, asked: Annotated[Asked, Depends(_asked)]) -> Response:
    rows = await reading.read_table(reader, asked)
    headers = {"Content-Disposition": 'attachment; filename="backlog.csv"', "Cache-Control": "private, no-store"}
    return Response(as_csv(rows, reader.language), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/backlog/{adcode}")
async def area(
    request: Request,
    reader: Supervisor,
    asked: Annotated[Asked, Depends(_asked_of_area)],
    why: UUID | None = None,
) -> HTMLResponse:
    return page(
        request,
        "backlog/area.html",
        backlog=await reading.read_area(reader, asked, why),
        asked=asked,
        kinds=reading.produce_options(reader.language),
    )
