"""Signing in and out: by a code to one's phone, with a key, and with one click as somebody of the demonstration."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import AfterValidator

from chassis.routes import Db
from contracts.accounts import Role
from gateway.accounts.api import Desk
from gateway.limits import Brake
from gateway.pages.cookies import SESSION, remember
from gateway.pages.navigation import goes_with, home_of, role_at
from gateway.pages.reader import SIGN_IN, AnyReader, own_path, page_router
from gateway.pages.render import page
from gateway.pages.signing import service
from gateway.pages.signing.guests import Guest, NoGuest, guests_for
from gateway.pages.signing.service import Asked, Key, Step
from gateway.sessions.service import Granted, revoke

router = page_router()

NEW_HERE: tuple[Role, ...] = ("citizen", "group_leader", "producer", "agent")
"""What one may become with a phone alone."""
Line = Annotated[str, Form(max_length=200)]
TO_MAX_CHARS = 1000


def _kept(to: str) -> str:
    """Who wants to go on to something endless signs in all the same, and goes where their work begins."""
    return to if len(to) <= TO_MAX_CHARS else ""


Next = Annotated[str, AfterValidator(_kept), Query()]
To = Annotated[str, AfterValidator(_kept), Form()]


def _asked(phone: Line = "", code: Line = "", role: Annotated[Role | None, Form()] = None) -> Asked:
    return Asked(phone.strip(), code.strip(), role)


AskedHere = Annotated[Asked, Depends(_asked)]


def _key(client_id: Annotated[str, Form()] = "", client_secret: Annotated[str, Form()] = "") -> Key:
    return Key(client_id.strip(), client_secret.strip())


KeyHere = Annotated[Key, Depends(_key)]


@router.get("/sign-in")
async def ask(request: Request, next: Next = "", role: Role | None = None) -> HTMLResponse:  # noqa: A002
    return _form(request, Asked(role=role), Step(), next)


@router.post("/sign-in")
async def send(
    request: Request, asked: AskedHere, desk: Desk, db: Db, brake: Brake, reader: AnyReader, to: To = ""
) -> HTMLResponse:
    step = await service.ask_for_code(db, desk, brake, asked, reader.language)
    return _form(request, asked, step, to)


@router.post("/sign-in/code")
async def prove(request: Request, asked: AskedHere, desk: Desk, db: Db, brake: Brake, to: To = "") -> Response:
    step = await service.prove(db, desk, brake, asked)
    return await _in(request, desk, db, step.granted, to) if step.granted else _form(request, asked, step, to)


@router.get("/sign-in/key")
async def ask_for_key(request: Request, next: Next = "") -> HTMLResponse:  # noqa: A002
    return _key_form(request, "", Step(), next)


@router.post("/sign-in/key")
async def prove_key(request: Request, key: KeyHere, desk: Desk, db: Db, to: To = "") -> Response:
    step = await service.prove_key(db, desk, key)
    return (
        await _in(request, desk, db, step.granted, to) if step.granted else _key_form(request, key.client_id, step, to)
    )


@router.post("/sign-in/guest")
async def be_a_guest(
    request: Request, role: Annotated[Role, Form()], name: Line, desk: Desk, db: Db, to: To = ""
) -> Response:
    guest = Guest(role, name)
    if guest not in guests_for(request):
        raise NoGuest()
    return await _in(request, desk, db, await service.sign_in_guest(db, desk, guest), _fitting(to, role))


@router.post("/sign-out")
async def sign_out(request: Request, desk: Desk, db: Db) -> Response:
    return await _in(request, desk, db, None, "/")


def _fitting(to: str, role: Role) -> str:
    """Where that guest wanted to go; where such a one has no business, their own first page."""
    return to if to and goes_with(role, own_path(to)) else home_of(role)


def _form(request: Request, asked: Asked, step: Step, to: str) -> HTMLResponse:
    here = f"{SIGN_IN}?{urlencode({'next': to})}" if to else SIGN_IN
    proposed = role_at(own_path(to)) if to else "citizen"
    shown = {"asked": asked, "step": step, "to": to, "roles": NEW_HERE, "guests": guests_for(request)}
    return page(request, "signing/sign_in.html", step.status, here=here, proposed=proposed, **shown)


def _key_form(request: Request, client_id: str, step: Step, to: str) -> HTMLResponse:
    here = f"{SIGN_IN}/key?{urlencode({'next': to})}" if to else f"{SIGN_IN}/key"
    shown = {"client_id": client_id, "step": step, "to": to}
    return page(request, "signing/key.html", step.status, here=here, **shown)


async def _in(request: Request, desk: Desk, db: Db, granted: Granted | None, to: str) -> Response:
    """Let in, or out without `granted`, and on to where they wanted; whoever they were before is signed out."""
    await revoke(db, desk.vault, request.cookies.get(SESSION, ""))
    response = RedirectResponse(own_path(to or "/welcome"), 303)
    remember(request, response, granted)
    return response


@router.get("/welcome")
async def welcome(reader: AnyReader) -> Response:
    """To where this reader's work begins."""
    return RedirectResponse(home_of(reader.caller.role if reader.caller else None), 303)
