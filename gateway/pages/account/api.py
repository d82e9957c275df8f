"""`/account`: one's own name, sessions and data, for whoever is signed in."""

from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from chassis.auth import AnyCaller
from chassis.routes import Db, Read
from gateway.accounts.api import Desk
from gateway.limits import Brake
from gateway.pages.account import service
from gateway.pages.account.service import Said
from gateway.pages.cookies import remember
from gateway.pages.ordering import Line
from gateway.pages.reader import AnyReader, page_router
from gateway.pages.render import page
from gateway.personal.api import AS_FILE, Forgotten, export_me

router = page_router()


@router.get("/account")
async def account(
    request: Request, caller: AnyCaller, desk: Desk, session: Read, done: Literal["", "name", "session"] = ""
) -> HTMLResponse:
    """`done` is what one comes back from."""
    shown = await service.shown(session, desk.vault, caller)
    return page(request, "account/account.html", here="/account", shown=shown, said=Said(), done=done)


async def _said(request: Request, caller: AnyCaller, desk: Desk, db: Db, said: Said) -> HTMLResponse:
    async with db.reading() as session:
        shown = await service.shown(session, desk.vault, caller)
    return page(request, "account/account.html", said.status, here="/account", shown=shown, said=said, done="")


@router.post("/account")
async def rename(
    request: Request, caller: AnyCaller, desk: Desk, db: Db, version: Annotated[int, Form()], name: Line = ""
) -> Response:
    said = await service.rename(db, desk.vault, caller.account_id, version, name.strip())
    return _back("name") if said.done else await _said(request, caller, desk, db, said)


@router.post("/account/sessions")
async def end_sessions(
    request: Request, caller: AnyCaller, db: Db, session_id: Annotated[UUID | None, Form()] = None
) -> Response:
    """That one, or all."""
    out = await service.end_sessions(db, caller, session_id)
    return _out(request) if out else _back("session")


@router.post("/account/erase")
async def ask_to_erase(
    request: Request, caller: AnyCaller, reader: AnyReader, desk: Desk, db: Db, brake: Brake
) -> HTMLResponse:
    said = await service.ask_to_erase(db, desk, brake, caller.account_id, reader.language)
    return await _said(request, caller, desk, db, said)


@router.post("/account/erased")
async def erase(
    request: Request,
    caller: AnyCaller,
    desk: Desk,
    db: Db,
    brake: Brake,
    forgotten: Forgotten,
    code: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    said = await service.erase(db, desk, brake, caller.account_id, code.strip(), forgotten)
    return _out(request) if said.done else await _said(request, caller, desk, db, said)


@router.get("/account/erase")
@router.get("/account/erased")
@router.get("/account/sessions")
async def back(request: Request) -> Response:
    """Where a form was sent to is no page of its own; a language that is chosen there goes along."""
    return RedirectResponse(f"/account?{request.url.query}".rstrip("?"), 303)


router.add_api_route("/account/export", export_me, methods=["GET"], responses=AS_FILE)


def _out(request: Request) -> Response:
    response = RedirectResponse("/", 303)
    remember(request, response, None)
    return response


def _back(done: Literal["name", "session"]) -> Response:
    return RedirectResponse(f"/account?{urlencode({'done': done})}", 303)
