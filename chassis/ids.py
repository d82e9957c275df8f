"""What ids of version 7 (RFC 9562) tell of when they were made: they begin with 48 bits of milliseconds since 1970."""

from datetime import datetime, timedelta
from uuid import UUID

from chassis.cursors import EPOCH

BEHIND_MILLISECONDS = 80
"""Bits of an id that stand behind its milliseconds."""


def earliest_id(moment: datetime) -> UUID:
    """No id of version 7 that was made from then on is less."""
    return UUID(int=(moment - EPOCH) // timedelta(milliseconds=1) << BEHIND_MILLISECONDS)


def made_at_ms(made: UUID) -> int | None:
    """Milliseconds since 1970; None for an id of another version."""
    return made.int >> BEHIND_MILLISECONDS if made.version == 7 else None
