"""Who one is, and signing in by phone: `/v1/me`, `/v1/auth/otp`, and the keys that verify tokens."""

from typing import Annotated, Any

from fastapi import Depends, Request, Response

from chassis.auth import AnyCaller
from chassis.known import UNLESS_KNOWN
from chassis.problems import language_of
from chassis.routes import Db, IfMatch, Read, SecretRoute, Write, set_etag, slice_router
from gateway.accounts import service
from gateway.accounts.models import BETWEEN_CODES
from gateway.accounts.schemas import CodeRequest, CodeSent, Me, NewName
from gateway.limits import Brake

router = slice_router("", tag="accounts", route_class=SecretRoute)


def _desk(request: Request) -> service.SignIn:
    desk: service.SignIn = request.app.state.sign_in
    return desk


Desk = Annotated[service.SignIn, Depends(_desk)]


@router.get("/v1/me", dependencies=[UNLESS_KNOWN])
async def read_me(caller: AnyCaller, desk: Desk, session: Read, response: Response) -> Me:
    """Who you are: your account, role and name, with the account's version as ETag."""
    account = await service.who_is(session, caller.account_id)
    set_etag(response, account.version)
    return Me.of(account, desk.vault)


@router.patch("/v1/me")
async def change_me(
    wanted: NewName, caller: AnyCaller, desk: Desk, version: IfMatch, session: Write, response: Response
) -> Me:
    """Go by another name; If-Match carries the version you read."""
    account = await service.rename(session, desk.vault, caller.account_id, version, wanted.name)
    set_etag(response, account.version)
    return Me.of(account, desk.vault)


@router.post("/v1/auth/otp", status_code=202)
async def send_code(wanted: CodeRequest, request: Request, desk: Desk, db: Db, brake: Brake) -> CodeSent:
    """Send a one-time code to a phone. The answer is the same whether or not the phone has an account."""
    await brake.take(desk.phone_hash(wanted.phone))
    await service.send_code(db, desk, wanted.phone, language_of(request))
    return CodeSent(retry_after_s=int(BETWEEN_CODES.total_seconds()))


@router.get("/.well-known/jwks.json")
async def read_keys(desk: Desk, response: Response) -> dict[str, Any]:
    """The public keys that verify access tokens (JWK set)."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return desk.signer.jwks()
