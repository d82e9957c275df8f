"""A solver in a process of its own: it answers, it may die, and it is never waited for too long."""

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from chassis.solver_child import HEADER_BYTES, frame
from chassis.solvers import Solver, SolverDied, SolverFailed, SolverTimeout, _light_environment

MODULE = "tests.chassis.slow_solver"


@pytest.fixture
async def solver() -> AsyncIterator[Solver]:
    async with Solver(MODULE) as started:
        yield started


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


async def test_it_answers_in_another_process_even_at_length(solver: Solver) -> None:
    assert await solver.solve("double", "x" * 300_000, within_s=10) == "x" * 600_000
    assert await solver.solve("pid", within_s=10) == solver.pid != os.getpid()


async def test_its_own_error_is_told_and_it_goes_on(solver: Solver) -> None:
    before = solver.pid
    with pytest.raises(SolverFailed, match="ValueError: nonsense"):
        await solver.solve("nonsense", within_s=10)
    assert await solver.solve("pid", within_s=10) == before


async def test_one_that_died_is_replaced_for_the_next_question(solver: Solver) -> None:
    with pytest.raises(SolverDied):
        await solver.solve("die", within_s=10)
    assert await solver.solve("double", 2, within_s=10) == 4


async def test_one_killed_while_nobody_asked_is_replaced_too(solver: Solver) -> None:
    assert solver.pid is not None
    os.kill(solver.pid, signal.SIGKILL)
    with suppress(SolverDied):  # who asks first may still find it dead
        await solver.solve("double", 2, within_s=10)
    assert await solver.solve("double", 2, within_s=10) == 4


async def test_one_that_takes_too_long_is_stopped(solver: Solver) -> None:
    pid = solver.pid
    assert pid is not None
    with pytest.raises(SolverTimeout):
        await solver.solve("sleep", 60, within_s=0.2)
    assert await solver.solve("pid", within_s=10) != pid
    assert not is_alive(pid)


async def test_giving_up_on_an_answer_stops_the_work(solver: Solver) -> None:
    asking = asyncio.create_task(solver.solve("sleep", 60, within_s=60))
    await asyncio.sleep(0.1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await solver.solve("double", 3, within_s=10) == 6


async def test_a_control_c_at_the_terminal_is_not_the_childs(solver: Solver) -> None:
    pid = solver.pid
    assert pid is not None
    os.kill(pid, signal.SIGINT)
    assert await solver.solve("pid", within_s=10) == pid


async def test_a_stopped_one_is_gone_even_when_it_had_only_begun_to_start() -> None:
    solver = Solver(MODULE)
    starting = asyncio.create_task(solver.start())
    await asyncio.sleep(0)
    await solver.stop()
    with pytest.raises(SolverDied):
        await starting
    assert solver.pid is None


async def test_starting_anew_ends_the_process_before(solver: Solver) -> None:
    before = solver.pid
    assert before is not None
    await solver.start()
    assert await solver.solve("pid", within_s=10) != before
    assert not is_alive(before)


def test_it_dies_with_its_parent_even_while_it_works() -> None:
    program = (
        "import asyncio\n"
        "from chassis.solvers import Solver\n"
        "async def main():\n"
        f"    solver = Solver({MODULE!r})\n"
        "    await solver.start()\n"
        "    print(solver.pid, flush=True)\n"
        "    await solver.solve('sleep', 60, within_s=60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    for _ in range(100):
        if not is_alive(pid):
            return
        time.sleep(0.05)
    pytest.fail("the child outlived its parent")


async def test_questions_one_after_the_other_are_each_answered_by_the_same_process(solver: Solver) -> None:
    before = solver.pid
    assert [await solver.solve("double", number, within_s=10) for number in range(50)] == [2 * n for n in range(50)]
    assert solver.pid == before


async def test_a_module_that_cannot_be_imported_is_a_death_and_not_a_wait() -> None:
    solver = Solver("tests.chassis.no_such_solver")
    with pytest.raises(SolverDied):
        await solver.start()
    assert solver.pid is None


async def test_what_cannot_travel_is_the_askers_mistake_and_harms_no_process(solver: Solver) -> None:
    before = solver.pid
    with pytest.raises(Exception, match="pickle"):
        await solver.solve("double", lambda: None, within_s=10)
    assert await solver.solve("pid", within_s=10) == before


async def test_a_solver_that_was_stopped_starts_again_when_it_is_asked() -> None:
    solver = Solver(MODULE)
    assert await solver.solve("double", 2, within_s=10) == 4
    await solver.stop()
    assert solver.pid is None
    await solver.stop()  # twice is once
    assert await solver.solve("double", 3, within_s=10) == 6
    await solver.stop()


async def test_a_timeout_is_a_failure_that_says_how_long_was_waited(solver: Solver) -> None:
    with pytest.raises(SolverFailed, match=r"no answer in 0\.1 s"):
        await solver.solve("sleep", 60, within_s=0.1)


def test_the_child_has_one_thread_and_finds_its_modules() -> None:
    environment = _light_environment()
    assert {environment[f"{name}_NUM_THREADS"] for name in ("OMP", "OPENBLAS", "MKL")} == {"1"}
    assert "" not in environment["PYTHONPATH"].split(os.pathsep)
    assert environment["PATH"] == os.environ["PATH"]


def child_with(questions: bytes) -> subprocess.CompletedProcess[bytes]:
    """The child's program by itself, with these bytes on its standard input until they end."""
    command = [sys.executable, "-m", "chassis.solver_child", str(os.getpid()), MODULE]
    return subprocess.run(command, input=questions, capture_output=True, timeout=30, check=False)


def answers_in(output: bytes) -> list[tuple[str, object]]:
    found = []
    while output:
        size = int.from_bytes(output[:HEADER_BYTES], "big")
        found.append(pickle.loads(output[HEADER_BYTES : HEADER_BYTES + size]))
        output = output[HEADER_BYTES + size :]
    return found


def test_the_child_answers_in_order_and_leaves_when_the_pipe_is_closed() -> None:
    ended = child_with(frame(("double", 4)) + frame(("nonsense",)) + frame(("double", "x")))
    assert ended.returncode == 0, ended.stderr
    assert answers_in(ended.stdout) == [
        ("ready", None),
        ("answer", 8),
        ("error", "ValueError: nonsense"),
        ("answer", "xx"),
    ]
    assert b"a library that prints" in ended.stderr, "what is printed goes where it breaks no frame"


@pytest.mark.parametrize("broken", [b"", b"\0\0", frame(("double", 1))[:-1], (0).to_bytes(HEADER_BYTES, "big")])
def test_a_question_that_was_cut_off_is_the_end_and_not_a_question(broken: bytes) -> None:
    ended = child_with(frame(("double", 1)) + broken)
    assert (ended.returncode, answers_in(ended.stdout)[1:]) == (0, [("answer", 2)]), ended.stderr


def test_a_child_of_another_parent_leaves_at_once() -> None:
    command = [sys.executable, "-m", "chassis.solver_child", "1", MODULE]
    ended = subprocess.run(command, input=frame(("double", 1)), capture_output=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout) == (1, b"")
