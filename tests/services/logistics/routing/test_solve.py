"""Plans of random worlds: always an answer in time, possible, with every shipment served or explained."""

import pickle
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.logistics.routing import solve
from services.logistics.routing.check import check_plan
from services.logistics.routing.fleet.model import FleetPlan
from services.logistics.routing.fleet.solve import Planning
from services.logistics.routing.matrix import TravelMatrix, great_circle
from services.logistics.routing.problem import Break, Point, Problem, Reason, RoutePlan, Told
from services.logistics.routing.solve import plan_routes
from tests.services.logistics.routing.worlds import DAWN, HOUR, task, vehicle, world


def served(plan: RoutePlan) -> set[str]:
    return {stop.shipment_id for route in plan.vehicles for stop in route.stops}


def reasons_for(problem: Problem) -> set[Reason]:
    plan = plan_routes(problem, limit_s=3)
    return {reason for entry in plan.unassigned for reason in entry.reasons}


@given(st.randoms(use_true_random=False), st.integers(0, 33), st.integers(0, 5))
@settings(max_examples=15)
def test_every_shipment_of_any_world_is_served_or_explained_in_time(rng: Random, tasks: int, vehicles: int) -> None:
    problem = world(rng, tasks, vehicles)
    began = perf_counter()
    plan = plan_routes(problem, limit_s=0.4)
    assert perf_counter() - began < 1.4
    assert check_plan(problem, plan, great_circle(problem.points())) == []
    explained = {entry.shipment_id for entry in plan.unassigned}
    assert served(plan) | explained == {t.shipment_id for t in problem.tasks}
    assert not served(plan) & explained


def test_a_large_problem_in_little_time_still_has_an_answer() -> None:
    problem = world(Random(1), tasks=400, vehicles=30)
    began = perf_counter()
    plan = plan_routes(problem, limit_s=0.5)
    assert perf_counter() - began < 1.5
    assert check_plan(problem, plan, great_circle(problem.points())) == []
    assert served(plan)


def test_a_shipment_and_a_plan_travel_between_processes() -> None:
    problem = world(Random(3), tasks=6, vehicles=3)
    plan = plan_routes(pickle.loads(pickle.dumps(problem)), limit_s=3)
    assert pickle.loads(pickle.dumps(plan)) == plan


@pytest.mark.parametrize(
    ("van", "lot", "reasons"),
    [
        ({}, {"quantity_g": 5_000_001}, {"capacity"}),
        ({}, {"temperature_class": "frozen"}, {"temperature_class"}),
        ({"shift_end": DAWN + 1.5 * HOUR}, {}, {"shift"}),
        ({"shift_end": DAWN - HOUR}, {}, {"shift"}),
        ({}, {"deliver_by": DAWN + 1.1 * HOUR}, {"window"}),
        ({}, {"spoils_at": DAWN + 25.1 * HOUR}, {"spoils_before_arrival"}),
        ({}, {"prize_fen": 10}, {"not_worth_its_detour"}),
        (
            {"cost_fen_per_km": 9},
            {"quantity_g": 10**10, "temperature_class": "frozen"},
            {"capacity", "temperature_class"},
        ),
    ],
)
def test_what_one_van_cannot_do_for_one_lot_has_its_reason(
    van: dict[str, Any], lot: dict[str, Any], reasons: set[Reason]
) -> None:
    assert reasons_for(Problem((vehicle(**van),), (task(**lot),), DAWN)) == reasons


def test_the_reason_is_that_of_the_vehicle_which_comes_closest() -> None:
    small_and_warm = vehicle("a", capacity_g=1, temperature_classes=frozenset({"ambient"}))
    assert reasons_for(Problem((small_and_warm, vehicle("b", capacity_g=1)), (task(),), DAWN)) == {"capacity"}


@pytest.mark.parametrize(
    ("van", "lot", "reason"),
    [
        ({"depot": Point(150.0, 0.0)}, {}, "window"),  # in the sea
        ({"depot": Point(-60.0, -33.0), "shift_end": DAWN + 24 * HOUR}, {}, "window"),  # half round the earth
        ({}, {"ready_at": DAWN + 9 * HOUR, "deliver_by": DAWN + 8 * HOUR}, "window"),  # never opens
        ({}, {"spoils_at": DAWN - HOUR}, "spoils_before_arrival"),  # spoiled before it begins
        ({"capacity_g": 0}, {}, "capacity"),
    ],
)
def test_what_makes_no_sense_is_answered_with_a_reason(
    van: dict[str, Any], lot: dict[str, Any], reason: Reason
) -> None:
    assert reason in reasons_for(Problem((vehicle(**van),), (task(**lot),), DAWN))


def test_without_vehicles_every_shipment_says_so() -> None:
    assert reasons_for(Problem((), (task("a"), task("b")), DAWN)) == {"no_vehicle"}


def test_a_shipment_that_no_longer_fits_beside_the_others_says_what_is_full() -> None:
    """Two full loads that must be under way at the same hour, and one van."""
    lots = tuple(
        task(name, quantity_g=5_000_000, pickup=Point(lon, 33.1), deliver_by=DAWN + 2.3 * HOUR)
        for name, lon in (("a", 118.2), ("b", 118.21))
    )
    plan = plan_routes(Problem((vehicle(),), lots, DAWN), limit_s=3)
    assert len(served(plan)) == 1
    assert "capacity" in plan.unassigned[0].reasons


def test_lots_on_one_way_share_a_van_and_the_van_waits_at_its_depot() -> None:
    problem = Problem((vehicle("a"), vehicle("b")), tuple(task(f"s{i}") for i in range(5)), DAWN)
    plan = plan_routes(problem, limit_s=3)
    [route] = plan.vehicles
    assert (route.load_g, route.peak_load_g) == (5_000_000, 5_000_000)
    assert route.stops[0].arrival == DAWN + HOUR
    assert route.departs_at > DAWN
    assert [stop.type for stop in route.stops] == ["pickup"] * 5 + ["delivery"] * 5


def test_a_van_too_small_for_all_at_once_reloads_on_its_way() -> None:
    problem = Problem((vehicle(capacity_g=2_000_000),), tuple(task(f"s{i}") for i in range(4)), DAWN)
    plan = plan_routes(problem, limit_s=3)
    [route] = plan.vehicles
    assert (route.load_g, route.peak_load_g) == (4_000_000, 2_000_000)


def test_the_cheaper_van_goes() -> None:
    problem = Problem((vehicle("dear", cost_fen_per_km=400), vehicle("cheap", cost_fen_per_km=200)), (task(),), DAWN)
    assert [route.vehicle_id for route in plan_routes(problem, limit_s=3).vehicles] == ["cheap"]


def told_by(plan: RoutePlan) -> dict[str, tuple[Told, ...]]:
    return {r.vehicle_id: tuple(Told(stop.shipment_id, stop.type) for stop in r.stops) for r in plan.vehicles}


def test_planned_anew_with_one_more_shipment_every_driver_keeps_what_he_knows() -> None:
    van = {"shift_end": DAWN + 24 * HOUR}
    lots = tuple(
        task(f"s{i}", pickup=Point(118 + i / 20, 33.1), deliver_by=DAWN + 23 * HOUR, spoils_at=DAWN + 90 * HOUR)
        for i in range(6)
    )
    fleet_of = (vehicle("a", **van), vehicle("b", **van, depot=Point(118.4, 33.2)))
    before = plan_routes(Problem(fleet_of, lots[:5], DAWN), limit_s=1)
    assert before.moved_stops is None
    again = plan_routes(Problem(fleet_of, lots, DAWN, told_by(before)), limit_s=1)
    assert (len(served(again)), again.moved_stops) == (6, 0)


def test_planned_anew_stops_move_only_where_more_is_carried_by_it() -> None:
    """What was told is a poor plan, and full: to take one more load the other has to be fetched before it."""
    early, late = task("early", quantity_g=5_000_000, deliver_by=DAWN + 2.5 * HOUR), task("late", quantity_g=5_000_000)
    poor = {"v1": (Told("late", "pickup"), Told("late", "delivery"))}
    again = plan_routes(Problem((vehicle(),), (early, late), DAWN, poor), limit_s=1)
    assert served(again) == {"early", "late"}
    assert again.moved_stops == 0, "the two stops of the late one keep their order"


@pytest.mark.parametrize("limit_s", [0.2, 1])
@pytest.mark.parametrize("new", [2, 60])
def test_what_drivers_know_of_is_not_left_for_more_that_is_new(limit_s: float, new: int) -> None:
    """There is time for the one in the west or for those in the east, which are urgent, however many."""
    van = vehicle(shift_end=DAWN + 5 * HOUR)
    west = task("west", pickup=Point(117.0, 33.0), delivery=Point(117.1, 33.0))
    east = tuple(
        task(
            f"e{i}",
            pickup=Point(118.9, 33.0),
            delivery=Point(119.0, 33.0),
            urgent=2,
            quantity_g=10_000,
            stopping_s=0,
            pickup_s=0,
            delivery_s=0,
        )
        for i in range(new)
    )
    assert served(plan_routes(Problem((van,), (west, *east), DAWN), limit_s=limit_s)) == {
        each.shipment_id for each in east
    }
    told = {"v1": (Told("west", "pickup"), Told("west", "delivery"))}
    again = plan_routes(Problem((van,), (west, *east), DAWN, told), limit_s=limit_s)
    assert (served(again), again.moved_stops) == ({"west"}, 0)
    owed = plan_routes(Problem((van,), (replace(west, owed=True), *east), DAWN), limit_s=limit_s)
    assert served(owed) == {"west"}


def test_what_is_aboard_is_only_delivered_from_where_the_vehicle_is() -> None:
    here = Point(118.3, 33.2)
    lots = (task("aboard", aboard="v1", quantity_g=4_000_000), task("new", quantity_g=2_000_000))
    problem = Problem((vehicle(at=here), vehicle("v2", depot=Point(118.2, 33.0))), lots, DAWN)
    plan = plan_routes(problem, limit_s=1)
    assert check_plan(problem, plan, great_circle(problem.points())) == []
    routes = {r.vehicle_id: r for r in plan.vehicles}
    assert [(s.shipment_id, s.type) for s in routes["v1"].stops if s.shipment_id == "aboard"] == [
        ("aboard", "delivery")
    ]
    assert routes["v1"].peak_load_g <= 5_000_000
    [own] = [stop for stop in routes["v1"].stops if stop.shipment_id == "aboard"]
    assert own.arrival - routes["v1"].departs_at < HOUR


def test_what_is_aboard_and_can_no_longer_be_in_time_says_so_and_takes_its_room() -> None:
    late = task("late", aboard="v1", quantity_g=4_000_000, deliver_by=DAWN)
    near = vehicle("v2", depot=Point(118.5, 33.3))
    assert reasons_for(Problem((vehicle(), near), (late,), DAWN)) == {"window"}
    hopeless = vehicle(shift_end=DAWN + HOUR / 60)  # two things against it, and but one against who has it not
    assert reasons_for(Problem((hopeless, near), (late,), DAWN)) == {"window", "shift"}
    plan = plan_routes(Problem((vehicle(),), (late, task("new", quantity_g=2_000_000)), DAWN), limit_s=0.5)
    assert served(plan) == set(), "four tonnes are aboard still"
    assert {each.shipment_id: each.change and each.change.kind for each in plan.unassigned} == {
        "late": None,
        "new": "quantity_g",
    }


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], Any]] = {
    "deliver_by": ({}, {"deliver_by": DAWN + 1.5 * HOUR}, None),
    "min_remaining_life_h": ({}, {"spoils_at": DAWN + 20 * HOUR}, 17),
    "quantity_g": ({}, {"quantity_g": 5_500_000}, 5_000_000),
    "shift_end": ({"shift_end": DAWN + 2 * HOUR}, {}, None),
    "prize_fen": ({}, {"prize_fen": 10_000}, None),
    "temperature_class": ({}, {"temperature_class": "frozen"}, "frozen"),
    "area": ({"area": frozenset({"32"})}, {"origin_adcode": "340104"}, "340104"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_the_least_change_is_told_and_is_enough_and_a_little_less_is_not(kind: str) -> None:
    van, lot, to = CHANGES[kind]
    problem = Problem((vehicle(**van),), (task(**lot),), DAWN)
    [left] = plan_routes(problem, limit_s=0.2).unassigned
    assert left.change is not None
    assert (left.change.kind, left.change.vehicle_id) == (kind, "v1")
    assert to in {None, left.change.to}
    assert served(plan_routes(changed(problem, kind, left.change.to), limit_s=0.2)) == {"s1"}
    less = {datetime: timedelta(minutes=-1), int: {"quantity_g": 1, "min_remaining_life_h": 1}.get(kind, -1)}
    if type(left.change.to) in less:
        nearly = left.change.to + less[type(left.change.to)]  # type: ignore[operator]
        assert served(plan_routes(changed(problem, kind, nearly), limit_s=0.2)) == set()


def changed(problem: Problem, kind: str, to: Any) -> Problem:
    [van], [lot] = problem.vehicles, problem.tasks
    match kind:
        case "min_remaining_life_h":
            lot = replace(lot, min_life=to * HOUR)
        case "temperature_class":
            van = replace(van, temperature_classes=frozenset({to}))
        case "area":
            van = replace(van, area=frozenset({to}))
        case "shift_end":
            van = replace(van, shift_end=to)
        case _:
            lot = replace(lot, **{kind: to})
    return Problem((van,), (lot,), problem.depart_at)


def test_beside_a_full_plan_one_more_vehicle_is_the_last_of_the_changes() -> None:
    lots = tuple(
        task(name, quantity_g=5_000_000, deliver_by=DAWN + 2.3 * HOUR, spoils_at=DAWN + 27 * HOUR) for name in "ab"
    )
    [left] = plan_routes(Problem((vehicle(),), lots, DAWN), limit_s=0.5).unassigned
    assert left.change is not None
    assert left.change.kind == "vehicle"


def test_a_matrix_of_roads_is_used_and_named() -> None:
    problem = Problem((vehicle(),), (task(),), DAWN)
    straight = great_circle(problem.points())
    roads = TravelMatrix(straight.distance_m * 2, np.ceil(straight.duration_s * 1.2).astype(np.int64), "osrm")
    plan = plan_routes(problem, limit_s=3, matrix=roads)
    assert plan.distance_source == "osrm"
    assert plan.vehicles[0].distance_m == 2 * plan_routes(problem, limit_s=3).vehicles[0].distance_m
    assert check_plan(problem, plan, roads) == []


def test_a_plan_gone_wrong_is_never_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hurried(Planning):
        def better(self, limit_s: float, seed: int = 0) -> FleetPlan:
            plan = super().better(limit_s, seed)
            [route] = plan.routes
            return replace(plan, routes=(replace(route, ends_s=route.ends_s - 1),))

    monkeypatch.setattr(solve, "Planning", Hurried)
    with pytest.raises(AssertionError, match="too_fast"):
        plan_routes(Problem((vehicle(),), (task(),), DAWN), limit_s=3)


def test_of_more_than_it_can_carry_the_less_urgent_is_left() -> None:
    lots = tuple(
        task(f"s{urgent}", quantity_g=5_000_000, urgent=urgent, deliver_by=DAWN + 2.5 * HOUR) for urgent in (0, 2, 1)
    )
    assert served(plan_routes(Problem((vehicle(),), lots, DAWN), limit_s=1)) == {"s2"}


def test_a_driver_rests_on_the_way_and_the_plan_says_when() -> None:
    lunch = Break(DAWN + 2 * HOUR, DAWN + 4 * HOUR, 2700)
    problem = Problem(
        (vehicle(breaks=(lunch,)),), tuple(task(f"s{i}", ready_at=DAWN + i * HOUR) for i in range(4)), DAWN
    )
    [route] = plan_routes(problem, limit_s=1).vehicles
    [(begins, ends)] = route.rests
    assert lunch.earliest <= begins <= lunch.latest
    assert ends - begins == timedelta(seconds=2700)


def test_fractions_of_a_second_are_rounded_against_us() -> None:
    """Due half a second before the van can be there: too late, although both round to the same second."""
    exact = Problem((vehicle(),), (task(),), DAWN)
    [route] = plan_routes(exact, limit_s=3).vehicles
    arrival = route.stops[1].arrival
    for deliver_by, possible in ((arrival, True), (arrival - HOUR / 7200, False)):
        lot = replace(exact.tasks[0], deliver_by=deliver_by)
        assert bool(served(plan_routes(replace(exact, tasks=(lot,)), limit_s=3))) == possible
