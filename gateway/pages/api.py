"""The pages: where to go, the public board, the reference."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from gateway.pages.board import read_board
from gateway.pages.operations import by_tag
from gateway.pages.render import STATIC, page, reader_language

router = APIRouter(include_in_schema=False)

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
    return page(request, "docs.html", groups=by_tag(document), about=document["info"]["description"])


class _Cached(StaticFiles):
    """Files that a browser keeps: their addresses change with their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def static_files() -> StaticFiles:
    return _Cached(directory=STATIC)
