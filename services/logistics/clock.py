"""Days, which are China's, and the ids that were made from a moment on. What decides is `chassis.clock`."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from chassis.problems import Text
from chassis.validation import invalid

DAYS = ZoneInfo("Asia/Shanghai")


def local_day(moment: datetime) -> date:
    """The day of a moment (Asia/Shanghai)."""
    return moment.astimezone(DAYS).date()


def bounds_of(day: date) -> tuple[datetime, datetime]:
    """When a day (Asia/Shanghai) begins, and when the next one does, in UTC."""
    begins = datetime.combine(day, time(), DAYS).astimezone(UTC)
    return begins, begins + timedelta(days=1)


def earliest_id(moment: datetime) -> UUID:
    """No id of version 7 that was made from then on is less: those begin with their milliseconds."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _of_this_century(day: date) -> date:
    if not 2000 <= day.year <= 2100:
        raise invalid("date_range", Text("日期须在 2000 至 2100 年之间。", "The date must lie between 2000 and 2100."))
    return day


Day = Annotated[date, AfterValidator(_of_this_century)]
"""A day in Asia/Shanghai, such as an `Instant` may fall on."""
