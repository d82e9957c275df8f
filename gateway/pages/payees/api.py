"""What is claimed back from those who are paid, carriers and producers, on pages of their own; and their objection."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from gateway.pages.forms import NOTHING_TRIED, Form, Tried
from gateway.pages.payees import service, views
from gateway.pages.payees.views import CARRIERS, PRODUCERS
from gateway.pages.reader import Reader, page_router, reader_who_is
from gateway.pages.render import page

router = page_router()

Payee = Annotated[Reader, Depends(reader_who_is("carrier", "producer"))]
After = Annotated[str | None, Query(max_length=100)]
OF_CARRIERS, OF_PRODUCERS = [Depends(reader_who_is("carrier"))], [Depends(reader_who_is("producer"))]


@router.get(CARRIERS, dependencies=OF_CARRIERS)
@router.get(PRODUCERS, dependencies=OF_PRODUCERS)
async def clawbacks(request: Request, reader: Payee, after: After = None) -> HTMLResponse:
    return page(request, "payees/clawbacks.html", shown=await views.read_clawbacks(reader, after))


@router.get(f"{CARRIERS}/{{clawback_id}}", dependencies=OF_CARRIERS)
@router.get(f"{PRODUCERS}/{{clawback_id}}", dependencies=OF_PRODUCERS)
async def clawback(request: Request, clawback_id: UUID, reader: Payee) -> HTMLResponse:
    return await _clawback(request, clawback_id, reader, NOTHING_TRIED)


@router.post(f"{CARRIERS}/{{clawback_id}}", dependencies=OF_CARRIERS)
@router.post(f"{PRODUCERS}/{{clawback_id}}", dependencies=OF_PRODUCERS)
async def object_to(request: Request, clawback_id: UUID, reader: Payee, typed: Form) -> Response:
    tried = Tried("object", typed, await service.object_to(reader.api, clawback_id, typed))
    if tried.status < 400:
        return RedirectResponse(f"{views.home_of(reader)}/{clawback_id}", 303)
    return await _clawback(request, clawback_id, reader, tried)


async def _clawback(request: Request, clawback_id: UUID, reader: Reader, tried: Tried) -> HTMLResponse:
    shown = await views.read_clawback(reader, clawback_id)
    return page(request, "payees/clawback.html", tried.status, shown=shown, tried=tried)
