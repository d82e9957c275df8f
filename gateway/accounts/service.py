"""What can be done with accounts: opening them, signing in, and giving tokens."""

import secrets
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from chassis.db import Database, WriteSession
from chassis.problems import FieldError, Forbidden, Text, Unauthenticated, Unavailable
from chassis.vault import Vault
from contracts.accounts import Role
from gateway.accounts import hashing, queries
from gateway.accounts.models import (
    OPENED_BY_PHONE,
    Account,
    AnotherRole,
    Client,
    Code,
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    UnsupportedGrantType,
    about_name,
    about_phone,
)
from gateway.accounts.phones import masked
from gateway.accounts.schemas import TokenForm
from gateway.tokens import Signer

log = structlog.get_logger()

SendCode = Callable[[str, str], Awaitable[None]]
"""Sends a code to a phone (E.164): an SMS provider, or the console of a standalone machine."""

NEVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SignIn:
    """What signing in needs."""

    vault: Vault
    signer: Signer
    send_code: SendCode
    client_ttl: timedelta
    person_ttl: timedelta


@dataclass(frozen=True, slots=True)
class Contact:
    name: str
    phone_masked: str | None


@dataclass(frozen=True, slots=True)
class Granted:
    """A token and how long it lasts."""

    token: str
    ttl: timedelta


async def account_for(session: WriteSession, vault: Vault, role: Role, name: str) -> Account:
    """The account of that role and name, opened if need be; of two who ask at once, both get the one."""
    account_id, name_hash = uuid7(), vault.fingerprint("name", name)
    sealed = vault.seal(name, about_name(account_id))
    opened = await _open(session, id=account_id, role=role, name_encrypted=sealed, name_hash=name_hash)
    return opened or _there(await queries.account_by_name(session, role, name_hash))


async def create_client(session: WriteSession, vault: Vault, role: Role, name: str) -> tuple[str, str]:
    """A new client of that account, opened if need be: its id, and the secret that is not kept."""
    client_id, secret = f"dj_{secrets.token_hex(12)}", secrets.token_urlsafe(32)
    secret_hash = await hashing.hashed(secret)  # before the first statement, so that no transaction waits for it
    account = await account_for(session, vault, role, name)
    session.add(Client(client_id=client_id, account_id=account.id, secret_hash=secret_hash))
    return client_id, secret


def issue_token(signer: Signer, account: Account, ttl: timedelta) -> str:
    return signer.sign(account.id, account.role, ttl)


async def who_is(session: AsyncSession, account_id: UUID) -> Account:
    """The account behind a sound token. Raises Unauthenticated when it is no more."""
    account = await queries.account(session, account_id)
    if account is None:
        raise Unauthenticated(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    return account


async def contacts(session: AsyncSession, vault: Vault, ids: Collection[UUID]) -> dict[UUID, Contact]:
    """Of these accounts, what a partner may be shown who has to find them: never a whole number."""
    found = {}
    for account in await queries.accounts(session, ids):
        phone = account.phone(vault)
        found[account.id] = Contact(account.name(vault), None if phone is None else masked(phone))
    return found


async def send_code(db: Database, desk: SignIn, phone: str) -> None:
    """Send a code to `phone`, unless one went out just now. Nothing tells whether the phone has an account."""
    code = f"{secrets.randbelow(1_000_000):06}"
    phone_hash = _phone_hash(desk.vault, phone)
    async with db.transaction() as session:
        entry = await _code_entry(session, phone_hash)
        now, today = await queries.database_now(session)
        renewed = entry.renew(_code_hash(desk.vault, phone, code), now, today)
    if not renewed:
        return
    try:
        await desk.send_code(phone, code)
    except Exception as error:
        # its text may hold the number, so neither the text nor the trace is logged
        log.error("code_not_sent", error=type(error).__name__)
        async with db.transaction() as session:
            (await _code_entry(session, phone_hash)).sent_at = NEVER  # a retry need not wait
        raise Unavailable(headers={"Retry-After": "5"}) from None


async def grant(db: Database, desk: SignIn, form: TokenForm) -> Granted:
    """A token for whom the form proves to be. Raises one of the OAuthErrors otherwise."""
    if form.grant_type == "otp":
        account = await _person(db, desk.vault, _given(form, "phone"), _given(form, "code"), form.role)
        return Granted(issue_token(desk.signer, account, desk.person_ttl), desk.person_ttl)
    if form.grant_type == "client_credentials":
        account = await _machine(db, form.client_id or "", form.client_secret or "")
        return Granted(issue_token(desk.signer, account, desk.client_ttl), desk.client_ttl)
    raise UnsupportedGrantType()


async def forget_codes(db: Database) -> None:
    """Delete codes a day after they ended; the worker runs this now and then."""
    async with db.transaction() as session:
        await session.execute(delete(Code).where(Code.expires_at < func.now() - timedelta(days=1)))


async def _person(db: Database, vault: Vault, phone: str, code: str, role: Role | None) -> Account:
    async with db.transaction() as session:
        entry = await queries.code_for_update(session, _phone_hash(vault, phone))
        now, _ = await queries.database_now(session)
        good = entry is not None and entry.spend(_code_hash(vault, phone, code), now)
        account = await _account_of_phone(session, vault, phone, role) if good else None
    if account is None:  # only now: a wrong guess is counted, so its transaction has to commit
        raise InvalidGrant()
    return account


async def _machine(db: Database, client_id: str, secret: str) -> Account:
    async with db.reading() as session:
        # ids are printable; PostgreSQL would choke on U+0000
        found = await queries.client_and_account(session, client_id) if client_id.isprintable() else None
    # an unknown id takes as long as a wrong secret
    good = await hashing.matches(found[0].secret_hash if found else None, secret)
    if found is None or not good:
        raise InvalidClient(headers={"WWW-Authenticate": "Basic"})
    return found[1]


async def _account_of_phone(session: WriteSession, vault: Vault, phone: str, role: Role | None) -> Account:
    phone_hash = _phone_hash(vault, phone)
    known = await queries.account_by_phone(session, phone_hash)
    if known is None:
        known = await _open_by_phone(session, vault, phone, role or "citizen")
    if role not in {None, known.role}:
        raise AnotherRole()
    return known


async def _open_by_phone(session: WriteSession, vault: Vault, phone: str, role: Role) -> Account:
    if role not in OPENED_BY_PHONE:
        raise Forbidden()
    account_id, phone_hash = uuid7(), _phone_hash(vault, phone)
    sealed = vault.seal(phone, about_phone(account_id))
    opened = await _open(session, id=account_id, role=role, phone_encrypted=sealed, phone_hash=phone_hash)
    return opened or _there(await queries.account_by_phone(session, phone_hash))


async def _open(session: WriteSession, **values: object) -> Account | None:
    """Insert the account and tell of it; None when another was first."""
    row = insert(Account).values(version=1, **values).on_conflict_do_nothing().returning(Account)
    opened = (await session.scalars(row)).one_or_none()
    if opened is not None:
        session.emit(opened.opened())
    return opened


async def _code_entry(session: WriteSession, phone_hash: bytes) -> Code:
    """The phone's row, locked; made where there is none, since a row that isn't there can't be locked."""
    blank = {"tries": 0, "sent_at": NEVER, "expires_at": NEVER, "day": NEVER.date(), "sent_that_day": 0}
    row = insert(Code).values(phone_hash=phone_hash, **blank)
    locked = row.on_conflict_do_update(index_elements=["phone_hash"], set_={"phone_hash": phone_hash})
    return (await session.scalars(locked.returning(Code))).one()


def _there(account: Account | None) -> Account:
    assert account is not None, "the insert found it there, and accounts are never deleted"
    return account


def _given(form: TokenForm, field: str) -> str:
    value: str | None = getattr(form, field)
    if value is None:
        raise InvalidRequest(errors=[FieldError(f"#/{field}", Text("缺少此项。", "Field required."))])
    return value


def _phone_hash(vault: Vault, phone: str) -> bytes:
    return vault.fingerprint("phone", phone)


def _code_hash(vault: Vault, phone: str, code: str) -> bytes:
    return vault.fingerprint("code", phone, code)
