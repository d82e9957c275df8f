"""When the search stops."""

from time import perf_counter

import pytest

from services.logistics.routing.iterated import _Stop


def test_it_stops_before_an_iteration_that_would_overrun(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("services.logistics.routing.iterated.perf_counter", lambda: clock[0])
    stop = _Stop(deadline=10.0, tasks=1)
    ended = []
    for clock[0] in (0.0, 1.0, 5.0, 5.9, 6.1):  # the longest took 4 s
        ended.append(stop(100.0))
    assert ended == [False, False, False, False, True]


def test_it_stops_when_nothing_helps_any_more_and_counts_anew_after_each_improvement() -> None:
    stop = _Stop(deadline=perf_counter() + 60, tasks=0)
    assert not any(stop(100.0) for _ in range(2000))
    assert stop(100.0)
    stop = _Stop(deadline=perf_counter() + 60, tasks=0)
    assert not any(stop(100.0) for _ in range(1999))
    assert not any(stop(99.0) for _ in range(2000))
    assert stop(99.0)
