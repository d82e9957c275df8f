"""When a delivery is tried again."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.webhooks.retrying import Policy

NOW = datetime(2026, 11, 29, tzinfo=UTC)
PLAIN = Policy(jitter=lambda: 0.0)
DAY_S = 86_400


def test_the_table_is_that_of_standard_webhooks() -> None:
    pauses_s = [PLAIN.pause_s(tries, 500, None, NOW) for tries in range(1, 11)]
    hours = [5 / 3600, 5 / 60, 0.5, 2, 5, 10, 14, 20, 24]
    assert pauses_s == [*(hour * 3600 for hour in hours), None]


@given(st.integers(1, 9))
def test_pauses_are_drawn_within_a_fifth(tries: int) -> None:
    plain = PLAIN.pause_s(tries, None, None, NOW)
    drawn = Policy().pause_s(tries, None, None, NOW)
    assert plain is not None
    assert drawn is not None
    assert plain <= drawn <= 1.2 * plain


@pytest.mark.parametrize(
    ("said", "pause_s"),
    [
        ("60", 60),
        ("1", 5),
        ("0", 5),
        ("-5", 5),
        ("x", 5),
        ("", 5),
        ("٣٦٠", 5),
        ("9" * 400, DAY_S),
        (format_datetime(NOW + timedelta(minutes=2), usegmt=True), 120),
        (format_datetime(NOW - timedelta(minutes=2), usegmt=True), 5),
        (format_datetime(NOW + timedelta(days=9), usegmt=True), DAY_S),
        ("Sun, 29 Nov 2026 00:02:00", 5),
        (f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT", 5),
        (f"Mon, 01 Jan 2027 {'9' * 20}:00:00 GMT", 5),
        (f"Mon, 01 Jan 2027 00:00:00 +{'9' * 20}", 5),
        ("Fri, 31 Dec 9999 23:59:59 -2359", DAY_S),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 5),
    ],
)
def test_retry_after_lengthens_a_pause_up_to_a_day_and_never_shortens_it(said: str, pause_s: float) -> None:
    for status in (429, 503):
        assert PLAIN.pause_s(1, status, said, NOW) == pause_s
    assert PLAIN.pause_s(1, 500, said, NOW) == 5
    assert PLAIN.pause_s(10, 429, said, NOW) is None


DATES = st.from_regex(
    r"(Mon, )?[0-9]{1,30} Jan [0-9]{1,30} [0-9]{1,30}:[0-9]{2}:[0-9]{2} ([+-][0-9]{1,30}|GMT)?", fullmatch=True
)


@given(st.text() | DATES, st.integers(1, 9))
def test_whatever_is_said_there_is_a_pause(said: str, tries: int) -> None:
    pause_s = Policy().pause_s(tries, 503, said, NOW)
    assert pause_s is not None
    assert 5 <= pause_s <= 1.2 * DAY_S
