"""Rounds in processes of their own: they take turns, and a dead process costs a try, not a round.

What one process does by itself is tested with `chassis.solvers`.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest

from chassis.db import Database
from chassis.solvers import SolverDied, SolverFailed, SolverTimeout
from services.matching.app import create_matching_app
from services.matching.optimiser.clear import Limits, clear
from services.matching.optimiser.market import Market
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import HOUR_US, POLICY_1
from services.matching.rounds import pool as pools
from services.matching.rounds.pool import Answer, SolverPool
from tests.services.matching.optimiser.factories import NOW_US, listing, order
from tests.services.matching.scene import DESK
from tests.support.services import Issuer, client_of

MARKET = Market.of([listing()], [order()])


@pytest.fixture
async def pool() -> AsyncIterator[SolverPool]:
    pool = SolverPool(workers=1, timeout_s=20)
    await pool.start()
    yield pool
    await pool.stop()


def asked(pool: SolverPool, market: Market = MARKET) -> asyncio.Task[Plan]:
    return asyncio.create_task(pool.clear(market, POLICY_1, NOW_US))


def paused(pool: SolverPool) -> int:
    """The process of this pool, stopped in its tracks, so that a round given to it is surely under way."""
    (pid,) = pool.pids
    os.kill(pid, signal.SIGSTOP)
    return pid


async def test_a_plan_from_the_pool_is_the_plan_from_here(pool: SolverPool) -> None:
    here, there = clear(MARKET, POLICY_1, NOW_US), await asked(pool)
    assert there.matches == here.matches
    assert there.order_price_fen_per_kg.tolist() == here.order_price_fen_per_kg.tolist()


async def test_two_regions_of_a_large_market_are_cleared_by_two_processes() -> None:
    class Counting(SolverPool):
        questions = 0

        async def _answer(self, do: Callable[..., Answer], *question: object) -> Answer:
            self.questions += 1
            return await super()._answer(do, *question)

    regions = {"lon": 121.4, "lat": 31.2}, {"lon": 87.6, "lat": 43.8}
    each = 180
    lots = [listing(f"L{n}", kg=10 + n % 7, **regions[n % 2]) for n in range(2 * each)]
    bids = [order(f"O{n}", kg=9 + n % 5, deliver_by_us=NOW_US + 8 * HOUR_US, **regions[n % 2]) for n in range(2 * each)]
    market = Market.of(lots, bids)
    pool = Counting(2)
    await pool.start()
    try:
        plan = await pool.clear(market, POLICY_1, NOW_US)
    finally:
        await pool.stop()
    here = clear(market, POLICY_1, NOW_US)
    assert pool.questions == 3, "how to divide it, and each part"
    assert (plan.value_mfen, plan.matched_g, plan.certified_gap) == (here.value_mfen, here.matched_g, 0)
    assert (plan.arcs, plan.greedy_value_mfen) == (2 * each * each, here.greedy_value_mfen)


async def test_a_round_is_told_to_end_long_before_its_process_is_given_up(
    pool: SolverPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_with: list[object] = []

    async def answer(_: object, *question: Any) -> Plan:
        asked_with.append(question[3])
        return clear(*question[:4])

    monkeypatch.setattr(pool, "_answer", answer)
    await pool.clear(MARKET, POLICY_1, NOW_US)
    await pool.clear(MARKET, POLICY_1, NOW_US, Limits(solves=1))
    assert asked_with == [Limits(seconds=20.0), Limits(solves=1)]


async def test_more_rounds_than_processes_take_turns(pool: SolverPool) -> None:
    before = pool.pids
    plans = await asyncio.gather(*(asked(pool) for _ in range(5)))
    assert len({plan.value_mfen for plan in plans}) == 1
    assert pool.pids == before


async def test_two_processes_solve_two_rounds_at_once() -> None:
    pool = SolverPool(workers=2)
    await pool.start()
    try:
        first, _ = pool.pids
        os.kill(first, signal.SIGSTOP)
        rounds = [asked(pool), asked(pool)]
        done, waiting = await asyncio.wait(rounds, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        assert (len(done), len(waiting)) == (1, 1)
        os.kill(first, signal.SIGCONT)
        await asyncio.gather(*waiting)
    finally:
        await pool.stop()


async def test_a_killed_process_is_replaced_at_the_next_round(pool: SolverPool) -> None:
    (before,) = pool.pids
    os.kill(before, signal.SIGKILL)
    assert (await asked(pool)).matches
    assert pool.pids != (before,)


async def test_a_process_killed_during_a_round_costs_one_more_try(pool: SolverPool) -> None:
    before = paused(pool)
    waiting = asked(pool)
    await asyncio.sleep(0.1)
    os.kill(before, signal.SIGKILL)
    assert (await waiting).matches


async def test_a_round_whose_process_dies_twice_fails_and_the_next_one_works(pool: SolverPool) -> None:
    paused(pool)
    waiting = asked(pool)
    while not waiting.done():
        await asyncio.sleep(0.01)
        for pid in pool.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    with pytest.raises(SolverDied):
        await waiting
    assert (await asked(pool)).matches


async def test_a_round_that_takes_too_long_is_given_up_and_the_next_one_works(pool: SolverPool) -> None:
    before = paused(pool)
    pool.timeout_s = 0.2
    with pytest.raises(SolverTimeout):
        await asked(pool)
    pool.timeout_s = 20
    assert (await asked(pool)).matches
    assert pool.pids != (before,)


async def test_a_round_nobody_waits_for_does_not_answer_the_next_question(pool: SolverPool) -> None:
    paused(pool)
    waiting = asked(pool, Market.of([], []))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await asked(pool)).matches


async def test_an_error_in_the_round_is_told_at_once_and_leaves_the_process_to_the_next(pool: SolverPool) -> None:
    before = pool.pids
    with pytest.raises(SolverFailed, match="AttributeError"):
        await pool.clear(MARKET, None, NOW_US)  # type: ignore[arg-type]
    assert (await asked(pool)).matches
    assert pool.pids == before


async def test_a_round_asked_for_while_the_processes_warm_up_waits_for_them() -> None:
    pool = SolverPool()
    starting = asyncio.create_task(pool.start())
    await asyncio.sleep(0)
    waiting = asked(pool)
    await asyncio.sleep(0.05)
    assert not starting.done()
    assert not waiting.done()
    try:
        await starting
        before = pool.pids
        assert (await waiting).matches
        assert pool.pids == before
    finally:
        await pool.stop()


async def test_where_no_process_becomes_warm_a_round_that_waits_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "SOLVER", "services.matching.nowhere")
    pool = SolverPool(workers=2)
    starting = asyncio.create_task(pool.start())
    await asyncio.sleep(0)
    waiting = [asked(pool) for _ in range(3)]
    with pytest.raises(SolverDied):
        await starting
    async with asyncio.timeout(5):
        told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(each) for each in told] == ["the solver pool is not running"] * 3
    assert pool.pids == ()


async def test_a_pool_that_is_stopped_tells_all_who_wait_and_starts_no_process_for_them(pool: SolverPool) -> None:
    paused(pool)
    waiting = [asked(pool) for _ in range(3)]
    await asyncio.sleep(0.05)
    await pool.stop()
    async with asyncio.timeout(5):
        told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in told] == [SolverFailed] * 3
    assert pool.pids == ()


async def test_a_pool_can_be_started_again_and_a_process_still_has_one_round_at_a_time(pool: SolverPool) -> None:
    paused(pool)
    left_over = asked(pool)
    await asyncio.sleep(0.05)
    await pool.stop()
    await pool.start()
    before = pool.pids
    await asyncio.gather(left_over, return_exceptions=True)
    empty, full = Market.of([], []), MARKET
    plans = await asyncio.gather(*(asked(pool, market) for market in [empty, full] * 3))
    assert [bool(plan.matches) for plan in plans] == [False, True] * 3
    assert pool.pids == before


async def test_a_pool_runs_until_it_is_cancelled_and_says_when_it_is_warm() -> None:
    pool = SolverPool()
    running = asyncio.create_task(pool.run())
    async with asyncio.timeout(20):
        while not pool.warm:
            await asyncio.sleep(0.01)
    assert (await asked(pool)).matches
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (running.cancelled(), pool.warm, pool.pids) == (True, False, ())


async def test_without_warm_solvers_an_api_is_ready_and_says_so(db: Database, issuer: Issuer, pool: SolverPool) -> None:
    told = []
    for each in (SolverPool(), pool):
        async with client_of(create_matching_app(db, issuer.keys, each, DESK)) as http:
            answer = await http.get("/readyz")
        assert answer.status_code == 200
        told.append(list(answer.json()["late"]))
    assert told == [["solvers"], []]


async def test_without_a_running_pool_a_round_asked_for_is_answered_503(db: Database, issuer: Issuer) -> None:
    async with client_of(create_matching_app(db, issuer.keys, SolverPool(), DESK)) as http:
        answer = await http.post("/v1/rounds", json={"produce": "strawberry"}, headers=issuer.caller("admin"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["type"].endswith("solver-unavailable")


def test_the_process_starts_light() -> None:
    code = (
        "import sys, chassis.solver_child, services.matching.optimiser.solver as solver;"
        "solver.warm_up(); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"fastapi", "sqlalchemy", "pydantic", "structlog", "chassis.solvers", "asyncio", "pyvrp", "scipy.optimize"}
    assert heavy.isdisjoint(done.stdout.split())
