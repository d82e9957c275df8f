"""Whole plans: always an answer, everything accounted for, and nothing broken that the model promises."""

import time
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.logistics.routing.fleet.check import Fault, check_fleet
from services.logistics.routing.fleet.model import Break, FleetPlan, Problem
from services.logistics.routing.fleet.solve import Planning, plan_fleet
from tests.services.logistics.routing.fleet.fleets import fleet, job, on_a_line, shipment, van, world


@given(st.randoms(use_true_random=False), st.integers(0, 25), st.integers(0, 5))
def test_in_any_world_each_task_is_done_or_explained_and_nothing_is_broken(
    chance: Random, tasks: int, vehicles: int
) -> None:
    problem = world(chance, tasks, vehicles)
    plan = plan_fleet(problem, limit_s=0.1)
    assert check_fleet(problem, plan) == []
    done = {step.visit >> 1 for route in plan.routes for step in route.steps}
    assert done | plan.left_out.keys() == set(range(len(problem.tasks)))
    assert not done & plan.left_out.keys()


def test_the_same_seed_gives_the_same_plan_where_there_is_time_enough() -> None:
    problem = world(Random(3), tasks=6, vehicles=2)
    assert plan_fleet(problem, limit_s=20, seed=5) == plan_fleet(problem, limit_s=20, seed=5)


def test_all_on_one_side_of_a_line_are_done_on_one_way_there_and_back() -> None:
    problem = fleet(van(), *(job(place) for place in (3, 7, 1, 9, 5)))
    (route,) = plan_fleet(problem, limit_s=0.2).routes
    assert route.cost == 1800


def test_of_two_that_are_too_much_the_one_of_higher_priority_is_done() -> None:
    tasks = [job(5, delivered=(8,), priority=priority) for priority in (1, 0, 7, 3)]
    plan = plan_fleet(fleet(van(end=None, window=(0, 600)), *tasks), limit_s=0.2)
    assert [step.visit >> 1 for route in plan.routes for step in route.steps] == [2]
    assert plan.left_out == dict.fromkeys((0, 1, 3), ("capacity",))


REASONS = {
    "no_vehicle": fleet(job(1)),
    "skills": fleet(van(skills=frozenset({1})), job(1, skills=frozenset({1, 2}))),
    "capacity": fleet(van(), job(1, delivered=(11,))),
    "window": fleet(van(), job(9, windows=((0, 899),))),
    "shift": fleet(van(window=(0, 1000)), job(9)),
    "max_tasks": fleet(van(max_tasks=0), job(1)),
}


@pytest.mark.parametrize("reason", REASONS)
def test_what_no_vehicle_could_do_has_the_reason_of_those_that_come_closest(reason: str) -> None:
    plan = plan_fleet(REASONS[reason], limit_s=0.1)
    assert plan == FleetPlan((), {0: (reason,)})  # type: ignore[dict-item]


def test_the_vehicle_that_comes_closest_says_why() -> None:
    far, full = van(skills=frozenset({1}), capacity=(0,)), van(window=(0, 10))
    plan = plan_fleet(fleet(far, full, job(9, skills=frozenset({1}))), limit_s=0.1)
    assert plan.left_out == {0: ("capacity",)}


def test_a_limit_of_tasks_is_kept_and_is_a_reason() -> None:
    plan = plan_fleet(fleet(van(max_tasks=2), *(job(place) for place in (1, 2, 3))), limit_s=0.2)
    assert sum(len(route.steps) for route in plan.routes) == 2
    assert list(plan.left_out.values()) == [("max_tasks",)]


def test_the_limit_of_time_is_kept_with_many_stops_and_few_vehicles() -> None:
    problem = world(Random(1), tasks=250, vehicles=6)
    began_s = time.perf_counter()
    plan = plan_fleet(problem, limit_s=1.0)
    assert time.perf_counter() - began_s < 2.0
    assert check_fleet(problem, plan) == []


def meddled(problem: Problem, plan: FleetPlan, fault: Fault) -> tuple[Problem, FleetPlan]:
    """A good plan with one thing wrong, or of a problem in which it is."""
    route = plan.routes[0]
    step = route.steps[1]

    def with_route(**changes: object) -> FleetPlan:
        return replace(plan, routes=(replace(route, **changes), *plan.routes[1:]))  # type: ignore[arg-type]

    def with_step(**changes: int) -> FleetPlan:
        return with_route(steps=(route.steps[0], replace(step, **changes), *route.steps[2:]))

    by, tasks = problem.vehicles[0], problem.tasks
    visit = tasks[0].visits[0]
    cases = {
        "vehicle_twice": (problem, replace(plan, routes=(route, route))),
        "done_twice": (problem, replace(plan, left_out={0: ("window",)})),
        "not_accounted_for": (replace(problem, tasks=(*tasks, tasks[0])), plan),
        "no_reason": (replace(problem, tasks=(*tasks, tasks[0])), replace(plan, left_out={len(tasks): ()})),
        "pairing": (problem, with_route(steps=tuple(each for each in route.steps if not each.visit & 1))),
        "skills": (replace(problem, tasks=(replace(tasks[0], skills=frozenset({9})), *tasks[1:])), plan),
        "max_tasks": (replace(problem, vehicles=(replace(by, max_tasks=2),)), plan),
        "capacity": (replace(problem, vehicles=(replace(by, capacity=(1,)),)), plan),
        "load": (problem, with_route(load=(9,))),
        "too_fast": (problem, with_step(arrival_s=step.arrival_s - 1)),
        "window": (problem, with_step(waiting_s=20_000)),
        "service": (
            replace(problem, tasks=(replace(tasks[0], visits=(replace(visit, service_s=9),)), *tasks[1:])),
            plan,
        ),
        "shift": (replace(problem, vehicles=(replace(by, window=(0, 300)),)), plan),
        "break": (replace(problem, vehicles=(replace(by, breaks=(Break(),)),)), plan),
        "on_board": (replace(problem, tasks=(tasks[0], replace(tasks[1], max_ride_s=99))), plan),
        "max_travel_time": (replace(problem, vehicles=(replace(by, max_travel_s=route.travel_s - 1),)), plan),
        "max_distance": (replace(problem, vehicles=(replace(by, max_distance_m=route.distance_m - 1),)), plan),
        "cost": (problem, with_route(cost=route.cost - 1)),
    }
    return cases[fault]


def test_the_checker_finds_a_break_that_is_too_early_too_short_or_beside_a_way_that_had_no_time_for_it() -> None:
    problem = fleet(van(breaks=(Break(((140, 150),), 30),)), job(1), job(3), travel=on_a_line(5))
    plan = plan_fleet(problem, limit_s=0.1)
    (route,) = plan.routes
    (rest,) = route.rests
    assert check_fleet(problem, plan) == []

    def faults(**changes: int) -> set[Fault]:
        meddled = replace(plan, routes=(replace(route, rests=(replace(rest, **changes),)),))
        return {each.fault for each in check_fleet(problem, meddled)}

    assert "break" in faults(arrival_s=rest.arrival_s - 30)
    assert "break" in faults(service_s=29)
    assert faults(service_s=31) == {"too_fast"}
    assert "break" in faults(leg=2)


def test_what_breaks_and_limits_keep_from_one_vehicle_another_does() -> None:
    tired = van(breaks=(Break(((0, 0),), 700),), window=(0, 1500))
    tasks = [job(place) for place in (2, 4, 6)]
    plan = plan_fleet(fleet(tired, van(max_distance_m=800), *tasks), limit_s=0.2)
    assert check_fleet(fleet(tired, van(max_distance_m=800), *tasks), plan) == []
    assert {route.vehicle: sorted(step.visit >> 1 for step in route.steps) for route in plan.routes} in (
        {1: [0, 1]},
        {0: [0], 1: [1]},
        {0: [0, 1]},
    )
    assert plan.left_out.keys() == {2}


@pytest.mark.parametrize("fault", list(Fault.__args__))  # type: ignore[attr-defined]
def test_the_checker_finds_each_fault(fault: Fault) -> None:
    problem = fleet(van(), job(1), shipment(2, 3, 2), travel=on_a_line(5))
    plan = plan_fleet(problem, limit_s=0.1)
    assert check_fleet(problem, plan) == []
    assert fault in {each.fault for each in check_fleet(*meddled(problem, plan, fault))}


def test_what_its_setup_alone_makes_late_goes_behind_another_at_the_same_door() -> None:
    window = ((0, 320),)
    parked = shipment(1, 3, windows=(window, window))
    parked = replace(parked, visits=(replace(parked.visits[0], setup_s=50), parked.visits[1]))
    assert plan_fleet(fleet(van(), parked), limit_s=0.2).left_out == {0: ("window",)}
    before = job(1, delivered=(0,))
    found = plan_fleet(fleet(van(), parked, before), limit_s=0.2)
    assert not found.left_out
    assert [step.setup_s for step in found.routes[0].steps] == [0, 0, 0]


def test_where_no_time_is_left_there_are_places_still() -> None:
    """As where the machine was busy with others until then."""
    planning = Planning(world(Random(1), tasks=60, vehicles=6))
    planning.first(0)
    assert planning.better(-5).routes
