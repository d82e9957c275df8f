"""What can be done with accounts: opening them, signing in, and giving tokens."""

import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from chassis.clock import database_now
from chassis.db import Database, WriteSession
from chassis.problems import Language, Unauthenticated, Unavailable
from chassis.retention import delete_in_batches
from chassis.vault import Vault
from contracts.accounts import Role
from gateway.accounts import hashing, queries
from gateway.accounts.models import (
    NEVER,
    OPENED_BY_PHONE,
    Account,
    AnotherRole,
    Client,
    Code,
    InvalidClient,
    NameTaken,
    RoleNotOpen,
    about_name,
    about_phone,
)
from gateway.accounts.phones import masked
from gateway.tokens import Lives, Signer

log = structlog.get_logger()

SendCode = Callable[[str, str, Language], Awaitable[None]]
"""Sends a code to a phone (E.164), in that language: an SMS provider, or the console of a standalone machine."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """What signing in needs."""

    vault: Vault
    signer: Signer
    send_code: SendCode
    for_people: Lives
    for_machines: Lives

    def phone_hash(self, phone: str | None) -> bytes | None:
        return None if phone is None else _phone_hash(self.vault, phone)


@dataclass(frozen=True, slots=True)
class Contact:
    name: str
    phone_masked: str | None


async def account_for(session: WriteSession, vault: Vault, role: Role, name: str) -> Account:
    """The account of that role and name, opened if need be; of two who ask at once, both get the one."""
    account_id, name_hash = uuid7(), vault.fingerprint("name", name)
    sealed = vault.seal(name, about_name(account_id))
    values = {"id": account_id, "role": role, "name_encrypted": sealed, "name_hash": name_hash}
    return await _opened_or_there(session, values, lambda: queries.account_by_name(session, role, name_hash))


def issue_token(signer: Signer, account: Account, ttl: timedelta, session_id: UUID | None = None) -> str:
    return signer.sign(account.id, account.role, ttl, session_id)


async def who_is(session: AsyncSession, account_id: UUID) -> Account:
    """The account behind a sound token. Raises Unauthenticated when it is no more."""
    return _there_still(await queries.account(session, account_id))


async def locked(session: WriteSession, account_id: UUID) -> Account:
    """The same, locked."""
    return _there_still(await queries.locked_account(session, account_id))


async def rename(session: WriteSession, vault: Vault, account_id: UUID, version: int | None, name: str) -> Account:
    """Go by another name; that it changed is told, the name is not. Raises NameTaken, StaleVersion, Unauthenticated."""
    account = await locked(session, account_id)
    account.must_be(version)
    if account.rename(name, vault):
        try:
            await session.flush()
        except IntegrityError as error:
            raise NameTaken() from error
        session.emit(account.changed())
    return account


async def names(session: AsyncSession, vault: Vault, ids: Collection[UUID]) -> dict[UUID, str]:
    """What those of these accounts go by that have a name."""
    found = {account.id: account.name(vault) for account in await queries.accounts(session, ids)}
    return {account_id: name for account_id, name in found.items() if name}


async def contacts(session: AsyncSession, vault: Vault, ids: Collection[UUID]) -> dict[UUID, Contact]:
    """Of these accounts, what a partner may be shown who has to find them: never a whole number."""
    found = {}
    for account in await queries.accounts(session, ids):
        phone = account.phone(vault)
        found[account.id] = Contact(account.name(vault), None if phone is None else masked(phone))
    return found


async def send_code(db: Database, desk: SignIn, phone: str, language: Language = "zh-CN") -> None:
    """Send a code to `phone`. Nothing tells whether the phone has an account. Raises TooManyCodes, Unavailable."""
    code = f"{secrets.randbelow(1_000_000):06}"
    phone_hash = _phone_hash(desk.vault, phone)
    async with db.transaction() as session:
        entry = await _code_entry(session, phone_hash)
        entry.renew(_code_hash(desk.vault, phone, code), await database_now(session))
    try:
        await desk.send_code(phone, code, language)
    except Exception as error:
        # its text may hold the number, so neither the text nor the trace is logged
        log.error("code_not_sent", error=type(error).__name__, status=getattr(error, "status", None))
        async with db.transaction() as session:
            (await _code_entry(session, phone_hash)).was_not_sent()
        raise Unavailable(headers={"Retry-After": "5"}) from None


async def forget_codes(db: Database) -> None:
    """Delete codes a day after they ended; the worker runs this now and then."""
    await delete_in_batches(db, Code.__table__, Code.expires_at < func.now() - timedelta(days=1))


async def spend_code(session: WriteSession, vault: Vault, phone: str, code: str) -> bool:
    """Whether that is the phone's code. A wrong guess is counted, so the transaction has to commit either way."""
    entry = await queries.code_for_update(session, _phone_hash(vault, phone))
    return entry is not None and entry.spend(_code_hash(vault, phone, code), await database_now(session))


async def proven_client(db: Database, client_id: str, secret: str) -> Client:
    """The client with that secret. Raises InvalidClient.

    By the time that the secret is checked the client may have another: who acts upon it asks `still_good`.
    """
    client = await known_client(db, client_id)
    # an unknown id takes as long as a wrong secret
    good = await hashing.matches(client.secret_hash if client else None, secret)
    if client is None or not good:
        raise InvalidClient()
    return client


async def known_client(db: Database, client_id: str) -> Client | None:
    async with db.reading() as session:
        # ids are printable; PostgreSQL would choke on U+0000
        return await queries.client(session, client_id) if client_id.isprintable() else None


async def still_good(session: WriteSession, client: Client) -> bool:
    """Whether a client is there with the secret that it had, and stays so until this transaction ends."""
    kept = await queries.kept_client(session, client.client_id)
    return kept is not None and kept.secret_hash == client.secret_hash


async def account_of_phone(session: WriteSession, vault: Vault, phone: str, role: Role | None) -> Account:
    """The account of a phone whose code was spent, opened if need be. Raises AnotherRole, RoleNotOpen."""
    phone_hash = _phone_hash(vault, phone)
    known = await queries.account_by_phone(session, phone_hash)
    if known is None:
        known = await _open_by_phone(session, vault, phone, role or "citizen")
    if role not in {None, known.role}:
        raise AnotherRole()
    return known


async def _open_by_phone(session: WriteSession, vault: Vault, phone: str, role: Role) -> Account:
    if role not in OPENED_BY_PHONE:
        raise RoleNotOpen(known=", ".join(sorted(OPENED_BY_PHONE)))
    account_id, phone_hash = uuid7(), _phone_hash(vault, phone)
    sealed = vault.seal(phone, about_phone(account_id))
    values = {"id": account_id, "role": role, "phone_encrypted": sealed, "phone_hash": phone_hash}
    return await _opened_or_there(session, values, lambda: queries.account_by_phone(session, phone_hash))


async def _opened_or_there(
    session: WriteSession, values: Mapping[str, object], find: Callable[[], Awaitable[Account | None]]
) -> Account:
    """The account of these values, opened if need be. One in the way may be erased before it is found: then again."""
    while True:
        account = await _open(session, values) or await find()
        if account is not None:
            return account


async def _open(session: WriteSession, values: Mapping[str, object]) -> Account | None:
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


def _there_still(account: Account | None) -> Account:
    if account is None or account.erased_at is not None:
        raise Unauthenticated(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    return account


def _phone_hash(vault: Vault, phone: str) -> bytes:
    return vault.fingerprint("phone", phone)


def _code_hash(vault: Vault, phone: str, code: str) -> bytes:
    return vault.fingerprint("code", phone, code)
