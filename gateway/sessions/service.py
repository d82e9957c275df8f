"""What can be done with sessions: beginning one, renewing its tokens, ending it."""

import base64
import binascii
import os
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hmac import compare_digest
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from chassis.clock import database_now
from chassis.db import Database, WriteSession
from chassis.problems import FieldError, NotFound, Text
from chassis.retention import delete_in_batches
from chassis.vault import Vault
from contracts.accounts import Role
from gateway.accounts import service as signing_in
from gateway.accounts.models import Account, Client, InvalidClient, InvalidGrant, InvalidRequest, UnsupportedGrantType
from gateway.accounts.service import SignIn, issue_token
from gateway.sessions import queries
from gateway.sessions.models import EndedSession, InvalidRefreshToken, Session
from gateway.sessions.schemas import TokenForm
from gateway.tokens import Lives

log = structlog.get_logger()

MARK = "djr_"
"""How every refresh token begins: so that who finds one in a log or in code knows what it is."""
SALT_B = 32
NUMBER_B = 4
NOTED = timedelta(days=1)
"""For so long it is known of a session that it was ended: longer than any access token that it was given."""


@dataclass(frozen=True, slots=True)
class Granted:
    """An access token, and the refresh token that renews it."""

    token: str
    ttl: timedelta
    refresh_token: str
    refresh_ttl: timedelta


async def grant(db: Database, desk: SignIn, form: TokenForm, *, on_pages: bool = False) -> Granted:
    """Tokens for whom the form proves to be; `on_pages` where a page's cookies will keep them.

    Raises one of the OAuthErrors, or Unauthenticated when the account is no more.
    """
    match form.grant_type:
        case "otp":
            phone, code = _given(form, "phone"), _given(form, "code")
            return await _for_person(db, desk, phone, code, form.role, on_pages)
        case "client_credentials":
            client = await signing_in.proven_client(db, form.client_id or "", form.client_secret or "")
            async with db.transaction() as session:
                return await _begin(session, desk, client.account_id, client, on_pages)
        case "refresh_token":
            return await _renew(db, desk, _given(form, "refresh_token"), form, on_pages)
    raise UnsupportedGrantType()


async def begin(session: WriteSession, desk: SignIn, account_id: UUID, *, on_pages: bool = False) -> Granted:
    """A session of that person, who needs to prove nothing more. Raises Unauthenticated when the account is no more."""
    return await _begin(session, desk, account_id, None, on_pages)


async def lasts(db: Database, session_id: UUID) -> bool:
    """Whether that session has not ended: by its owner, with its key, or by itself."""
    async with db.reading() as session:
        return await queries.is_there(session, session_id)


async def revoke(db: Database, vault: Vault, token: str) -> None:
    """End the session of a refresh token, of its newest or an older one. Any other token does nothing (RFC 7009)."""
    read = _read(token)
    if read is None:
        return
    async with db.transaction() as session:
        found = await queries.locked_session(session, read.session_id)
        if found is not None and compare_digest(_token(vault, found, read.number), token):
            await _end(session, Session.id == found.id)


async def end_all(session: WriteSession, account_id: UUID) -> int:
    """End every session of the account; how many there were."""
    return await _end(session, Session.account_id == account_id)


async def end(session: WriteSession, account_id: UUID, session_id: UUID) -> Session:
    """End one session of the account; as it was. Raises NotFound."""
    found = await queries.locked_session(session, session_id)
    if found is None or found.account_id != account_id:
        raise NotFound()
    await _end(session, Session.id == session_id)
    return found


async def end_of_client(session: WriteSession, client_id: str) -> None:
    """End what was signed in with that client's secret."""
    await _end(session, Session.client_id == client_id)


async def _end(session: WriteSession, which: ColumnElement[bool]) -> int:
    """Delete them, and note it: what they were given ends with them, see `gateway.erased`. How many there were."""
    gone = delete(Session).where(which).returning(Session.id, Session.account_id).cte("gone")
    noted = insert(EndedSession).from_select(["id", "account_id"], select(gone.c.id, gone.c.account_id))
    return len((await session.execute(noted.returning(EndedSession.id))).all())


async def forget_ended(db: Database) -> None:
    """Delete sessions whose time is over, and what was noted of ended ones; the worker runs this now and then."""
    await delete_in_batches(db, Session.__table__, Session.expires_at < func.now())
    await delete_in_batches(db, EndedSession.__table__, EndedSession.ended_at < func.now() - NOTED)


async def _for_person(db: Database, desk: SignIn, phone: str, code: str, role: Role | None, on_pages: bool) -> Granted:
    granted = None
    async with db.transaction() as session:
        if await signing_in.spend_code(session, desk.vault, phone, code):
            account = await signing_in.account_of_phone(session, desk.vault, phone, role)
            granted = await _begin(session, desk, account.id, None, on_pages)
    if granted is None:  # only now: a wrong guess is counted, so its transaction has to commit
        raise InvalidGrant()
    return granted


async def _begin(
    session: WriteSession, desk: SignIn, account_id: UUID, client: Client | None, on_pages: bool
) -> Granted:
    account = await signing_in.locked(session, account_id)
    if client is not None and not await signing_in.still_good(session, client):
        raise InvalidClient()  # rotated or revoked while its secret was looked at
    client_id = client.client_id if client else None
    now = await database_now(session)
    lives = _lives(desk, client_id, on_pages)
    begun = Session(
        id=uuid7(),
        account_id=account.id,
        client_id=client_id,
        salt=os.urandom(SALT_B),
        number=1,
        created_at=now,
        used_at=now,
        expires_at=now + min(lives.idle, lives.whole),
        on_pages=on_pages,
    )
    session.add(begun)
    return _granted(desk, account, begun, now)


async def _renew(db: Database, desk: SignIn, token: str, form: TokenForm, on_pages: bool) -> Granted:
    """New tokens for the session of this one. One that was rotated before ends it (RFC 9700, section 4.14.2).

    A client proves itself here, too (RFC 6749, section 6), but for what it began on the pages and renews there: no
    browser keeps its secret. A secret that is rotated meanwhile takes the session along.
    """
    read = _read(token)
    client = None
    if form.client_secret is not None:
        client = await signing_in.proven_client(db, form.client_id or "", form.client_secret)
    async with db.transaction() as session:
        found = await queries.locked_session(session, read.session_id) if read else None
        now = await database_now(session)
        granted = None
        if found and read and now < found.expires_at and _is_its(desk.vault, found, read.number, token, form.client_id):
            if found.client_id is not None and client is None and not (on_pages and found.on_pages):
                raise InvalidClient()
            if found.rotate(read.number, now, _lives(desk, found.client_id, found.on_pages)):
                account = await signing_in.who_is(session, found.account_id)
                granted = _granted(desk, account, found, now)
            else:
                await _end(session, Session.id == found.id)
                log.warning("refresh_token_reused", session_id=str(found.id), account_id=str(found.account_id))
    if granted is None:  # only now: that the session has ended must be committed
        raise InvalidRefreshToken()
    return granted


def _is_its(vault: Vault, session: Session, number: int, token: str, client_id: str | None) -> bool:
    """Whether it is a token of this session, and is not sent by another client."""
    return compare_digest(_token(vault, session, number), token) and client_id in {None, session.client_id}


def _granted(desk: SignIn, account: Account, session: Session, now: datetime) -> Granted:
    ttl = _lives(desk, session.client_id, session.on_pages).access
    refresh_token = _token(desk.vault, session, session.number)
    return Granted(issue_token(desk.signer, account, ttl, session.id), ttl, refresh_token, session.expires_at - now)


def _lives(desk: SignIn, client_id: str | None, on_pages: bool) -> Lives:
    """With a key on the pages: the tokens of a person, in a session of a machine, for it proves no more than that."""
    if client_id is None:
        return desk.for_people
    return replace(desk.for_machines, access=desk.for_people.access) if on_pages else desk.for_machines


@dataclass(frozen=True, slots=True)
class _Read:
    """What a refresh token says of itself."""

    session_id: UUID
    number: int


def _token(vault: Vault, session: Session, number: int) -> str:
    """The session's refresh token of that number: 256 bits that nobody can tell without both the row and the key."""
    proof = vault.fingerprint("refresh token", str(session.id), session.salt.hex(), str(number))
    return MARK + base64.urlsafe_b64encode(session.id.bytes + number.to_bytes(NUMBER_B) + proof).rstrip(b"=").decode()


def _read(token: str) -> _Read | None:
    """Which session's token it claims to be; None for what is none of ours."""
    try:
        raw = base64.b64decode(f"{token.removeprefix(MARK)}===", altchars=b"-_")
        return _Read(UUID(bytes=raw[:16]), int.from_bytes(raw[16 : 16 + NUMBER_B]))
    except (binascii.Error, ValueError):
        return None


def _given(form: TokenForm, field: str) -> str:
    value: str | None = getattr(form, field)
    if value is None:
        raise InvalidRequest(errors=[FieldError(f"#/{field}", Text("缺少此项。", "Field required."))])
    return value
