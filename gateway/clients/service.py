"""What can be done with the keys of one's own account: its machines' ways in.

A key must not beget keys: else whoever got hold of one would keep a way in after it was rotated. So they are managed
by a person alone, whose session began by a code (or, on one machine, as a guest of the demonstration), or with a token
that the operator made.
"""

import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.auth import Caller
from chassis.db import WriteSession
from chassis.problems import NotFound
from gateway.accounts import hashing
from gateway.accounts import service as accounts
from gateway.accounts.models import Client
from gateway.clients import queries
from gateway.clients.models import CLIENTS_MAX, PersonNeeded, TooManyClients
from gateway.clients.queries import Known
from gateway.sessions.service import end_of_client


@dataclass(frozen=True, slots=True)
class NewSecret:
    """`hashed` is what is kept of it."""

    secret: str
    hashed: str

    @classmethod
    async def make(cls) -> "NewSecret":
        """Before any statement, so that no transaction waits for the hashing."""
        secret = secrets.token_urlsafe(32)
        return cls(secret, await hashing.hashed(secret))


async def create(session: WriteSession, caller: Caller, new: NewSecret) -> str:
    """A new key of the caller's account; its id. Raises PersonNeeded, TooManyClients."""
    await must_be_a_person(session, caller)
    await accounts.locked(session, caller.account_id)  # so that two who ask at once are counted one after the other
    if len(await queries.clients_of(session, caller.account_id)) >= CLIENTS_MAX:
        raise TooManyClients(most=CLIENTS_MAX)
    client_id = f"dj_{secrets.token_hex(12)}"
    session.add(Client(client_id=client_id, account_id=caller.account_id, secret_hash=new.hashed))
    return client_id


async def rotate(session: WriteSession, caller: Caller, client_id: str, new: NewSecret) -> None:
    """Give it another secret; the old one, and what it let in, is good no more. Raises PersonNeeded, NotFound."""
    await must_be_a_person(session, caller)
    client = await _locked(session, caller.account_id, client_id)
    client.secret_hash = new.hashed
    await end_of_client(session, client_id)


async def revoke(session: WriteSession, caller: Caller, client_id: str) -> Known:
    """Take it back, and end what it let in; as it was. Raises PersonNeeded, NotFound."""
    await must_be_a_person(session, caller)
    client = await _locked(session, caller.account_id, client_id)
    (known,) = [each for each in await queries.clients_of(session, caller.account_id) if each.client_id == client_id]
    await session.delete(client)
    return known


async def must_be_a_person(session: AsyncSession, caller: Caller) -> None:
    """A token without a session is the operator's own (`duijie token`). Raises PersonNeeded."""
    if caller.session_id is None:
        return
    begun = await queries.session_of(session, caller.account_id, caller.session_id)
    if begun is None or begun.client_id is not None:
        raise PersonNeeded()


async def _locked(session: WriteSession, account_id: UUID, client_id: str) -> Client:
    client = await queries.locked_client(session, account_id, client_id) if client_id.isprintable() else None
    if client is None:
        raise NotFound()
    return client
