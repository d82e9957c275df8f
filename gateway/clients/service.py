"""What can be done with the keys of one's own account: its machines' ways in.

A key must not beget keys: else whoever got hold of one would keep a way in after it was rotated. So they are managed
by a person alone, whose session began by a code (or, on one machine, as a guest of the demonstration), or with a token
that the operator made and that says so. The operator's own commands are here, too.
"""

import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.auth import Caller
from chassis.db import WriteSession
from chassis.problems import must_exist
from chassis.vault import Vault
from contracts.accounts import Role
from gateway.accounts import hashing
from gateway.accounts import service as accounts
from gateway.accounts.models import Client
from gateway.clients import queries
from gateway.clients.models import CLIENTS_MAX, PersonNeeded, TooManyClients
from gateway.clients.queries import Known
from gateway.sessions import queries as sessions
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
    return _added(session, caller.account_id, new)


async def rotate(session: WriteSession, caller: Caller, client_id: str, new: NewSecret) -> None:
    """Give it another secret; the old one, and what it let in, is good no more. Raises PersonNeeded, NotFound."""
    await must_be_a_person(session, caller)
    await _rotate(session, await _locked(session, client_id, caller.account_id), new)


async def revoke(session: WriteSession, caller: Caller, client_id: str) -> Known:
    """Take it back, and end what it let in; as it was. Raises PersonNeeded, NotFound."""
    await must_be_a_person(session, caller)
    client = await _locked(session, client_id, caller.account_id)
    (known,) = [each for each in await queries.clients_of(session, caller.account_id) if each.client_id == client_id]
    await _revoke(session, client)
    return known


async def create_for(session: WriteSession, vault: Vault, role: Role, name: str) -> tuple[str, str]:
    """The operator's: a new client of that account, opened if need be; its id, and the secret that is not kept."""
    new = await NewSecret.make()
    account = await accounts.account_for(session, vault, role, name)
    return _added(session, account.id, new), new.secret


async def rotate_any(session: WriteSession, client_id: str) -> str:
    """The operator's: another secret for whosever client; as `rotate`. Raises NotFound."""
    new = await NewSecret.make()
    await _rotate(session, await _locked(session, client_id), new)
    return new.secret


async def revoke_any(session: WriteSession, client_id: str) -> None:
    """The operator's: as `revoke`. Raises NotFound."""
    await _revoke(session, await _locked(session, client_id))


def _added(session: WriteSession, account_id: UUID, new: NewSecret) -> str:
    client_id = f"dj_{secrets.token_hex(12)}"
    session.add(Client(client_id=client_id, account_id=account_id, secret_hash=new.hashed))
    return client_id


async def _rotate(session: WriteSession, locked: Client, new: NewSecret) -> None:
    locked.secret_hash = new.hashed
    await end_of_client(session, locked.client_id)


async def _revoke(session: WriteSession, locked: Client) -> None:
    await end_of_client(session, locked.client_id)  # its sessions would go with its row, and nobody would know
    await session.delete(locked)


async def must_be_a_person(session: AsyncSession, caller: Caller) -> None:
    """Of a token that says nothing of where it came from nobody knows: an older gateway gives such, to keys, too.

    Raises PersonNeeded.
    """
    if caller.by_operator:
        return
    begun = caller.session_id and await sessions.lasting(session, caller.account_id, caller.session_id)
    if not begun or begun.client_id is not None:
        raise PersonNeeded()


async def _locked(session: WriteSession, client_id: str, account_id: UUID | None = None) -> Client:
    """The client of that id, which is the account's where one is named. Raises NotFound."""
    return must_exist(await queries.locked_client(session, client_id, account_id) if client_id.isprintable() else None)
