"""Insertion against brute force: every place tried, each judged by walking the whole tour."""

import random
from itertools import pairwise

import pytest

from services.logistics.routing.insertion import Tour, _place_in, insert_all
from services.logistics.routing.instance import Instance
from services.logistics.routing.matrix import great_circle
from tests.services.logistics.routing.worlds import world


def walk(instance: Instance, vehicle: int, visits: list[int]) -> int | None:
    """The tour's cost, or None when something in it fails."""
    carrier, jobs = instance.carriers[vehicle], instance.jobs
    here, now_s, aboard_g = carrier.depot, carrier.start_s, 0
    points = [here]
    for visit in visits:
        job = jobs[visit >> 1]
        there = job.delivery if visit & 1 else job.pickup
        now_s += instance.duration_s[here, there]
        if visit & 1:
            if now_s > job.due_s:
                return None
            now_s, aboard_g = now_s + job.delivery_s, aboard_g - job.quantity_g
        else:
            now_s, aboard_g = max(now_s, job.ready_s) + job.pickup_s, aboard_g + job.quantity_g
        if aboard_g > carrier.capacity_g:
            return None
        here = there
        points.append(here)
    if now_s + instance.duration_s[here, carrier.depot] > carrier.end_s:
        return None
    return carrier.cost * sum(instance.distance_m[a, b] for a, b in pairwise([*points, carrier.depot]))


def cheapest_by_force(instance: Instance, vehicle: int, visits: list[int], job: int) -> int | None:
    before = walk(instance, vehicle, visits)
    assert before is not None
    costs = []
    for after in range(len(visits) + 1):
        for until in range(after, len(visits) + 1):
            tried = [*visits[:after], 2 * job, *visits[after:until], 2 * job + 1, *visits[until:]]
            cost = walk(instance, vehicle, tried)
            if cost is not None:
                costs.append(cost - before)
    return min(costs, default=None)


@pytest.mark.parametrize("seed", range(15))
def test_the_place_found_is_the_cheapest_there_is(seed: int) -> None:
    problem = world(seed, tasks=30, vehicles=4)
    instance = Instance.of(problem, great_circle(problem.points()))
    plan: list[list[int]] = [[] for _ in problem.vehicles]
    compared = 0
    for job in random.Random(seed).sample(range(30), 30):
        for vehicle, visits in enumerate(plan):
            if instance.alone(vehicle, job):
                continue
            place = _place_in(instance, Tour.of(instance, vehicle, visits), vehicle, job, set())
            assert (place.cost if place else None) == cheapest_by_force(instance, vehicle, visits, job)
            compared += 1
        insert_all(instance, plan, [job], float("inf"))
        assert all(walk(instance, v, visits) is not None for v, visits in enumerate(plan) if visits)
    assert compared or not any(plan)


def test_what_time_did_not_allow_is_said_to_be_so() -> None:
    problem = world(2, tasks=4, vehicles=2)
    instance = Instance.of(problem, great_circle(problem.points()))
    plan: list[list[int]] = [[], []]
    assert insert_all(instance, plan, range(4), deadline=0.0) == {job: {"time_limit"} for job in range(4)}
    assert plan == [[], []]
