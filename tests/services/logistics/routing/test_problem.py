"""The daily shift as instants, and what a problem refuses."""

from datetime import UTC, datetime, time

import pytest

from services.logistics.routing.problem import (
    Point,
    Problem,
    Stop,
    Told,
    VehicleRoute,
    clocks_from,
    moved_stops,
    shift_from,
)
from tests.services.logistics.routing.worlds import DAWN, HOUR, task, vehicle


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("depart_at", "start", "end", "shift"),
    [
        (at(23, 2), time(6), time(18), (at(22, 22), at(23, 10))),  # 10:00 in Shanghai: it runs
        (at(23, 11), time(6), time(18), (at(23, 22), at(24, 10))),  # 19:00: tomorrow's
        (at(23, 10), time(6), time(18), (at(23, 22), at(24, 10))),  # the moment it ends
        (at(22, 18), time(20), time(4), (at(22, 12), at(22, 20))),  # 02:00: last night's still runs
        (at(23, 2), time(20), time(4), (at(23, 12), at(23, 20))),  # 10:00: tonight's
    ],
)
def test_the_shift_is_the_one_that_runs_or_the_next(
    depart_at: datetime, start: time, end: time, shift: tuple[datetime, datetime]
) -> None:
    assert shift_from(depart_at, start, end) == shift


@pytest.mark.parametrize(
    ("start", "end", "break_"),
    [
        ("08:00", "09:00", (at(23, 0), at(23, 1))),
        ("06:00", "06:30", (at(22, 22), at(22, 22) + HOUR / 2)),  # as the shift begins
        ("23:30", "00:30", (at(23, 15) + HOUR / 2, at(23, 16) + HOUR / 2)),  # past midnight
        ("05:00", "05:30", (at(23, 21), at(23, 21) + HOUR / 2)),  # on the next day
    ],
)
def test_a_break_is_the_next_that_clocks_show_after_the_shift_begins(
    start: str, end: str, break_: tuple[datetime, datetime]
) -> None:
    assert clocks_from(at(22, 22), start, end) == break_


def route(name: str, *stops: str) -> VehicleRoute:
    told = [Told(each[1:], "pickup" if each[0] == "+" else "delivery") for each in stops]
    made = tuple(Stop(each.shipment_id, each.type, DAWN, DAWN, 0, 0) for each in told)
    return VehicleRoute(name, DAWN, DAWN, 0, 0, 0, 0, made)


@pytest.mark.parametrize(
    ("now", "moved"),
    [
        ([route("v", "+a", "+b", "-a", "-b")], 0),
        ([route("v", "+n", "+a", "+b", "-n", "-a", "-b")], 0),  # a new one among them
        ([route("v", "+a", "+b", "-b", "-a")], 1),
        ([route("v", "+b", "-b", "+a", "-a")], 2),
        ([route("v", "+a", "-a"), route("w", "+b", "-b")], 2),
        ([route("w", "+a", "+b", "-a", "-b")], 4),
        ([], 4),
    ],
)
def test_a_stop_has_moved_when_it_is_elsewhere_or_out_of_the_order_of_the_others(
    now: list[VehicleRoute], moved: int
) -> None:
    told = {"v": [Told(stop.shipment_id, stop.type) for stop in route("v", "+a", "+b", "-a", "-b").stops]}
    assert moved_stops(told, now) == moved


def test_freshness_binds_when_it_ends_before_the_buyers_window() -> None:
    fresh = task(deliver_by=DAWN + 30 * HOUR, spoils_at=DAWN + 40 * HOUR, min_life=24 * HOUR)
    assert fresh.latest_arrival == DAWN + 16 * HOUR
    assert fresh.late_reason == "spoils_before_arrival"
    assert task().late_reason == "window"


def test_a_point_shared_by_many_stands_in_the_matrix_once() -> None:
    problem = Problem((vehicle("a"), vehicle("b")), (task("s1"), task("s2")), DAWN)
    assert problem.points() == (Point(118.0, 33.0), Point(118.2, 33.1), Point(118.5, 33.3))


def test_one_id_names_one_thing() -> None:
    with pytest.raises(ValueError, match="vehicles"):
        Problem((vehicle("a"), vehicle("a")), (), DAWN)
    with pytest.raises(ValueError, match="shipment"):
        Problem((), (task("a"), task("a")), DAWN)
