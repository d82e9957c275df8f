"""What can be done with one's own data: taking it along, and having it forgotten."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import Database, WriteSession
from chassis.vault import Vault
from gateway.accounts import queries as account_rows
from gateway.accounts import service as accounts
from gateway.accounts.models import Account, Client, Code, InvalidClient
from gateway.accounts.service import SignIn
from gateway.personal.models import NotProven
from gateway.personal.schemas import Owned, Proof
from gateway.sessions import queries as sessions
from gateway.sessions.schemas import SessionOut
from gateway.sessions.service import end_all

log = structlog.get_logger()

SESSIONS_MAX = 10_000


async def own_rows(session: AsyncSession, vault: Vault, account_id: UUID) -> dict[str, Any]:
    """What the gateway itself holds of the account."""
    account = await accounts.who_is(session, account_id)
    rows = await sessions.sessions_of(session, account_id, before=None, limit=SESSIONS_MAX)
    return {
        "account": Owned.whole(account, vault).model_dump(mode="json"),
        "sessions": [SessionOut.model_validate(row).model_dump(mode="json") for row in rows],
    }


async def erase(db: Database, desk: SignIn, account_id: UUID, proof: Proof, forgotten: Callable[[UUID], None]) -> None:
    """Forget whose the account is, and tell everyone who keeps anything of it; `forgotten` hears of it at once.

    Raises NotProven, without a trace but for a wrong guess of the code, which is counted.
    """
    proven = await _is_its_client(db, account_id, proof)
    async with db.transaction() as session:
        phone = (await accounts.who_is(session, account_id)).phone(desk.vault)
        if phone is not None and proof.code is not None:
            proven = await accounts.spend_code(session, desk.vault, phone, proof.code)
        if proven:
            account = await accounts.locked(session, account_id)  # after its code, as signing in locks them
            await _forget(session, account)
            session.emit(account.erased())
            session.when_committed(partial(forgotten, account_id))
    if not proven:
        raise NotProven()
    log.info("account_erased", account_id=str(account_id))


async def _is_its_client(db: Database, account_id: UUID, proof: Proof) -> bool:
    if proof.client_id is None or proof.client_secret is None:
        return False
    try:
        return (await accounts.account_of_client(db, proof.client_id, proof.client_secret)).id == account_id
    except InvalidClient:
        return False


async def _forget(session: WriteSession, account: Account) -> None:
    await end_all(session, account.id)
    await session.execute(delete(Client).where(Client.account_id == account.id))
    await session.execute(delete(Code).where(Code.phone_hash == account.phone_hash))
    now, _ = await account_rows.database_now(session)
    account.erase(now)
