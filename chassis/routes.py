"""How a request meets the database: strict JSON in, one transaction, the commit before the response.

FastAPI ends a `yield` dependency after the response has left. Here the route itself ends the transaction, between
the endpoint's return and the first byte of the answer: what was acknowledged is there.
"""

import re
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from chassis.auth import Caller, caller_or_none
from chassis.db import Database, ReadSession, WriteSession, is_transient
from chassis.erasure import Erasures
from chassis.idempotency import KEY_MAX, Claim, Replay, claim, key_of, look, remember
from chassis.images import PHOTO_LIMIT_B
from chassis.known import unless_known
from chassis.problems import (
    NUL,
    EncodedBody,
    FieldError,
    Internal,
    InvalidInput,
    MalformedHeader,
    NotFound,
    Problem,
    Text,
    Unavailable,
    UnsupportedMediaType,
    VersionRequired,
)
from chassis.query import QueryNames
from chassis.streams import SUFFIX
from chassis.strict_json import parse_strictly
from chassis.telemetry import HUNG_UP

log = structlog.get_logger()

BODY_LIMIT_B = 256 * 1024
IMPORT_LIMIT_B = 32 * 1024 * 1024
MULTIPART = "multipart/form-data"  # every form may come so
FORMS = frozenset({MULTIPART, "application/x-www-form-urlencoded"})
UNREADABLE_FORM = Text("表单无法解读。", "The form can't be read.")


class StrictRequest(Request):
    """A request whose body ends at a limit, and whose JSON is parsed by `parse_strictly`, once."""

    body_limit_b = BODY_LIMIT_B

    async def stream(self) -> AsyncIterator[bytes]:  # type: ignore[override]  # Starlette says AsyncGenerator
        declared = self.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self.body_limit_b:
            raise HTTPException(413)  # not a Problem: FastAPI lets only its own pass while it reads a body
        received_b = 0
        async for chunk in super().stream():
            received_b += len(chunk)
            if received_b > self.body_limit_b:
                raise HTTPException(413)
            yield chunk

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = parse_strictly(await self.body())
        return self._json


class Unit:
    """The one transaction of a request, begun when a dependency first asks for it."""

    def __init__(self, db: Database, erasures: Erasures | None) -> None:
        self._db = db
        self._erasures = erasures
        self._session: WriteSession | None = None
        self._claim: Claim | None = None
        self._looked: Claim | None = None
        self._looker: Caller | None = None

    async def begin(self, request: Request, caller: Caller | None) -> WriteSession:
        """Raises Unauthenticated for a caller who was erased, whatever the use case."""
        if self._session is None:
            if key_of(request) is not None:
                await request.body()  # of an endpoint without a body nobody has read it; see `look`
            self._session = self._db.write_session()
            await self._refuse_erased(self._session, caller)
            self._claim = await claim(self._session, request, _name_of(caller))
        return self._session

    async def look(self, request: Request, caller: Caller | None) -> None:
        """Raise the first answer if there was one, and Unauthenticated for a caller who was erased.

        This one's is remembered by `finish`, after the work, unless its caller was erased meanwhile.
        """
        await request.body()  # what the key is bound to: no transaction waits for it to come in
        async with self._db.transaction() as session:
            await self._refuse_erased(session, caller)
            self._looked = await look(session, request, _name_of(caller))
        self._looker = caller

    async def finish(self, response: Response) -> None:
        """Remember the answer under its key, tell the events, commit."""
        if response.status_code >= 400:
            return
        if self._looked is not None:
            async with self._db.transaction() as session:
                await self._refuse_erased(session, self._looker)
                await remember(session, [(self._looked, response)])
        if self._session is not None:
            if self._claim is not None:
                await remember(self._session, [(self._claim, response)])
            await self._db.commit(self._session)

    async def _refuse_erased(self, session: WriteSession, caller: Caller | None) -> None:
        if caller is not None and self._erasures is not None:
            await self._erasures.refuse(session, caller.account_id)

    async def close(self) -> None:
        """Undo what was not committed, and give the connection back."""
        if self._session is not None:
            await self._session.close()


def _name_of(caller: Caller | None) -> str:
    """By whom a key is told apart."""
    return str(caller.account_id) if caller else "anonymous"


class Route(APIRoute):
    """Every route of every service. One that takes more than `BODY_LIMIT_B` is of a subclass that says so.

    Of the public surface it refuses parameters that it does not have, unless it is not `strict_query`, or a page for
    people, whose addresses others add to.
    """

    body_limit_b = BODY_LIMIT_B
    reads_json = True
    seals_answers = False
    strict_query = True
    passes: tuple[type[Exception], ...] = ()
    """What a subclass makes an answer of by itself, beside problems."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        run = super().get_route_handler()
        query = self._query_names()

        async def handle(request: Request) -> Response:
            try:
                return await answer(request)
            except ClientDisconnect:  # its body broke off: no failure of ours
                return Response(status_code=HUNG_UP)

        async def answer(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            strict.body_limit_b = self.body_limit_b
            _refuse_nul(strict)
            if strict.headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
                raise EncodedBody()
            if query is not None and strict.scope.get("query_string"):
                await query.refuse_others(strict)
            await self._refuse_other_media(strict)
            if self.reads_json and _is_json(strict) and await strict.body():
                await strict.json()  # before FastAPI's own reading, which would call every failure a 400
            unit = strict.state.unit = Unit(strict.app.state.db, strict.app.state.erasures)
            strict.state.answers_vault = strict.app.state.vault if self.seals_answers else None
            try:
                response = await run(strict)
                await unit.finish(response)
                response = unless_known(getattr(strict.state, "known", None), response)
            except Replay as replay:
                return replay.response
            except HTTPException as error:
                if error.status_code == 400 and _media_type(strict) in FORMS:
                    raise InvalidInput(errors=[FieldError("#", UNREADABLE_FORM)]) from error
                raise
            except (Problem, RequestValidationError, ClientDisconnect):
                raise
            except self.passes:
                raise
            except Exception as error:
                raise _as_problem(error, strict) from error
            finally:
                await unit.close()
            return response

        return handle

    def _query_names(self) -> QueryNames | None:
        """Those that it may have; None where it passes over others."""
        is_page = getattr(self.response_class, "media_type", None) == "text/html"
        if is_page or not self.strict_query or not self.path.startswith("/v1/"):
            return None
        return QueryNames(self.dependant, streams=self.path.endswith(SUFFIX))

    async def _refuse_other_media(self, request: Request) -> None:
        """Raises UnsupportedMediaType for a body that FastAPI would read as text, and call no object."""
        expected = _media_type_of(self)
        if expected is None or not await request.body():
            return
        received = _media_type(request)
        fits = _is_json(request) if expected == "application/json" else received in {expected, MULTIPART}
        if not fits:
            raise UnsupportedMediaType(expected=expected, received=received or "—")


def _media_type_of(route: APIRoute) -> str | None:
    """What the endpoint's body comes as; None where it takes none, or reads it by itself."""
    return getattr(route.body_field.field_info, "media_type", None) if route.body_field else None


def _is_json(request: Request) -> bool:
    """As FastAPI sees it: any case, and what ends in +json (RFC 6839)."""
    kind, _, subtype = _media_type(request).partition("/")
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _refuse_nul(request: Request) -> None:
    """PostgreSQL's text can't hold U+0000, and would fail on it as on a fault of ours."""
    query = request.scope.get("query_string", b"")
    if "\0" not in request.scope["path"] and b"%00" not in query and b"\0" not in query:
        return  # nearly always, and much sooner than the parsed ones are looked through
    if "\0" in request.url.path or any("\0" in str(value) for value in request.path_params.values()):
        raise NotFound()
    errors = [FieldError(f"#/query/{name}", NUL) for name, value in request.query_params.items() if "\0" in value]
    if errors:
        raise InvalidInput(errors=errors)


def _as_problem(error: Exception, request: Request) -> Problem:
    if is_transient(error):
        log.warning("database_unavailable", path=request.url.path, error=type(error).__name__)
        return Unavailable(headers={"Retry-After": "1"})
    log.error("request_failed", path=request.url.path, exc_info=error)
    return Internal()


class SecretRoute(Route):
    """A route whose answers hold secrets: those remembered under a key are sealed by `app.state.vault`."""

    seals_answers = True


class ImportRoute(Route):
    """A route that takes the body of an import."""

    body_limit_b = IMPORT_LIMIT_B


class PhotoRoute(Route):
    """A route that takes a photo, with what a form puts around it."""

    body_limit_b = PHOTO_LIMIT_B + BODY_LIMIT_B


def slice_router(prefix: str, *, tag: str, route_class: type[Route] = Route) -> APIRouter:
    """The router of one slice."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=route_class)


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="The same key and body get the first answer again.",
        json_schema_extra={"minLength": 1, "maxLength": KEY_MAX},
    ),
]
"""Declared for the document's sake: `claim` reads the header, and judges it in the right order. An endpoint whose
transaction is not the request's own (`chassis.grouping`), but which heeds the key, declares it itself."""


async def _write(request: Request, _: IdempotencyKey = None) -> WriteSession:
    unit: Unit = request.state.unit
    return await unit.begin(request, await caller_or_none(request))


async def _look(request: Request, _: IdempotencyKey = None) -> Database:
    unit: Unit = request.state.unit
    await unit.look(request, await caller_or_none(request))
    return _database(request)


async def _read(request: Request) -> AsyncIterator[ReadSession]:
    async with request.app.state.db.reading() as session:
        yield session


Write = Annotated[WriteSession, Depends(_write)]
"""The request's transaction: committed before the response, with its events and its idempotency record."""

Read = Annotated[ReadSession, Depends(_read, scope="function")]
"""A read-only transaction, given back before the response leaves."""


def _database(request: Request) -> Database:
    db: Database = request.app.state.db
    return db


async def _db(request: Request) -> Database:
    """A coroutine, for FastAPI would call a function in a thread."""
    return _database(request)


Db = Annotated[Database, Depends(_db)]
"""The database itself, for a use case that must not hold a transaction while it computes."""

DbOnce = Annotated[Database, Depends(_look)]
"""The same for a POST: its `Idempotency-Key` is heeded, though its record is not in the use case's own transaction.

After a crash between the two the use case runs again, and two with one key may run at once, so it has to be one that
may. Both are given the answer of the first to end; with another body the later gets 422, though its work is done.
"""


ONE_VERSION = re.compile(r'(?:W/)?"([0-9]{1,18})"|([0-9]{1,18})')
IF_MATCH_FORM = Text(
    '须为一个版本（如 "3"），或 *（任何现有版本）。', 'One version, such as "3", or * for any present version.'
)


def if_match(
    value: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description="The version that you read, or `*` for any present one.",
            examples=['"1"'],
        ),
    ] = None,
) -> int | None:
    """The version that the caller read: quoted or bare; None for `*`, any present version (RFC 9110, 13.1.1).

    428 without the header, 400 for what is no version. A weak one is taken, though RFC 9110 never lets it match:
    proxies that compress make ours weak, and it names one version all the same.
    """
    if value is None:
        raise VersionRequired()
    if value.strip() == "*":
        return None
    version = ONE_VERSION.fullmatch(value.strip())
    if version is None:
        raise MalformedHeader(errors=[FieldError("#/header/If-Match", IF_MATCH_FORM)])
    return int(version[1] or version[2])


IfMatch = Annotated[int | None, Depends(if_match)]


def set_etag(response: Response, version: int) -> None:
    response.headers["ETag"] = f'"{version}"'


def set_location(response: Response, address: str) -> None:
    """Where what was made is read from now on: a path of the whole surface."""
    response.headers["Location"] = address
