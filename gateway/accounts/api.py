"""Signing in, and who one is: `/v1/auth`, `/v1/me`, and the keys that verify tokens."""

import base64
import binascii
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Form, Request, Response
from fastapi.exceptions import RequestValidationError

from chassis.auth import AnyCaller
from chassis.problems import InvalidInput, from_validation
from chassis.routes import Db, Read, Route, slice_router
from gateway.accounts import service
from gateway.accounts.models import BETWEEN_CODES, InvalidRequest
from gateway.accounts.schemas import CodeRequest, CodeSent, Me, TokenForm, TokenOut
from gateway.limits import Brake

router = slice_router("", tag="accounts")


def _desk(request: Request) -> service.SignIn:
    desk: service.SignIn = request.app.state.sign_in
    return desk


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


Desk = Annotated[service.SignIn, Depends(_desk)]


@router.get("/v1/me")
async def read_me(caller: AnyCaller, desk: Desk, session: Read) -> Me:
    """Who you are: your account, role and name."""
    return Me.of(await service.who_is(session, caller.account_id), desk.vault)


@router.post("/v1/auth/otp", status_code=202)
async def send_code(wanted: CodeRequest, desk: Desk, db: Db, brake: Brake) -> CodeSent:
    """Send a one-time code to a phone. The answer is the same whether or not the phone has an account."""
    await brake.take(desk.phone_hash(wanted.phone))
    await service.send_code(db, desk, wanted.phone)
    return CodeSent(retry_after_s=int(BETWEEN_CODES.total_seconds()))


class TokenRoute(Route):
    """What is wrong with the form is a 400 `invalid_request`, as OAuth clients know it (RFC 6749, section 5.2)."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        run = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await run(request)
            except RequestValidationError as error:
                raise InvalidRequest(errors=from_validation(error).errors) from error
            except InvalidInput as error:
                raise InvalidRequest(errors=error.errors) from error

        return handle


async def issue_token(
    form: Annotated[TokenForm, Depends(_token_form)], desk: Desk, db: Db, brake: Brake, response: Response
) -> TokenOut:
    """An access token: `grant_type=otp` for people, `client_credentials` for machines.

    `refresh_token` is not offered yet: it is refused as `unsupported_grant_type`. Ask for a new token the same way.
    """
    await brake.take(desk.phone_hash(form.phone))
    granted = await service.grant(db, desk, form)
    response.headers["Cache-Control"] = "no-store"
    return TokenOut(access_token=granted.token, expires_in=int(granted.ttl.total_seconds()))


router.add_api_route("/v1/auth/token", issue_token, methods=["POST"], route_class_override=TokenRoute)


@router.get("/.well-known/jwks.json")
async def read_keys(desk: Desk, response: Response) -> dict[str, Any]:
    """The public keys that verify access tokens (JWK set)."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return desk.signer.jwks()
