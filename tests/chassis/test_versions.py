"""Rows whose changes are counted."""

from dataclasses import dataclass

import pytest

from chassis.problems import StaleVersion
from chassis.versions import Versioned


@dataclass
class Thing(Versioned):
    version: int


@pytest.mark.parametrize("read", [3, None])
def test_who_read_the_present_version_or_names_none_may_change_it(read: int | None) -> None:
    Thing(3).must_be(read)


@pytest.mark.parametrize("read", [2, 4, 0, -3])
def test_who_read_another_version_is_told_the_present_one(read: int) -> None:
    with pytest.raises(StaleVersion) as refused:
        Thing(3).must_be(read)
    assert "3" in refused.value.body("en")["detail"]
