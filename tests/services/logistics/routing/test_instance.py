"""A problem in seconds and row numbers: rounded against us, and what a vehicle alone could not do."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.logistics.routing.instance import ALWAYS_WORTH_IT, MILLI, Instance
from services.logistics.routing.matrix import great_circle
from services.logistics.routing.problem import Point, Problem, Reason
from tests.services.logistics.routing.worlds import DAWN, HOUR, task, vehicle, world

SECOND = timedelta(seconds=1)


def instance(van: dict[str, Any] | None = None, lot: dict[str, Any] | None = None) -> Instance:
    problem = Problem((vehicle(**(van or {})),), (task(**(lot or {})),), DAWN)
    return Instance.of(problem, great_circle(problem.points()))


def way_s(one: Instance, *stops: int) -> int:
    return sum(one.duration_s[here, there] for here, there in pairwise(stops))


@pytest.mark.parametrize(
    ("part", "seconds"), [(timedelta(0), 60), (timedelta(microseconds=1), 61), (timedelta(microseconds=999_999), 61)]
)
def test_what_is_ready_within_a_second_is_ready_after_it(part: timedelta, seconds: int) -> None:
    assert instance(lot={"ready_at": DAWN + 60 * SECOND + part}).jobs[0].ready_s == seconds
    assert instance(van={"shift_start": DAWN + 60 * SECOND + part}).carriers[0].start_s == seconds


@pytest.mark.parametrize("part", [timedelta(0), timedelta(microseconds=1), timedelta(microseconds=999_999)])
def test_what_is_due_within_a_second_is_due_before_it(part: timedelta) -> None:
    assert instance(lot={"deliver_by": DAWN + 60 * SECOND + part}).jobs[0].due_s == 60
    assert instance(van={"shift_end": DAWN + 60 * SECOND + part}).carriers[0].end_s == 60


def test_nothing_begins_before_the_departure() -> None:
    one = instance(van={"shift_start": DAWN - 5 * HOUR}, lot={"ready_at": DAWN - 9 * HOUR})
    assert (one.carriers[0].start_s, one.jobs[0].ready_s) == (0, 0)


def test_what_is_due_before_the_departure_stays_so() -> None:
    one = instance(lot={"deliver_by": DAWN - HOUR})
    assert one.jobs[0].due_s == -3600
    assert one.alone(0, 0) == {"window"}


def test_the_due_time_is_the_earlier_of_the_window_and_the_freshness() -> None:
    fresh = instance(lot={"spoils_at": DAWN + 26 * HOUR, "min_life": 24 * HOUR, "deliver_by": DAWN + 5 * HOUR})
    assert (fresh.jobs[0].due_s, fresh.jobs[0].late_reason) == (7200, "spoils_before_arrival")
    window = instance(lot={"spoils_at": DAWN + 99 * HOUR, "deliver_by": DAWN + 5 * HOUR})
    assert (window.jobs[0].due_s, window.jobs[0].late_reason) == (18_000, "window")


def test_a_way_that_costs_nothing_still_has_a_length_to_save() -> None:
    assert instance(van={"cost_fen_per_km": 0}).carriers[0].cost == 1
    assert instance(van={"cost_fen_per_km": 7}).carriers[0].cost == 7


def test_by_default_no_detour_is_worth_more_than_a_shipment() -> None:
    problem = world(3, 20, 5)
    one = Instance.of(problem, great_circle(problem.points()))
    longest_m, dearest = int(one.matrix.distance_m.max()), max(carrier.cost for carrier in one.carriers)
    for job, asked in zip(one.jobs, problem.tasks, strict=True):
        if asked.prize_fen is None:
            assert job.prize > 4 * longest_m * dearest
            assert job.prize == ALWAYS_WORTH_IT * (longest_m + 1) * dearest
        else:
            assert job.prize == asked.prize_fen * MILLI


def test_the_largest_problem_that_can_be_asked_stays_inside_64_bits() -> None:
    """500 shipments half round the earth, at the dearest kilometre there is."""
    one = instance(van={"cost_fen_per_km": 1_000_000, "depot": Point(-180.0, -90.0)}, lot={"pickup": Point(0.0, 90.0)})
    assert 500 * one.jobs[0].prize < 2**62


@pytest.mark.parametrize(
    ("van", "lot", "reasons"),
    [
        ({}, {}, set()),
        ({"capacity_g": 999_999}, {}, {"capacity"}),
        ({"capacity_g": 1_000_000}, {}, set()),
        ({"temperature_classes": frozenset({"ambient"})}, {}, {"temperature_class"}),
        ({"temperature_classes": frozenset({"frozen"}), "capacity_g": 1}, {}, {"temperature_class", "capacity"}),
        ({"shift_end": DAWN}, {}, {"shift"}),
        ({"shift_end": DAWN}, {"deliver_by": DAWN}, {"shift", "window"}),
    ],
)
def test_what_a_vehicle_could_not_do_even_alone(van: dict[str, Any], lot: dict[str, Any], reasons: set[Reason]) -> None:
    assert instance(van, lot).alone(0, 0) == reasons


def test_it_is_in_time_to_the_second_and_not_a_second_later() -> None:
    free = instance(lot={"ready_at": DAWN})
    loaded_s = way_s(free, 0, 1) + free.jobs[0].pickup_s
    arrival_s = loaded_s + way_s(free, 1, 2)
    home_s = arrival_s + free.jobs[0].delivery_s + way_s(free, 2, 0)
    for spare_s, late in ((0, set()), (-1, {"window"})):
        due = {"ready_at": DAWN, "deliver_by": DAWN + (arrival_s + spare_s) * SECOND}
        assert instance(lot=due).alone(0, 0) == late
    for spare_s, late in ((0, set()), (-1, {"shift"})):
        ends = {"shift_end": DAWN + (home_s + spare_s) * SECOND}
        assert instance(ends, {"ready_at": DAWN}).alone(0, 0) == late


def test_waiting_for_the_lot_counts() -> None:
    ready_at = DAWN + 9 * HOUR
    assert instance(lot={"ready_at": ready_at, "deliver_by": DAWN + 9.5 * HOUR}).alone(0, 0) == {"window"}
    assert instance({"shift_end": ready_at}, {"ready_at": ready_at, "deliver_by": DAWN + 20 * HOUR}).alone(0, 0) == {
        "shift"
    }


@given(st.integers(0, 10_000))
def test_rows_follow_the_points_of_the_problem(seed: int) -> None:
    problem = world(seed, 4, 3)
    points = problem.points()
    one = Instance.of(problem, great_circle(points))
    assert [points[carrier.depot] for carrier in one.carriers] == [van.depot for van in problem.vehicles]
    assert [(points[job.pickup], points[job.delivery]) for job in one.jobs] == [
        (lot.pickup, lot.delivery) for lot in problem.tasks
    ]
    assert np.array_equal(np.asarray(one.distance_m), one.matrix.distance_m)
    assert isinstance(one.duration_s[0, 0], int)
