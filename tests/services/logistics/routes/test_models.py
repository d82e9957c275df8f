"""A plan's leases: how often it is tried, for how long, and whose answer counts."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.logistics.routes.models import GRACE, MAX_ATTEMPTS, Plan

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
ANSWER: dict[str, Any] = {"vehicles": [], "unassigned": [], "distance_source": "great_circle"}


def plan(**changes: Any) -> Plan:
    standard: dict[str, Any] = {"id": uuid4(), "status": "planning", "limit_s": 10.0, "attempts": 0}
    return Plan(**(standard | changes))


def test_a_lease_is_as_long_as_the_plan_may_take_and_some() -> None:
    one = plan(limit_s=42.5)
    assert one.lease(NOON)
    assert (one.attempts, one.leased_until) == (1, NOON + timedelta(seconds=42.5) + GRACE)


def test_what_was_tried_as_often_as_it_may_be_fails_instead() -> None:
    one = plan(attempts=MAX_ATTEMPTS - 1)
    assert one.lease(NOON)
    assert not one.lease(NOON)
    assert (one.status, one.failure, one.leased_until, one.attempts) == ("failed", "planner_died", None, MAX_ATTEMPTS)


@pytest.mark.parametrize("attempt", range(1, MAX_ATTEMPTS + 1))
def test_given_back_the_next_may_begin_at_once_unless_it_was_the_last(attempt: int) -> None:
    one = plan(attempts=attempt, leased_until=NOON)
    one.give_back(attempt, "planner_error")
    assert one.leased_until is None
    last = attempt == MAX_ATTEMPTS
    assert (one.status, one.failure) == (("failed", "planner_error") if last else ("planning", None))


def test_nothing_is_given_back_of_another_planners_lease() -> None:
    one = plan(attempts=MAX_ATTEMPTS, leased_until=NOON)
    one.give_back(MAX_ATTEMPTS - 1, "planner_error")
    assert (one.status, one.leased_until) == ("planning", NOON)


@pytest.mark.parametrize("status", ["planned", "failed"])
def test_what_has_ended_is_neither_answered_nor_given_back(status: str) -> None:
    one = plan(status=status, attempts=1, answer=ANSWER if status == "planned" else None)
    one.finish({"vehicles": ["late"]})
    one.give_back(1, "planner_died")
    assert (one.status, one.failure) == (status, None)
    assert one.answer == (ANSWER if status == "planned" else None)


def test_an_answer_ends_the_lease() -> None:
    one = plan(attempts=1, leased_until=NOON)
    one.finish(ANSWER)
    assert (one.status, one.answer, one.leased_until, one.failure) == ("planned", ANSWER, None, None)


@given(st.lists(st.sampled_from(["lease", "give_back", "late", "finish"]), max_size=15))
def test_whatever_becomes_of_its_planners_it_ends_once_and_is_tried_no_more_than_it_may_be(steps: list[str]) -> None:
    one = plan()
    ended: tuple[object, ...] | None = None
    for step in steps:
        if step == "lease" and one.status == "planning":
            one.lease(NOON)
        elif step == "give_back":
            one.give_back(one.attempts, "planner_died")
        elif step == "late":
            one.give_back(one.attempts - 1, "planner_error")
        elif step == "finish":
            one.finish(ANSWER)
        assert one.attempts <= MAX_ATTEMPTS
        assert (one.status == "failed") == (one.failure is not None)
        assert (one.status == "planned") == (one.answer is not None)
        assert ended is None or ended == (one.status, one.failure)
        if one.status != "planning":
            ended = (one.status, one.failure)
            assert one.leased_until is None
