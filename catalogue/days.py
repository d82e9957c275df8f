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


def span_of(begins: datetime, ends: datetime) -> str:
    """The days of a span (Asia/Shanghai), the last one, too: `2026-12-01 – 2026-12-31`, or one alone; `ends` is not of
    it. Where it begins or ends within a day, with the times of day."""
    first, end = begins.astimezone(CHINA), ends.astimezone(CHINA)
    if first.time() != time() or end.time() != time():
        return f"{first:%Y-%m-%d %H:%M} – {end:%Y-%m-%d %H:%M}"
    last = (end - timedelta(microseconds=1)).date()
    return " – ".join(dict.fromkeys((first.date().isoformat(), last.isoformat())))
