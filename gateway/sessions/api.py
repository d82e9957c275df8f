"""Tokens, and the sessions that renew them: `/v1/auth/token`, `/v1/auth/revoke`, `/v1/me/sessions`."""

import base64
import binascii
from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from chassis.auth import AnyCaller
from chassis.exception_handlers import from_http
from chassis.fields import Limit, Page
from chassis.problems import InvalidInput, Problem
from chassis.routes import Db, Read, Route, Write, slice_router
from chassis.validation import from_validation
from gateway.accounts.api import Desk
from gateway.accounts.models import InvalidRequest
from gateway.limits import Brake
from gateway.oauth import ForOAuth, OAuthError
from gateway.sessions import queries, service
from gateway.sessions.schemas import Ended, RevokeForm, SessionOut, TokenForm, TokenOut

router = slice_router("", tag="accounts")


def _ends(request: Request) -> Callable[[], None]:
    look_again: Callable[[], None] = request.app.state.ended.look_again
    return look_again


Ends = Annotated[Callable[[], None], Depends(_ends)]
"""Told once a session was ended, so that its tokens are refused from that moment; see `gateway.erased`."""


def _token_form(request: Request, form: Annotated[TokenForm, Form()]) -> TokenForm:
    """The form, with a client's id and secret from HTTP Basic where they came so (RFC 6749, section 2.3.1)."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        client_id = secret = ""
    return form.model_copy(update={"client_id": client_id, "client_secret": secret})


class TokenRoute(Route):
    """Every problem is told as OAuth clients know it, too (RFC 6749, section 5.2); a form's is a 400.

    Parameters that it does not know are passed over, in the query as in the form (section 3.2).
    """

    strict_query = False

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        run = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await run(request)
            except RequestValidationError as error:
                raise InvalidRequest(errors=from_validation(error).errors) from error
            except InvalidInput as error:
                raise InvalidRequest(errors=error.errors) from error
            except HTTPException as error:
                raise ForOAuth(from_http(error)) from error
            except OAuthError:
                raise
            except Problem as problem:
                raise ForOAuth(problem) from problem

        return handle


async def issue_token(
    form: Annotated[TokenForm, Depends(_token_form)], desk: Desk, db: Db, brake: Brake, response: Response
) -> TokenOut:
    """An access token and a refresh token: `otp` for people, `client_credentials` for machines, `refresh_token`."""
    await brake.take(desk.phone_hash(form.phone_tried))
    granted = await service.grant(db, desk, form)
    response.headers["Cache-Control"] = "no-store"
    return TokenOut(
        access_token=granted.token,
        expires_in=int(granted.ttl.total_seconds()),
        refresh_token=granted.refresh_token,
        refresh_expires_in=int(granted.refresh_ttl.total_seconds()),
    )


async def revoke_token(form: Annotated[RevokeForm, Form()], desk: Desk, db: Db, ends: Ends) -> dict[str, str]:
    """End the session of a refresh token. Always 200, whatever the token is (RFC 7009)."""
    await service.revoke(db, desk.vault, form.token)
    ends()
    return {}


router.add_api_route("/v1/auth/token", issue_token, methods=["POST"], route_class_override=TokenRoute)
router.add_api_route("/v1/auth/revoke", revoke_token, methods=["POST"], route_class_override=TokenRoute)


@router.get("/v1/me/sessions")
async def list_sessions(
    caller: AnyCaller, session: Read, after: UUID | None = None, limit: Limit = 50
) -> Page[SessionOut]:
    """Where you are signed in, newest first; `current` is the one that this token came of."""
    rows = await queries.sessions_of(session, caller.account_id, before=after, limit=limit + 1)
    return Page.of([SessionOut.of(row, caller.session_id) for row in rows], limit, lambda last: last.id)


@router.delete("/v1/me/sessions")
async def end_sessions(caller: AnyCaller, session: Write, ends: Ends) -> Ended:
    """Sign out everywhere: no token of yours is good any more, this one neither."""
    session.when_committed(ends)
    return Ended(ended=await service.end_all(session, caller.account_id))


@router.delete("/v1/me/sessions/{session_id}")
async def end_session(session_id: UUID, caller: AnyCaller, session: Write, ends: Ends) -> SessionOut:
    """Sign out in one place; the answer is what it was."""
    session.when_committed(ends)
    return SessionOut.of(await service.end(session, caller.account_id, session_id), caller.session_id)
