"""Plans of random worlds: always an answer in time, possible, with every shipment served or explained."""

import pickle
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from services.logistics.routing import solve
from services.logistics.routing.check import check_plan
from services.logistics.routing.instance import Instance
from services.logistics.routing.matrix import TravelMatrix, great_circle
from services.logistics.routing.problem import Point, Problem, Reason, RoutePlan
from services.logistics.routing.solve import plan_routes
from tests.services.logistics.routing.worlds import DAWN, HOUR, task, vehicle, world


def served(plan: RoutePlan) -> set[str]:
    return {stop.shipment_id for route in plan.vehicles for stop in route.stops}


def reasons_for(problem: Problem) -> set[Reason]:
    plan = plan_routes(problem, limit_s=3)
    return {reason for entry in plan.unassigned for reason in entry.reasons}


@pytest.mark.parametrize("seed", range(12))
def test_every_shipment_of_a_random_world_is_served_or_explained_in_time(seed: int) -> None:
    problem = world(seed, tasks=3 * seed, vehicles=seed // 2)
    began = perf_counter()
    plan = plan_routes(problem, limit_s=0.4, seed=seed)
    assert perf_counter() - began < 1.4
    assert check_plan(problem, plan, great_circle(problem.points())) == []
    explained = {entry.shipment_id for entry in plan.unassigned}
    assert served(plan) | explained == {t.shipment_id for t in problem.tasks}
    assert not served(plan) & explained


def test_a_large_problem_in_little_time_still_has_an_answer() -> None:
    problem = world(1, tasks=400, vehicles=30)
    began = perf_counter()
    plan = plan_routes(problem, limit_s=0.5)
    assert perf_counter() - began < 1.5
    assert check_plan(problem, plan, great_circle(problem.points())) == []
    assert served(plan)


def test_a_shipment_and_a_plan_travel_between_processes() -> None:
    problem = world(3, tasks=6, vehicles=3)
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


def test_the_search_improves_on_the_first_plan() -> None:
    problem = world(5, tasks=40, vehicles=8)
    first = solve._first_draft(Instance.of(problem, great_circle(problem.points())), perf_counter() + 5)
    plan = plan_routes(problem, limit_s=1.5, seed=1)
    assert len(plan.unassigned) < len(first.left)


def test_a_matrix_of_roads_is_used_and_named() -> None:
    problem = Problem((vehicle(),), (task(),), DAWN)
    straight = great_circle(problem.points())
    roads = TravelMatrix(straight.distance_m * 2, np.ceil(straight.duration_s * 1.2).astype(np.int64), "osrm")
    plan = plan_routes(problem, limit_s=3, matrix=roads)
    assert plan.distance_source == "osrm"
    assert plan.vehicles[0].distance_m == 2 * plan_routes(problem, limit_s=3).vehicles[0].distance_m
    assert check_plan(problem, plan, roads) == []


def test_a_search_gone_wrong_is_caught_and_the_first_plan_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    def backwards(instance: Instance, plan: list[list[int]], *_: Any) -> list[list[int]]:
        return [visits[::-1] for visits in plan]

    monkeypatch.setattr(solve, "improve", backwards)
    problem = Problem((vehicle(),), (task(),), DAWN)
    plan = plan_routes(problem, limit_s=3)
    assert served(plan) == {"s1"}
    assert check_plan(problem, plan, great_circle(problem.points())) == []


def test_fractions_of_a_second_are_rounded_against_us() -> None:
    """Due half a second before the van can be there: too late, although both round to the same second."""
    exact = Problem((vehicle(),), (task(),), DAWN)
    [route] = plan_routes(exact, limit_s=3).vehicles
    arrival = route.stops[1].arrival
    for deliver_by, possible in ((arrival, True), (arrival - HOUR / 7200, False)):
        lot = replace(exact.tasks[0], deliver_by=deliver_by)
        assert bool(served(plan_routes(replace(exact, tasks=(lot,)), limit_s=3))) == possible
