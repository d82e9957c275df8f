"""Shipments and vehicles as the general problem: rounded against us, and what a vehicle alone could not do."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.logistics.routing.as_fleet import MILLI, AsFleet
from services.logistics.routing.fleet.alone import hindrances
from services.logistics.routing.fleet.change import Change
from services.logistics.routing.fleet.model import PRIORITY_MAX, FleetPlan
from services.logistics.routing.fleet.worth import prize_of
from services.logistics.routing.matrix import great_circle
from services.logistics.routing.problem import HANDLING_S, STOPPING_S, Break, Point, Problem, Reason
from tests.services.logistics.routing.worlds import DAWN, HOUR, task, vehicle, world

SECOND = timedelta(seconds=1)


def as_fleet(problem: Problem) -> AsFleet:
    return AsFleet.of(problem, great_circle(problem.points()))


def one(van: dict[str, Any] | None = None, lot: dict[str, Any] | None = None) -> AsFleet:
    return as_fleet(Problem((vehicle(**(van or {})),), (task(**(lot or {})),), DAWN))


def loading(of: AsFleet) -> tuple[int, int]:
    return of.fleet.tasks[0].visits[0].windows[0]


def way_s(of: AsFleet, *stops: int) -> int:
    return sum(int(of.matrix.duration_s[here, there]) for here, there in pairwise(stops))


def alone(of: AsFleet) -> set[Reason]:
    """Why its vehicle could not carry its shipment even if it carried nothing else."""
    why = tuple(hindrances(of.fleet, 0, 0))
    plan = of.plan_of(FleetPlan((), {0: why}))
    return set(plan.unassigned[0].reasons)


@pytest.mark.parametrize(
    ("part", "seconds"), [(timedelta(0), 60), (timedelta(microseconds=1), 61), (timedelta(microseconds=999_999), 61)]
)
def test_what_is_ready_within_a_second_is_ready_after_it(part: timedelta, seconds: int) -> None:
    assert loading(one(lot={"ready_at": DAWN + 60 * SECOND + part}))[0] == seconds
    assert one(van={"shift_start": DAWN + 60 * SECOND + part}).fleet.vehicles[0].window[0] == seconds


@pytest.mark.parametrize("part", [timedelta(0), timedelta(microseconds=1), timedelta(microseconds=999_999)])
def test_what_is_due_within_a_second_is_due_before_it(part: timedelta) -> None:
    lot = {"ready_at": DAWN, "deliver_by": DAWN + 60 * SECOND + part}
    assert one(lot=lot).fleet.tasks[0].visits[1].windows == ((0, 60),)
    assert one(van={"shift_end": DAWN + 60 * SECOND + part}).fleet.vehicles[0].window[1] == 60


def test_nothing_begins_before_the_departure() -> None:
    early = one(van={"shift_start": DAWN - 5 * HOUR}, lot={"ready_at": DAWN - 9 * HOUR})
    assert (early.fleet.vehicles[0].window[0], loading(early)[0]) == (0, 0)


def test_what_is_due_before_it_is_ready_or_before_the_departure_is_never_in_time() -> None:
    for lot in ({"deliver_by": DAWN - HOUR}, {"ready_at": DAWN + 5 * HOUR, "deliver_by": DAWN + 4 * HOUR}):
        assert alone(one(lot=lot)) == {"window"}


def test_the_due_time_is_the_earlier_of_the_window_and_the_freshness() -> None:
    fresh = one(lot={"spoils_at": DAWN + 26 * HOUR, "min_life": 24 * HOUR, "deliver_by": DAWN + 5 * HOUR})
    assert (loading(fresh)[1], fresh.fleet.tasks[0].visits[1].late) == (7200, "spoils_before_arrival")
    window = one(lot={"spoils_at": DAWN + 99 * HOUR, "deliver_by": DAWN + 5 * HOUR})
    assert (loading(window)[1], window.fleet.tasks[0].visits[1].late) == (18_000, "window")


def test_costs_are_thousandths_of_a_fen_and_a_way_that_costs_nothing_still_has_a_length_to_save() -> None:
    assert one(van={"cost_fen_per_km": 0}).fleet.vehicles[0].per_way == 1
    dear = one(van={"cost_fen_per_km": 7, "cost_fen_per_h": 3600}).fleet.vehicles[0]
    assert (dear.per_way, dear.per_s) == (7, MILLI)


def test_by_default_no_detour_is_worth_more_than_a_shipment() -> None:
    problem = world(Random(3), 20, 5)
    of = as_fleet(problem)
    longest_m, dearest = int(of.matrix.distance_m.max()), max(each.per_way for each in of.fleet.vehicles)
    longest_s, wage = 24 * 3600, max(each.per_s for each in of.fleet.vehicles)
    for carried, asked in zip(of.fleet.tasks, problem.tasks, strict=True):
        if asked.prize_fen is None:
            assert prize_of(of.fleet, carried) > 4 * longest_m * dearest + longest_s * wage
        else:
            assert prize_of(of.fleet, carried) == asked.prize_fen * MILLI


def test_the_largest_problem_that_can_be_asked_stays_inside_64_bits() -> None:
    """500 of the most urgent shipments half round the earth, at the dearest kilometre and hour there are."""
    van = {"cost_fen_per_km": 1_000_000, "cost_fen_per_h": 1_000_000, "depot": Point(-180.0, -90.0)}
    far = one(van, {"pickup": Point(0.0, 90.0), "urgent": 2})
    assert 500 * prize_of(far.fleet, far.fleet.tasks[0]) < 2**62


@pytest.mark.parametrize(
    ("van", "lot", "reasons"),
    [
        ({}, {}, set()),
        ({"capacity_g": 999_999}, {}, {"capacity"}),
        ({"capacity_g": 1_000_000}, {}, set()),
        ({"temperature_classes": frozenset({"ambient"})}, {}, {"temperature_class"}),
        ({"temperature_classes": frozenset({"frozen"}), "capacity_g": 1}, {}, {"temperature_class", "capacity"}),
        ({"area": frozenset({"3201"})}, {"origin_adcode": "320102"}, set()),
        ({"area": frozenset({"3201", "34"})}, {"origin_adcode": "321323"}, {"no_vehicle_in_range"}),
        ({"shift_end": DAWN}, {}, {"shift"}),
        ({"shift_end": DAWN}, {"deliver_by": DAWN}, {"shift", "window"}),
        ({"breaks": (Break(DAWN, DAWN, 20 * 3600),)}, {}, {"break"}),
        ({}, {"on_board_max_s": 1}, set()),
    ],
)
def test_what_a_vehicle_could_not_do_even_alone(van: dict[str, Any], lot: dict[str, Any], reasons: set[Reason]) -> None:
    assert alone(one(van, lot)) == reasons


def test_it_is_in_time_to_the_second_and_not_a_second_later() -> None:
    free = one(lot={"ready_at": DAWN})
    loaded_s = way_s(free, 0, 1) + STOPPING_S + HANDLING_S
    arrival_s = loaded_s + way_s(free, 1, 2)
    home_s = arrival_s + STOPPING_S + HANDLING_S + way_s(free, 2, 0)
    for spare_s, late in ((0, set()), (-1, {"window"})):
        due = {"ready_at": DAWN, "deliver_by": DAWN + (arrival_s + spare_s) * SECOND}
        assert alone(one(lot=due)) == late
    for spare_s, late in ((0, set()), (-1, {"shift"})):
        ends = {"shift_end": DAWN + (home_s + spare_s) * SECOND}
        assert alone(one(ends, {"ready_at": DAWN})) == late


def test_waiting_for_the_lot_counts() -> None:
    ready_at = DAWN + 9 * HOUR
    assert alone(one(lot={"ready_at": ready_at, "deliver_by": DAWN + 9.5 * HOUR})) == {"window"}
    assert alone(one({"shift_end": ready_at}, {"ready_at": ready_at, "deliver_by": DAWN + 20 * HOUR})) == {"shift"}


def test_a_longer_time_on_the_road_is_told_from_what_is_allowed_and_that_is_its_own_way_at_least() -> None:
    of = one(lot={"on_board_max_s": 1})
    plan = of.plan_of(FleetPlan((), {0: ("on_board",)}), {0: [Change("longer_ride", 60, 0, 0.1)]})
    change = plan.unassigned[0].change
    assert change is not None
    assert (change.kind, change.to) == ("on_board_max_s", way_s(of, 1, 2) + 60)


def test_no_shift_is_told_to_last_for_more_than_a_day() -> None:
    of = one({"shift_end": DAWN + 12 * HOUR})
    for more_h, kind in ((12, "shift_end"), (12.001, "vehicle")):
        found = [Change("longer_shift", int(more_h * 3600), 0, 0.5), Change("one_more", 0, 0, 1.0)]
        change = of.plan_of(FleetPlan((), {0: ("shift",)}), {0: found}).unassigned[0].change
        assert change is not None
        assert change.kind == kind


def test_what_is_owed_is_carried_before_what_is_urgent() -> None:
    owed, urgent = one(lot={"owed": True}), one(lot={"urgent": 2})
    assert owed.fleet.tasks[0].priority > urgent.fleet.tasks[0].priority
    assert one(lot={"owed": True, "aboard": "v1"}).fleet.tasks[0].priority == PRIORITY_MAX


def test_a_break_that_is_over_before_the_departure_is_none() -> None:
    lunch = Break(DAWN - 2 * HOUR, DAWN - HOUR, 1800)
    running = replace(lunch, latest=DAWN + HOUR)
    assert [each.windows for each in one({"breaks": (lunch, running)}).fleet.vehicles[0].breaks] == [((0, 3600),)]


@given(st.integers(0, 10_000))
def test_rows_follow_the_points_of_the_problem(seed: int) -> None:
    problem = world(Random(seed), 4, 3)
    points, fleet = problem.points(), as_fleet(problem).fleet
    assert [points[each.start] for each in fleet.vehicles if each.start is not None] == [
        van.depot for van in problem.vehicles
    ]
    assert [tuple(points[visit.location] for visit in each.visits) for each in fleet.tasks] == [
        (lot.pickup, lot.delivery) for lot in problem.tasks
    ]
