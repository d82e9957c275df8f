"""Places in a tour against brute force: every sequence tried, each driven from start to end."""

import random

import pytest

from services.logistics.routing.fleet.alone import hopeless
from services.logistics.routing.fleet.model import Problem, Reason
from services.logistics.routing.fleet.places import insert_all
from services.logistics.routing.fleet.timing import Impossible, driven
from services.logistics.routing.fleet.tour import Place, Tour, places_in
from tests.services.logistics.routing.fleet.fleets import fleet, job, shipment, van, world

FOREVER = float("inf")


def cost(problem: Problem, vehicle: int, visits: list[int]) -> int | None:
    """None where it can't be driven."""
    try:
        return driven(problem, vehicle, visits).cost if visits else 0
    except Impossible:
        return None


def all_places(problem: Problem, vehicle: int, visits: list[int], task: int) -> dict[tuple[int, int], int]:
    """What each place that can be driven adds to the cost."""
    before, found = cost(problem, vehicle, visits), {}
    assert before is not None
    is_shipment = problem.tasks[task].is_shipment
    for after in range(len(visits) + 1):
        for until in range(after, len(visits) + 1) if is_shipment else [after]:
            tried = Place(0, vehicle, after, until).among(visits, task, is_shipment=is_shipment)
            after_cost = cost(problem, vehicle, tried)
            if after_cost is not None and problem.tasks[task].skills <= problem.vehicles[vehicle].skills:
                found[after, until] = after_cost - before
    return found


@pytest.mark.parametrize("seed", range(25))
def test_no_place_that_can_be_driven_is_left_out_and_each_costs_what_is_said(seed: int) -> None:
    problem = world(random.Random(seed), tasks=18, vehicles=4)
    plan: list[list[int]] = [[] for _ in problem.vehicles]
    able = [task for task in range(18) if not hopeless(problem, task)]
    compared = 0
    for task in random.Random(seed).sample(able, len(able)):
        for vehicle, visits in enumerate(plan):
            tour = Tour.of(problem, vehicle, visits)
            found = {
                (each.after, each.until): each.cost for each in places_in(problem, tour, vehicle, task, set(), FOREVER)
            }
            real = all_places(problem, vehicle, visits, task)
            assert {place: found.get(place) for place in real} == real
            compared += len(real)
        insert_all(problem, plan, [task], FOREVER)
    assert compared


@pytest.mark.parametrize("seed", range(10))
def test_of_all_places_the_cheapest_is_taken(seed: int) -> None:
    problem = world(random.Random(seed), tasks=18, vehicles=4)
    plan: list[list[int]] = [[] for _ in problem.vehicles]
    for task in range(18):
        if hopeless(problem, task):
            continue
        real = [added for v, visits in enumerate(plan) for added in all_places(problem, v, visits, task).values()]
        before = sum(cost(problem, v, visits) or 0 for v, visits in enumerate(plan))
        left = insert_all(problem, plan, [task], FOREVER)
        after = sum(cost(problem, v, visits) or 0 for v, visits in enumerate(plan))
        assert after - before == (min(real) if real else 0)
        assert (task in left) == (not real)


BLOCKED: dict[Reason, Problem] = {
    "capacity": fleet(van(), job(1, delivered=(8,)), job(2, delivered=(8,))),
    "window": fleet(
        van(), job(4, windows=((400, 400),)), job(5, windows=((500, 501),), service_s=9), job(4, windows=((500, 500),))
    ),
    "shift": fleet(van(window=(0, 1000)), shipment(2, 5), job(1, service_s=100)),
}


@pytest.mark.parametrize("reason", BLOCKED)
def test_what_stands_in_the_way_elsewhere_is_told(reason: Reason) -> None:
    problem = BLOCKED[reason]
    plan: list[list[int]] = [[]]
    left = insert_all(problem, plan, range(len(problem.tasks)), FOREVER)
    assert plan[0]
    assert [reason in why for why in left.values()] == [True]


def test_what_time_did_not_allow_is_said_to_be_so() -> None:
    plan: list[list[int]] = [[], []]
    assert insert_all(fleet(van(), van(), job(1), job(2)), plan, range(2), 0.0) == dict.fromkeys(
        (0, 1), ("time_limit",)
    )
    assert plan == [[], []]
