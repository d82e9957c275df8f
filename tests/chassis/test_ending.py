"""Tasks that were begun are gone when their owner ends."""

import asyncio

from chassis.ending import ended


async def test_those_at_work_are_cancelled_and_seen_gone_and_what_they_raise_is_nobodys() -> None:
    cleaned: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            cleaned.append("work")

    async def fail() -> None:
        raise ValueError

    tasks = [asyncio.create_task(work()), asyncio.create_task(fail())]
    await asyncio.sleep(0)
    await ended(*tasks, None)
    assert cleaned == ["work"]
    assert all(task.done() for task in tasks)


async def test_there_may_be_none() -> None:
    await ended(None)
    await ended()
