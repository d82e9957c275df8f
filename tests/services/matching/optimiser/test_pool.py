import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.matching.optimiser.clear import clear
from services.matching.optimiser.market import Market
from services.matching.optimiser.policy import POLICY_1
from services.matching.optimiser.pool import SolverFailed, SolverPool, SolverTimeout
from tests.services.matching.optimiser.factories import NOW_US, listing, order

MARKET = Market.of([listing()], [order()])

PARENT = """
import asyncio
from services.matching.optimiser.pool import SolverPool

async def main():
    pool = SolverPool()
    await pool.start()
    print(*pool.pids, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[SolverPool]:
    pool = SolverPool(workers=1, timeout_s=20)
    await pool.start()
    yield pool
    await pool.stop()


def gone(pid: int, within_s: float = 5.0) -> bool:
    """Whether that process ends (or is a mere entry in the table) in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


async def test_a_plan_from_the_pool_is_the_plan_from_here(pool: SolverPool) -> None:
    here = clear(MARKET, POLICY_1, NOW_US)
    there = await pool.clear(MARKET, POLICY_1, NOW_US)
    assert there.matches == here.matches
    assert there.order_price_fen_per_kg.tolist() == here.order_price_fen_per_kg.tolist()


async def test_more_rounds_than_processes_take_turns(pool: SolverPool) -> None:
    plans = await asyncio.gather(*(pool.clear(MARKET, POLICY_1, NOW_US) for _ in range(5)))
    assert len({plan.value_mfen for plan in plans}) == 1


async def test_a_killed_process_is_replaced_at_the_next_round(pool: SolverPool) -> None:
    (before,) = pool.pids
    os.kill(before, signal.SIGKILL)
    plan = await pool.clear(MARKET, POLICY_1, NOW_US)
    assert plan.value_mfen == clear(MARKET, POLICY_1, NOW_US).value_mfen
    assert pool.pids != (before,)


async def test_a_process_killed_during_a_round_costs_one_more_try(pool: SolverPool) -> None:
    (before,) = pool.pids
    os.kill(before, signal.SIGSTOP)  # so that the round is surely under way
    waiting = asyncio.create_task(pool.clear(MARKET, POLICY_1, NOW_US))
    await asyncio.sleep(0.1)
    os.kill(before, signal.SIGKILL)
    assert (await waiting).matches


async def test_a_round_that_takes_too_long_is_given_up_and_the_next_one_works(pool: SolverPool) -> None:
    (before,) = pool.pids
    os.kill(before, signal.SIGSTOP)
    pool.timeout_s = 0.2
    with pytest.raises(SolverTimeout):
        await pool.clear(MARKET, POLICY_1, NOW_US)
    assert gone(before)
    pool.timeout_s = 20
    assert (await pool.clear(MARKET, POLICY_1, NOW_US)).matches


async def test_a_round_nobody_waits_for_does_not_answer_the_next_question(pool: SolverPool) -> None:
    (before,) = pool.pids
    os.kill(before, signal.SIGSTOP)
    waiting = asyncio.create_task(pool.clear(Market.of([], []), POLICY_1, NOW_US))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert gone(before)
    assert (await pool.clear(MARKET, POLICY_1, NOW_US)).matches


async def test_an_error_in_the_round_is_told_and_leaves_the_process_alive(pool: SolverPool) -> None:
    before = pool.pids
    with pytest.raises(SolverFailed, match="AttributeError"):
        await pool.clear(MARKET, None, NOW_US)  # type: ignore[arg-type]
    assert (await pool.clear(MARKET, POLICY_1, NOW_US)).matches
    assert pool.pids == before


async def test_a_control_c_at_the_terminal_is_not_the_childs(pool: SolverPool) -> None:
    (pid,) = pool.pids
    os.kill(pid, signal.SIGINT)
    assert (await pool.clear(MARKET, POLICY_1, NOW_US)).matches
    assert pool.pids == (pid,)


async def test_a_stopped_pool_says_so_and_leaves_nothing_running() -> None:
    pool = SolverPool()
    await pool.start()
    (pid,) = pool.pids
    await pool.stop()
    assert gone(pid)
    with pytest.raises(SolverFailed, match="not running"):
        await pool.clear(MARKET, POLICY_1, NOW_US)


def test_the_child_dies_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    assert gone(child)


def test_the_child_starts_light() -> None:
    code = "import sys, services.matching.optimiser.child as c; c.warm_up(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"fastapi", "sqlalchemy", "pydantic", "chassis", "asyncio", "pyvrp", "scipy.optimize"}
    assert heavy.isdisjoint(loaded)
