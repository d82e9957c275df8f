"""A limit is honoured whatever becomes of the search, and the best answer so far is kept."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from random import Random

import numpy as np
import pytest

from chassis.solvers import Solver, SolverFailed
from services.logistics.routes.solving import SOLVER, best_within
from services.logistics.routing.fleet.check import check_fleet
from services.logistics.routing.fleet.model import ALWAYS, FleetPlan, Problem, Task, Vehicle
from tests.services.logistics.routing.fleet.fleets import fleet, job, shipment, travel, van


@pytest.fixture
async def solver() -> AsyncIterator[Solver]:
    made = Solver(SOLVER)
    await made.start()
    yield made
    await made.stop()


def everywhere(places: int, *rows: Vehicle | Task) -> Problem:
    dice = Random(1)
    points = np.array([[dice.uniform(0, 1e5), dice.uniform(0, 1e5)] for _ in range(places + 1)])
    return fleet(*rows, travel=travel(points, 0.06))


class Stuck(Solver):
    """Its process hangs, dies, or fails in the middle of its search; what it is asked first it answers."""

    def __init__(self, becomes: str) -> None:
        super().__init__(SOLVER)
        self._becomes = becomes

    async def solve(self, *question: object, within_s: float) -> object:
        if len(question) > 1:
            return await super().solve(*question, within_s=within_s)
        if self._becomes == "wrong":
            return await super().solve("no number of seconds", within_s=within_s)
        assert self.pid is not None
        os.kill(self.pid, SIGNALS[self._becomes])
        return await super().solve(*question, within_s=within_s)


SIGNALS = {"stopped": signal.SIGSTOP, "dead": signal.SIGKILL}


@pytest.mark.parametrize("becomes", ["stopped", "dead", "wrong"])
async def test_where_the_search_hangs_dies_or_fails_the_first_answer_stands(becomes: str) -> None:
    problem = everywhere(20, van(), van(), *(job(1 + each) for each in range(20)))
    stuck = Stuck(becomes)
    await stuck.start()
    try:
        began_s = time.perf_counter()
        plan: FleetPlan = await best_within(stuck, 0.5, problem)
        assert time.perf_counter() - began_s < 1.5
        assert plan.routes
        assert check_fleet(problem, plan) == []
        assert (stuck.pid is None) == (becomes != "wrong"), "who might answer late is asked nothing more"
    finally:
        await stuck.stop()


async def test_without_any_answer_there_is_none(solver: Solver) -> None:
    with pytest.raises(SolverFailed):
        await best_within(solver, 0.5, "no problem")


LARGE: dict[str, Problem] = {
    "a thousand stops for two hundred vehicles": everywhere(
        1000,
        *(van(capacity=(10 + each,), window=(0, 20_000 + each)) for each in range(200)),
        *(job(1 + each) for each in range(1000)),
    ),
    "a thousand stops for one": everywhere(
        1000,
        van(capacity=(10**6,), window=ALWAYS),
        *(shipment(1 + each, 501 + each, windows=((ALWAYS,), (ALWAYS,))) for each in range(500)),
    ),
    "a thousand of ten windows": everywhere(
        1000,
        *(van(capacity=(12,), window=(0, 30_000)) for _ in range(100)),
        *(job(1 + each, windows=tuple((t, t + 500) for t in range(0, 30_000, 3000))) for each in range(1000)),
    ),
    "a thousand that nobody can do": everywhere(
        1000,
        *(van(capacity=(1,), window=(0, 100 + each)) for each in range(200)),
        *(job(1 + each, delivered=(2,), windows=((0, 1),)) for each in range(1000)),
    ),
}


@pytest.mark.parametrize("name", LARGE)
async def test_the_largest_questions_are_answered_within_a_second_of_their_limit(solver: Solver, name: str) -> None:
    problem = LARGE[name]
    began_s = time.perf_counter()
    plan: FleetPlan = await best_within(solver, 0.5, problem)
    assert time.perf_counter() - began_s < 1.5
    assert check_fleet(problem, plan) == []


async def test_the_limit_is_honoured_under_load(solver: Solver) -> None:
    """Ten of the hundred that `bench/limits.py` asks."""
    problem = everywhere(200, *(van(capacity=(12,)) for _ in range(10)), *(job(1 + each) for each in range(200)))
    busy = [await asyncio.create_subprocess_exec("sh", "-c", "while :; do :; done") for _ in range(2)]
    try:
        for limit_s in (0.1, 0.2, 0.3, 0.4, 0.5) * 2:
            began_s = time.perf_counter()
            await best_within(solver, limit_s, problem)
            assert time.perf_counter() - began_s < limit_s + 1
    finally:
        for each in busy:
            each.kill()
            await each.wait()
