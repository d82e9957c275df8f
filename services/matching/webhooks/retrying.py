"""When a delivery that failed is tried again, and when no more: the retry table of Standard Webhooks."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

MINUTE_S, HOUR_S = 60.0, 3600.0

RETRY_TABLE_S = (
    5.0,
    5 * MINUTE_S,
    30 * MINUTE_S,
    2 * HOUR_S,
    5 * HOUR_S,
    10 * HOUR_S,
    14 * HOUR_S,
    20 * HOUR_S,
    24 * HOUR_S,
)
"""The pauses after each failure; the first try is made at once. After the last of them nothing is tried any more."""
JITTER = 0.2
RETRY_AFTER_MAX_S = 24 * HOUR_S

GONE = 410
WAIT_STATUSES = (429, 503)


@dataclass(frozen=True, slots=True)
class Policy:
    """How long to wait after each failure. `jitter` draws between 0 and 1."""

    pauses_s: Sequence[float] = RETRY_TABLE_S
    jitter: Callable[[], float] = random.random

    def pause_s(self, tries: int, status: int | None, retry_after: str | None, now: datetime) -> float | None:
        """For how long to wait when the `tries`-th try failed so; None: it was the last.

        `Retry-After` may lengthen a pause, up to a day, and never shortens it: who says 1 s again and again would use
        all tries up within seconds.
        """
        if tries > len(self.pauses_s):
            return None
        pause_s = self.pauses_s[tries - 1] * (1 + JITTER * self.jitter())
        if status in WAIT_STATUSES and retry_after is not None:
            return max(pause_s, min(_seconds(retry_after, now), RETRY_AFTER_MAX_S))
        return pause_s


def _seconds(retry_after: str, now: datetime) -> float:
    """RFC 9110, section 10.2.3: seconds, or a date; 0 for what is neither."""
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after[:9])
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - now).total_seconds())
    except (ValueError, TypeError, OverflowError):  # no date; one without a zone; a year or a zone beyond all
        return 0.0
