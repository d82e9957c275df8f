"""What can be done with one's own data: taking it along, and having it forgotten."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.auth import Caller
from chassis.clock import database_now
from chassis.db import Database, WriteSession
from chassis.idempotency import forget_callers
from chassis.vault import Vault
from gateway.accounts import service as accounts
from gateway.accounts.models import Account, Client, Code, InvalidClient
from gateway.accounts.service import SignIn
from gateway.clients import queries as clients
from gateway.clients.schemas import ClientOut
from gateway.personal.models import NotProven
from gateway.personal.schemas import Owned, Proof
from gateway.sessions import queries as sessions
from gateway.sessions.schemas import SessionOut
from gateway.sessions.service import end_all

log = structlog.get_logger()

SESSIONS_MAX = 10_000


async def own_rows(session: AsyncSession, vault: Vault, caller: Caller) -> dict[str, Any]:
    """What the gateway itself holds of the account."""
    account = await accounts.who_is(session, caller.account_id)
    rows = await sessions.sessions_of(session, caller.account_id, before=None, limit=SESSIONS_MAX)
    keys = await clients.clients_of(session, caller.account_id)
    return {
        "account": Owned.whole(account, vault).model_dump(mode="json"),
        "sessions": [SessionOut.of(row, caller.session_id).model_dump(mode="json") for row in rows],
        "clients": [ClientOut.of(key).model_dump(mode="json") for key in keys],
    }


async def erase(db: Database, desk: SignIn, account_id: UUID, proof: Proof, forgotten: Callable[[UUID], None]) -> None:
    """Forget whose the account is, and tell everyone who keeps anything of it; `forgotten` hears of it at once.

    Raises NotProven, without a trace but for a wrong guess of the code, which is counted.
    """
    client = await _its_client(db, account_id, proof)
    proven = False
    async with db.transaction() as session:
        phone = (await accounts.who_is(session, account_id)).phone(desk.vault)
        if phone is not None and proof.code is not None:
            proven = await accounts.spend_code(session, desk.vault, phone, proof.code)
        account = await accounts.locked(session, account_id)  # after its code, as signing in locks them
        # whoever has a phone proves it by that alone: a key can be made by any session of theirs
        by_key = client is not None and phone is None and await accounts.still_good(session, client)
        if proven or by_key:
            proven = True
            await _forget(session, account)
            session.emit(account.erased())
            session.when_committed(partial(forgotten, account_id))
    if not proven:
        raise NotProven()
    log.info("account_erased", account_id=str(account_id))


async def _its_client(db: Database, account_id: UUID, proof: Proof) -> Client | None:
    """The account's own client that is proven; for any other no secret is hashed, which is dear."""
    if proof.client_id is None or proof.client_secret is None:
        return None
    client = await accounts.known_client(db, proof.client_id)
    if client is None or client.account_id != account_id:
        return None
    try:
        return await accounts.proven_client(db, proof.client_id, proof.client_secret)
    except InvalidClient:
        return None


async def _forget(session: WriteSession, account: Account) -> None:
    await end_all(session, account.id)
    await session.execute(delete(Client).where(Client.account_id == account.id))
    await session.execute(delete(Code).where(Code.phone_hash == account.phone_hash))
    await forget_callers(session, {account.id})
    account.erase(await database_now(session))
