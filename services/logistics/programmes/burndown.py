"""How a programme's money goes down, and when it ends at the present rate. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.logistics.programmes.models import SECONDS_PER_DAY, Money
from services.logistics.subsidy.seals import Seal

CENTURY = timedelta(days=36_525)
RATE_OVER = timedelta(days=7)
"""The present rate is that of so many days."""


@dataclass(frozen=True, slots=True)
class BurnDown:
    """`rate_fen_per_day` is what was committed (reserved, posted or paid) a day of late, less what came back.

    `ends_at` is when nothing is left at that rate, at most a century on; None where nothing goes out.
    """

    days: Sequence[Seal]
    rate_fen_per_day: int
    ends_at: datetime | None


def burn_down(days: Sequence[Seal], ends: Sequence[datetime], money: Money, since: datetime) -> BurnDown:
    """`ends`: when each of these sealed days was over; `since`: when the programme began, with nothing committed."""
    points = [(since, 0), *((end, seal.budget_fen - seal.available_fen) for end, seal in zip(ends, days, strict=True))]
    begins = money.read_at - RATE_OVER
    behind = [point for point in points if point[0] <= begins]
    then, committed_fen = behind[-1] if behind else points[0]
    elapsed_s = (money.read_at - then).total_seconds()
    spent_fen = money.budget_fen - money.available_fen - committed_fen
    rate_fen = 0 if elapsed_s <= 0 else round(spent_fen * SECONDS_PER_DAY / elapsed_s)
    ends_at = None
    if rate_fen > 0:
        ends_at = money.read_at + min(timedelta(days=money.available_fen / rate_fen), CENTURY)
    return BurnDown(days, max(rate_fen, 0), ends_at)
