"""A moment comes back from a cursor as it went in, and what is none is refused."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.cursors import microseconds_of, moment_of


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_comes_back_to_the_microsecond(moment: datetime) -> None:
    assert moment_of(str(microseconds_of(moment))) == moment


@pytest.mark.parametrize("text", ["-", "x", "1.5", "9" * 18, "9" * 400, "-" + "9" * 18])
def test_what_is_no_moment_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text[:9])):
        moment_of(text)
