"""The pages: where to go, the public board, the reference, and what a problem means."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from chassis.auth import Caller, only
from chassis.problems import NotFound
from chassis.routes import Read, slice_router
from gateway.accounts import service
from gateway.pages.board import read_board
from gateway.pages.operations import read_reference
from gateway.pages.problems import find_problem
from gateway.pages.render import STATIC, page, reader_language
from gateway.pages.sheet import parties, read_plan, sheets, vehicle_names

router = APIRouter(include_in_schema=False)
sheets_router = slice_router("/v1/routes", tag="routes")

Text = Annotated[str | None, Query(max_length=100)]


@router.get("/")
async def home(request: Request) -> HTMLResponse:
    return page(request, "home.html")


@router.get("/board")
async def board(
    request: Request, q: Text = None, produce: Text = None, adcode: Text = None, after: Text = None
) -> HTMLResponse:
    asked = {"q": q, "produce": produce, "adcode": adcode, "after": after}
    query = {name: value for name, value in asked.items() if value}
    found = await read_board(request.app.state.upstreams.get("listing"), query, reader_language(request))
    return page(request, "board.html", found.status, board=found, asked=query)


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    document = await request.app.state.surface.document()
    return page(request, "docs.html", reference=read_reference(document, reader_language(request)))


@sheets_router.get("/{plan_id}/sheet", response_class=HTMLResponse)
async def read_sheet(
    plan_id: UUID,
    caller: Annotated[Caller, Depends(only("carrier"))],
    request: Request,
    session: Read,
) -> HTMLResponse:
    """A planned route to print for its drivers, a page a vehicle: stops, masses, whom to ask for; phones are masked."""
    logistics, authorization = request.app.state.upstreams.get("logistics"), request.headers["authorization"]
    plan = await read_plan(logistics, plan_id, authorization)
    names = await vehicle_names(logistics, plan, authorization)
    contacts = await service.contacts(session, request.app.state.sign_in.vault, parties(plan))
    made = sheets(plan, names, contacts, reader_language(request))
    return page(request, "sheet.html", plan=plan, sheets=made)


async def problem(request: Request) -> HTMLResponse:
    """`/problems/<slug>`, wherever it is drawn. In front of the routes, so it is no part of the router."""
    slug = request.path_params["slug"]
    about = await find_problem(slug, request.app.state.upstreams.values())
    if about is None:
        raise NotFound()
    return page(request, "problem.html", problem=about)


class _Cached(StaticFiles):
    """Files that a browser keeps: their addresses change with their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def static_files() -> StaticFiles:
    return _Cached(directory=STATIC)
