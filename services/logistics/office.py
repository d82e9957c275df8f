"""Who sees whose money: the office everyone's, who is paid their own. And that a transfer is entered once."""

from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from chassis.auth import Caller
from chassis.db import WriteSession

OFFICE: Final = frozenset({"programme_officer", "auditor", "admin"})


def payee(caller: Caller) -> UUID | None:
    """Whose settlements and clawbacks a caller sees: their own; the office everyone's (None)."""
    return None if caller.role in OFFICE else caller.account_id


async def lock_reference(session: WriteSession, reference: str) -> None:
    """Of two who enter a transfer of the bank with one reference the second waits, and then finds it taken."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(reference, 0))))
