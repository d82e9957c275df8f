"""Who sees whose money: the office everyone's, who is paid their own."""

from typing import Final
from uuid import UUID

from chassis.auth import Caller

OFFICE: Final = frozenset({"programme_officer", "auditor", "admin"})


def payee(caller: Caller) -> UUID | None:
    """Whose settlements and clawbacks a caller sees: their own; the office everyone's (None)."""
    return None if caller.role in OFFICE else caller.account_id
