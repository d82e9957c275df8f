"""Ids of version 7, and when they were made."""

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from chassis.cursors import EPOCH
from chassis.ids import earliest_id, made_at_ms

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 12, 31), timezones=st.just(UTC))


def test_an_id_lies_between_the_bounds_of_when_it_was_made() -> None:
    before = datetime.now(UTC)
    made = uuid7()
    after = datetime.now(UTC) + timedelta(milliseconds=1)
    assert earliest_id(before) <= made < earliest_id(after)


def test_an_id_tells_when_it_was_made() -> None:
    before_ms = time.time_ns() // 1_000_000
    made_ms = made_at_ms(uuid7())
    assert made_ms is not None
    assert before_ms <= made_ms <= time.time_ns() // 1_000_000


def test_an_id_of_another_version_tells_nothing() -> None:
    assert made_at_ms(uuid4()) is None


@given(MOMENTS)
def test_the_earliest_id_is_that_of_the_millisecond_which_the_moment_lies_in(moment: datetime) -> None:
    begun = EPOCH + timedelta(milliseconds=earliest_id(moment).int >> 80)
    assert timedelta(0) <= moment - begun < timedelta(milliseconds=1)
    assert earliest_id(begun) == earliest_id(moment)
    assert earliest_id(moment) <= UUID(int=earliest_id(moment).int | 7 << 76 | 2 << 62)
