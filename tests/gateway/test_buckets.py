"""Token buckets: what they hold, how they fill, and what they cost in memory."""

import time

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from limits.errors import ConfigurationError

from gateway import buckets
from gateway.buckets import LocalBuckets, Rate, SharedBuckets, shared_buckets

WRITES = Rate("writes", per_s=100, burst=1000)


class Clock:
    """A monotonic clock that goes when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        monkeypatch.setattr(buckets.time, "monotonic", lambda: self.now_s)
        monkeypatch.setattr(buckets.time, "monotonic_ns", lambda: round(self.now_s * 1e9))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


async def granted(of: LocalBuckets | SharedBuckets, asked: int, whose: str = "a") -> int:
    return sum([(await of.take(whose)).granted for _ in range(asked)])


async def test_a_full_bucket_gives_its_burst_at_once_and_then_its_rate(clock: Clock) -> None:
    of = LocalBuckets(WRITES)
    assert await granted(of, 1100) == 1000
    clock.now_s += 0.5
    assert await granted(of, 100) == 50
    clock.now_s += 3600
    assert await granted(of, 1100) == 1000, "it holds no more after a long pause"


async def test_it_tells_what_is_left_and_when_there_is_more(clock: Clock) -> None:
    of = LocalBuckets(Rate("anonymous", per_s=10, burst=10))
    assert (await of.take("a")).left == 9
    await granted(of, 8)
    last = await of.take("a")
    assert (last.granted, last.left, round(last.more_in_s, 6)) == (True, 0, 1.0)
    refused = await of.take("a")
    assert (refused.granted, refused.left, round(refused.more_in_s, 6)) == (False, 0, 0.1)
    clock.now_s += 0.1
    assert (await of.take("a")).granted


async def test_one_callers_bucket_is_not_anothers(clock: Clock) -> None:
    of = LocalBuckets(WRITES)
    await granted(of, 1000, "a")
    assert await granted(of, 5, "a") == 0
    assert await granted(of, 5, "b") == 5


async def test_it_remembers_so_many_and_forgets_who_asked_least_lately(clock: Clock) -> None:
    of = LocalBuckets(Rate("small", per_s=1, burst=1), kept=100)
    for whose in ("a", "b"):
        assert (await of.take(whose)).granted
    for number in range(99):
        await of.take(f"other {number}")
    assert (await of.take("a")).granted, "forgotten, and so full again"
    assert len(of._full_at_ns) == 100


@given(steps=st.lists(st.tuples(st.floats(0, 2), st.integers(1, 40)), min_size=1, max_size=30))
async def test_whenever_one_asks_no_span_of_time_gives_more_than_a_burst_and_its_rate(
    steps: list[tuple[float, int]],
) -> None:
    rate, now_s = Rate("any", per_s=7, burst=20), 5.0
    of, given_at = LocalBuckets(rate), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buckets.time, "monotonic_ns", lambda: round(now_s * 1e9))
        for pause_s, asked in steps:
            now_s += pause_s
            given_at += [now_s] * await granted(of, asked)
    for first, begin_s in enumerate(given_at):
        for last in range(first, len(given_at)):
            assert last - first + 1 <= rate.burst + rate.per_s * (given_at[last] - begin_s) + 1e-6


async def test_gateways_that_share_a_store_count_together() -> None:
    one = SharedBuckets(WRITES, "async+memory://")
    other = SharedBuckets(WRITES, "async+memory://")
    other._window.storage = one._window.storage  # memory is each its own; a real store is one
    with time_machine.travel(time.time(), tick=False):
        assert await granted(one, 600) + await granted(other, 600) == 1000
        refused = await other.take("a")
    assert (refused.granted, refused.left) == (False, 0)
    assert 0 < refused.more_in_s <= WRITES.window_s


async def test_while_the_store_is_away_each_process_counts_for_itself_and_asks_again_later(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    of, asked = SharedBuckets(Rate("small", per_s=1, burst=3), "async+memory://"), 0

    async def away(*_: object) -> bool:
        nonlocal asked
        asked += 1
        raise ConnectionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(of._window, "hit", away)
        assert await granted(of, 10) == 3
        assert asked == 1
    clock.now_s += buckets.STORE_AGAIN_S
    with time_machine.travel(time.time(), tick=False):
        assert await granted(of, 10) == 3, "the store knows nothing of what went by meanwhile"


def test_a_store_that_can_not_be_is_said_so() -> None:
    with pytest.raises(ConfigurationError):
        shared_buckets("nonsense://here")(WRITES)
