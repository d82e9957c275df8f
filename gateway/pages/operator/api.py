"""`/operator`: rounds, what is late, what is wrong; for whoever runs it."""

from typing import Annotated

from fastapi import Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from chassis.routes import Db
from gateway.pages.operator import reading, timer
from gateway.pages.reader import Reader, page_router, reader_who_is
from gateway.pages.render import page

router = page_router()
Operator = Annotated[Reader, Depends(reader_who_is())]
Line = Annotated[str, Query(max_length=200)]


@router.get("/operator")
async def operator(request: Request, reader: Operator, db: Db, after: Line = "") -> HTMLResponse:
    whole = await reading.read_whole(reader, request.app.state.upstreams, db, after)
    return page(request, "operator/operator.html", whole=whole, timer=timer.as_it_is(whole.interval_s), after=after)


@router.post("/operator/interval")
async def set_interval(
    request: Request, reader: Operator, db: Db, seconds: Annotated[str, Form(max_length=40)] = ""
) -> Response:
    changed = await timer.change(reader.api, seconds)
    return RedirectResponse("/operator", 303) if changed.is_set else await _again(request, reader, db, changed)


async def _again(request: Request, reader: Reader, db: Db, changed: timer.Timer) -> HTMLResponse:
    whole = await reading.read_whole(reader, request.app.state.upstreams, db, "")
    shown = {"whole": whole, "timer": changed, "after": ""}
    return page(request, "operator/operator.html", changed.status, here="/operator", **shown)
