"""Moments in cursors: whole microseconds, as PostgreSQL keeps them, so that a page begins exactly where one ended."""

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds_of(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment_of(microseconds: str) -> datetime:
    """Raises ValueError for what is no moment."""
    try:
        return EPOCH + timedelta(microseconds=int(microseconds))
    except OverflowError as error:
        raise ValueError(microseconds) from error
