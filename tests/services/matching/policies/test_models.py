"""Periods: whoever activates what for when, at every instant exactly one version is in force."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser.policy import POLICY_1, Policy
from services.matching.policies.models import Period, policy_of, spans_of, weights_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST = Period(0, 1, EPOCH, EPOCH, "duijie")

hours = st.integers(0, 12).map(lambda hour: EPOCH + timedelta(hours=hour))
sequences = st.lists(st.tuples(st.integers(1, 4), hours), max_size=12).map(
    lambda drawn: [FIRST, *(Period(id_, version, at, at, "x") for id_, (version, at) in enumerate(drawn, 1))]
)


@given(periods=sequences, instant=hours)
def test_at_any_instant_exactly_one_is_in_force_the_latest_begun_and_of_these_the_last_entered(
    periods: list[Period], instant: datetime
) -> None:
    holding = [
        each for each in spans_of(periods) if each.starts_at <= instant and (not each.until or instant < each.until)
    ]
    begun = [each for each in periods if each.starts_at <= instant]
    latest = max(begun, key=lambda each: (each.starts_at, each.id))
    assert [(each.version, each.starts_at) for each in holding] == [(latest.version, latest.starts_at)]


@given(periods=sequences)
def test_spans_follow_each_other_without_a_gap_and_the_last_has_no_end(periods: list[Period]) -> None:
    spans = spans_of(periods)
    assert [each.until for each in spans] == [*(each.starts_at for each in spans[1:]), None]
    assert all(each.until is None or each.starts_at < each.until for each in spans)


@given(periods=sequences, later=st.tuples(st.integers(1, 4), st.integers(0, 5)))
def test_what_is_activated_for_an_instant_to_come_changes_nothing_before_it(
    periods: list[Period], later: tuple[int, int]
) -> None:
    now = max(each.starts_at for each in periods) + timedelta(hours=1)
    added = Period(len(periods), later[0], now + timedelta(hours=later[1]), now, "x")

    def before(which: list[Period]) -> list[tuple[int, datetime]]:
        return [(each.version, each.starts_at) for each in spans_of(which) if each.starts_at < added.starts_at]

    assert before([*periods, added]) == before(periods)


@given(detour=st.floats(1, 10), handling_us=st.integers(0, 10**13), falling=st.integers(0, 100))
def test_a_policy_is_stored_and_read_without_loss(detour: float, handling_us: int, falling: int) -> None:
    policy: Policy = replace(
        POLICY_1, version=7, detour=detour, handling_us=handling_us, spread_fen_per_kg=(100, falling, falling, 0)
    )
    stored = {name: list(value) if isinstance(value, tuple) else value for name, value in weights_of(policy).items()}
    assert policy_of(7, stored) == policy
