"""Who reads a page, what they may ask, and what they see when that is refused."""

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse

from chassis.auth import Caller, caller_or_none
from chassis.problems import Forbidden, Language, NotFound, Problem, Unauthenticated
from chassis.routes import PhotoRoute, Route
from gateway.limits import READS
from gateway.pages.asking import Api, Refused
from gateway.pages.manners import for_people
from gateway.pages.render import page, reader_language
from gateway.proxy import InProcess

SIGN_IN = "/sign-in"
OF_WHOM = re.compile(r"[a-z][a-z0-9+.-]*://[^/]*", re.IGNORECASE)
"""How an address begins that names its site."""


@dataclass(frozen=True, slots=True)
class Reader:
    """`caller` is None for who is not signed in; `api` asks in their name."""

    caller: Caller | None
    api: Api
    language: Language


async def _read(request: Request) -> Reader:
    caller = await caller_or_none(request)
    request.state.caller = caller  # the frame of every page shows where its reader may go
    language = reader_language(request)
    # what no service answers for (`/v1/clients`, say) is the gateway's own, asked over the same way
    upstreams = {**request.app.state.upstreams, "": InProcess(request.app)}
    api = Api(upstreams, request.headers.get("authorization", ""), language)
    return Reader(caller, api, language)


AnyReader = Annotated[Reader, Depends(_read)]


def reader_who_is(*roles: str) -> Callable[..., Coroutine[Any, Any, Reader]]:
    """A dependency: the reader, when signed in as one of these roles; an admin may everything."""
    allowed = {*roles, "admin"}

    async def reader_of_role(reader: AnyReader) -> Reader:
        if reader.caller is None:
            raise Unauthenticated()
        if reader.caller.role not in allowed:
            raise Forbidden()
        return reader

    return reader_of_role


class PageRoute(Route):
    """What is refused becomes a page that says so; who must sign in is led there, and back afterwards."""

    passes = (Refused,)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        run = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await run(request)
            except (Problem, Refused, RequestValidationError) as refusal:
                answer = self.answer_to(request, refusal)
                if answer is None:
                    raise
                return answer

        return handle

    def answer_to(self, request: Request, refusal: Exception) -> Response | None:
        """What the reader gets instead; None leaves it to what answers for the whole application."""
        match refusal:
            case Unauthenticated():
                return _to_sign_in(request)
            case Refused(told=told) if told.status == Unauthenticated.status:
                return _to_sign_in(request)
            case Refused(told=told):
                return trouble(request, told.status, told.said)
            case Problem():
                return trouble(request, refusal.status, refusal.body(reader_language(request)))
        return trouble(request, 404, NotFound().body(reader_language(request)))


class PhotoPageRoute(PageRoute):
    """The same for a form with a photo."""

    body_limit_b = PhotoRoute.body_limit_b


def page_router(route_class: type[Route] = PageRoute) -> APIRouter:
    """The routes of one area of pages; of another class, those that take more, or whose refusals a script reads."""
    return APIRouter(include_in_schema=False, route_class=route_class, dependencies=[Depends(_read)])


def _to_sign_in(request: Request) -> Response:
    return RedirectResponse(f"{SIGN_IN}?{urlencode({'next': whence(request)})}", 303)


def whence(request: Request) -> str:
    """Where one comes back to what was asked for. A form that was sent is lost, so that is where the form stands."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return own_path(here if request.method in READS else request.headers.get("referer", "/"))


def own_path(address: str) -> str:
    """The path and query of an address of ours, `/` for anything else: nobody is led to another site."""
    path = OF_WHOM.sub("", address, count=1) if OF_WHOM.match(address) else address
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"


def trouble(request: Request, status: int, problem: Any) -> Response:
    """The page of a problem, in words for people."""
    said = for_people(problem, reader_language(request))
    return page(request, "trouble.html", status, here=whence(request), problem=said)
