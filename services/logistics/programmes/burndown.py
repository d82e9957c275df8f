"""How fast a programme's money goes, and when it ends at that rate. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

RATE_OVER: Final = timedelta(days=7)
"""The present rate is that of so many days."""
DAY: Final = timedelta(days=1)
CENTURY_DAYS: Final = 36_525


@dataclass(frozen=True, slots=True)
class Rate:
    """What was committed (reserved, posted or paid) a day of late, less what came back; and when nothing is left at
    that rate, at most a century on. None where nothing goes out."""

    fen_per_day: int
    ends_at: datetime | None


def rate(
    sealed: Sequence[tuple[datetime, int]], since: datetime, now: datetime, committed_fen: int, available_fen: int
) -> Rate:
    """`sealed`: when days were over, in their order, and what was committed then; on days between nothing was entered.
    `since`: when the programme began, with nothing committed."""
    begins = max(now - RATE_OVER, since)
    before_fen = [fen for over_at, fen in sealed if over_at <= begins]
    elapsed = max(now - begins, DAY)  # of its first day, what that took so far
    spent_fen = committed_fen - (before_fen[-1] if before_fen else 0)
    fen_per_day = round(spent_fen * (DAY / elapsed))
    if fen_per_day <= 0:
        return Rate(0, None)
    return Rate(fen_per_day, now + min(available_fen / fen_per_day, CENTURY_DAYS) * DAY)
