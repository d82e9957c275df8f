"""A worker keeps its tasks running, and ends them all when it is told to."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from chassis import worker
from chassis.db import Database
from chassis.worker import Task, Worker, every


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "RESTART_MIN_S", 0.001)


async def test_a_task_that_fails_begins_again_and_the_others_go_on() -> None:
    beginnings: list[str] = []

    async def fail_twice() -> None:
        beginnings.append("failing")
        if beginnings.count("failing") < 3:
            raise RuntimeError
        await asyncio.Event().wait()

    async def steady() -> None:
        beginnings.append("steady")
        await asyncio.Event().wait()

    running = asyncio.create_task(Worker("test", [Task("failing", fail_twice), Task("steady", steady)]).run())
    async with asyncio.timeout(5):
        while beginnings.count("failing") < 3:
            await asyncio.sleep(0.01)
    assert beginnings.count("steady") == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()


async def returned() -> None:
    pass


async def cancelled_inside() -> None:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


@pytest.mark.parametrize("end", [returned, cancelled_inside])
async def test_a_task_that_ends_though_nobody_ended_it_begins_again_and_is_told(
    end: Callable[[], Awaitable[None]],
) -> None:
    begun = asyncio.Queue[None]()

    async def run() -> None:
        begun.put_nowait(None)
        await end()

    with capture_logs() as logged:
        running = asyncio.create_task(Worker("test", [Task("ending", run)]).run())
        async with asyncio.timeout(5):
            for _ in range(3):
                await begun.get()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()
    expected = {returned: "TaskReturned", cancelled_inside: "CancelledError"}[end]
    assert {(line["event"], line["task"], line["error"]) for line in logged} == {("task_failed", "ending", expected)}


async def test_a_task_that_fails_while_it_is_ended_does_not_begin_again() -> None:
    beginnings: list[int] = []

    async def fail_at_the_end() -> None:
        beginnings.append(len(beginnings))
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError

    running = asyncio.create_task(Worker("test", [Task("failing", fail_at_the_end)]).run())
    await asyncio.sleep(0.01)
    running.cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(running, return_exceptions=True)
    assert beginnings == [0]


async def test_a_job_is_done_at_intervals(db: Database) -> None:
    done: list[Database] = []

    async def note(database: Database) -> None:
        done.append(database)

    running = asyncio.create_task(Worker("test", [every(0.01, "job", note, db)]).run())
    async with asyncio.timeout(5):
        while len(done) < 3:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert set(done) == {db}
