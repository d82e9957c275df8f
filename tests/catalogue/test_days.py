"""Days of China, whatever the zone that a moment is told in."""

from datetime import UTC, date, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from catalogue.days import bounds_of, local_day, span_of

DAY = date(2026, 11, 24)
ANYWHERE = st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-7))])
MOMENTS = st.datetimes(datetime(2000, 1, 2), datetime(2100, 12, 30), timezones=ANYWHERE)


def test_a_day_begins_eight_hours_before_that_of_greenwich() -> None:
    begins, ends = bounds_of(DAY)
    assert begins == datetime(2026, 11, 23, 16, tzinfo=UTC)
    assert ends == datetime(2026, 11, 24, 16, tzinfo=UTC)
    assert begins.tzinfo == ends.tzinfo == UTC


def test_its_first_moment_is_its_own_and_its_last_is_the_next_days() -> None:
    begins, ends = bounds_of(DAY)
    assert local_day(begins) == local_day(ends - timedelta(microseconds=1)) == DAY
    assert local_day(begins - timedelta(microseconds=1)) == date(2026, 11, 23)
    assert local_day(ends) == date(2026, 11, 25)


@given(MOMENTS)
def test_a_moment_lies_within_its_day_wherever_it_was_told(moment: datetime) -> None:
    begins, ends = bounds_of(local_day(moment))
    assert begins <= moment < ends


@given(MOMENTS, st.integers(1, 40))
def test_a_span_is_told_by_its_days_and_where_it_is_not_of_whole_ones_by_the_times_of_day(
    moment: datetime, days: int
) -> None:
    first = local_day(moment)
    last = first + timedelta(days=days)
    begins, ends = bounds_of(first)[0], bounds_of(last)[1]
    assert span_of(*bounds_of(first)) == f"{first}", "one day is told once"
    assert span_of(begins, ends) == f"{first} – {last}"
    assert span_of(begins, ends - timedelta(hours=1)) == f"{first} 00:00 – {last} 23:00"
    assert span_of(begins + timedelta(hours=12), ends) == f"{first} 12:00 – {last + timedelta(days=1)} 00:00"
