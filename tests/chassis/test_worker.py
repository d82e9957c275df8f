"""A worker keeps its tasks running, and ends them all when it is told to."""

import asyncio

import pytest

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
