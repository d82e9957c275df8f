"""The search: never worse than where it began, in time, and back to the vehicles it was given."""

from time import perf_counter

import pytest

from services.logistics.routing.check import check_plan
from services.logistics.routing.insertion import insert_all
from services.logistics.routing.instance import Instance
from services.logistics.routing.matrix import great_circle
from services.logistics.routing.problem import Problem
from services.logistics.routing.search import _limited_classes, improve
from services.logistics.routing.solve import _Draft, _plan
from tests.services.logistics.routing.worlds import DAWN, task, vehicle, world


def first_plan(problem: Problem) -> tuple[Instance, list[list[int]], dict[int, set[str]]]:
    instance = Instance.of(problem, great_circle(problem.points()))
    plan: list[list[int]] = [[] for _ in problem.vehicles]
    left = insert_all(instance, plan, range(len(problem.tasks)), perf_counter() + 5)
    return instance, plan, left  # type: ignore[return-value]


def worth(instance: Instance, plan: list[list[int]]) -> int:
    """Prizes won less the cost of the kilometres."""
    total = 0
    for vehicle_number, visits in enumerate(plan):
        here = carrier_depot = instance.carriers[vehicle_number].depot
        for visit in visits:
            job = instance.jobs[visit >> 1]
            there = job.delivery if visit & 1 else job.pickup
            total -= instance.distance_m[here, there] * instance.carriers[vehicle_number].cost
            total += job.prize if visit & 1 else 0
            here = there
        total -= instance.distance_m[here, carrier_depot] * instance.carriers[vehicle_number].cost
    return total


@pytest.mark.parametrize("seed", range(8))
def test_it_never_ends_worse_than_it_began_and_what_it_finds_is_possible(seed: int) -> None:
    problem = world(seed, tasks=12, vehicles=4)
    instance, plan, _ = first_plan(problem)
    fleet = range(len(problem.vehicles))
    jobs = [job for job in range(len(problem.tasks)) if any(not instance.alone(v, job) for v in fleet)]
    if not jobs:
        pytest.skip("nobody can carry anything in this world")
    better = improve(instance, [list(visits) for visits in plan], jobs, perf_counter() + 0.15, seed)
    assert worth(instance, better) >= worth(instance, plan)
    served = {visit >> 1 for visits in better for visit in visits}
    left = {job: {"time_limit"} for job in range(len(problem.tasks)) if job not in served}
    assert check_plan(problem, _plan(instance, _Draft(better, left)), instance.matrix) == []  # type: ignore[arg-type]


def test_a_seed_is_answered_the_same_while_time_does_not_bind() -> None:
    problem = world(4, tasks=3, vehicles=2)
    instance, plan, _ = first_plan(problem)
    jobs = [job for job in range(3) if any(not instance.alone(v, job) for v in range(2))]
    answers = [improve(instance, [list(each) for each in plan], jobs, perf_counter() + 20, seed=1) for _ in range(2)]
    assert answers[0] == answers[1]


def test_classes_that_every_vehicle_carries_limit_nothing() -> None:
    def limited(*fleet: set[str]) -> list[str]:
        vehicles = tuple(vehicle(f"v{n}", temperature_classes=frozenset(each)) for n, each in enumerate(fleet))
        problem = Problem(vehicles, (task(),), DAWN)
        return [*_limited_classes(Instance.of(problem, great_circle(problem.points())).carriers)]

    assert limited({"ambient", "chilled", "frozen"}) == []
    assert limited({"ambient", "chilled"}) == ["frozen"]
    assert limited({"ambient", "chilled"}, {"chilled", "frozen"}) == ["ambient", "frozen"]
    assert limited({"ambient"}, {"chilled"}) == ["ambient", "chilled", "frozen"]
