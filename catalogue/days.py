"""Days, which are China's: one zone for all of the country, whatever the clocks of a machine say."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")


def local_day(moment: datetime) -> date:
    """The day of a moment (Asia/Shanghai)."""
    return moment.astimezone(CHINA).date()


def bounds_of(day: date) -> tuple[datetime, datetime]:
    """When a day (Asia/Shanghai) begins, and when the next one does, in UTC."""
    begins = datetime.combine(day, time(), CHINA).astimezone(UTC)
    return begins, begins + timedelta(days=1)
