"""A programme's dates, its rule versions, and how long its money lasts."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.logistics.programmes.models import Money, Programme, RuleVersion
from services.logistics.programmes.schemas import NewProgramme, first_rule
from services.logistics.subsidy.eligibility import Caps, Conditions
from tests.support.subsidies import programme as body

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)


def version(number: int, effective_at: datetime, **changes: Any) -> RuleVersion:
    standard: dict[str, Any] = {"rate_fen": 100 * number, "adcodes": [], "produce": []}
    return RuleVersion(version=number, effective_at=effective_at, **(standard | changes))


def programme(*rules: RuleVersion) -> Programme:
    return Programme(id=uuid4(), kind="courier_parcel", starts_at=NOON, ends_at=NOON + 30 * DAY, rules=list(rules))


def money(available_fen: int, budget_fen: int = 1000, read_at: datetime = NOON + DAY) -> Money:
    return Money(
        budget_fen=budget_fen,
        available_fen=available_fen,
        reserved_fen=budget_fen - available_fen,
        posted_fen=0,
        paid_fen=0,
        reserved=0,
        posted=0,
        voided=0,
        reversed=0,
        refused=0,
        exhausted_at=None,
        version=1,
        read_at=read_at,
    )


@pytest.mark.parametrize(
    ("moment", "active"),
    [(NOON - TICK, False), (NOON, True), (NOON + 30 * DAY - TICK, True), (NOON + 30 * DAY, False)],
)
def test_it_is_active_from_its_start_until_just_before_its_end(moment: datetime, active: bool) -> None:
    assert programme().active_at(moment) is active


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        (NOON - 99 * DAY, 1),
        (NOON, 1),
        (NOON + DAY - TICK, 1),
        (NOON + DAY, 2),
        (NOON + 2 * DAY - TICK, 2),
        (NOON + 2 * DAY, 3),
        (NOON + 99 * DAY, 3),
    ],
)
def test_the_rules_of_a_moment_are_the_last_that_took_effect(moment: datetime, number: int) -> None:
    three = programme(*(version(each, NOON + (each - 1) * DAY) for each in (1, 2, 3)))
    assert three.version_at(moment).version == number
    rule = three.rule_at(moment)
    assert (rule.version, rule.rate_fen, rule.kind) == (number, 100 * number, "courier_parcel")


def test_a_rule_version_is_what_the_rule_looks_at() -> None:
    stored = version(
        4,
        NOON,
        poverty_832=True,
        watch_52=False,
        adcodes=["32", "3701"],
        produce=["apple"],
        per_producer_per_day=5,
        per_carrier_per_day=None,
    )
    rule = stored.rule("produce_support")
    assert rule.conditions == Conditions(True, False, frozenset({"32", "3701"}), frozenset({"apple"}))
    assert (rule.caps, rule.kind) == (Caps(5, None), "produce_support")


def test_without_conditions_the_first_rule_has_none() -> None:
    new = NewProgramme.model_validate(body())
    stored = first_rule(new)
    assert (stored.version, stored.effective_at, stored.rate_fen) == (1, new.starts_at, new.rate_fen)
    rule = stored.rule(new.kind)
    assert (rule.conditions, rule.caps) == (Conditions(), Caps())


def test_what_is_named_twice_in_the_conditions_counts_once() -> None:
    wanted = {"adcodes": ["37", "32", "37"], "produce": ["strawberry", "strawberry"], "watch_52": False}
    stored = first_rule(NewProgramme.model_validate(body(eligibility=wanted)))
    assert (stored.adcodes, stored.produce) == (["32", "37"], ["strawberry"])
    assert (stored.watch_52, stored.poverty_832) == (False, None)


@pytest.mark.parametrize(
    ("available_fen", "days_gone", "days_left"),
    [
        (1000, 1, None),  # nothing was spent
        (500, 1, 1.0),
        (750, 1, 3.0),
        (999, 2, 1998.0),
        (0, 5, 0.0),
        (667, 1, 2.0),
        (333, 0.5, 0.5),
    ],
)
def test_what_is_left_lasts_as_long_as_it_takes_to_spend_at_the_rate_so_far(
    available_fen: int, days_gone: float, days_left: float | None
) -> None:
    read_at = NOON + days_gone * DAY
    assert money(available_fen, read_at=read_at).days_left(NOON) == days_left


@pytest.mark.parametrize("since", [NOON + DAY, NOON + 2 * DAY])
def test_before_it_has_begun_there_is_no_rate(since: datetime) -> None:
    assert money(500, read_at=NOON + DAY).days_left(since) is None


@given(st.integers(1, 2**53 - 1), st.floats(0, 1), st.integers(1, 10**9))
def test_however_much_it_is_the_days_left_are_a_number_json_can_carry(budget: int, share: float, seconds: int) -> None:
    available = int(budget * share)
    left = money(available, budget, NOON + timedelta(seconds=seconds)).days_left(NOON)
    assert left is None or 0 <= left < float("inf")
    assert (left is None) == (available == budget)
