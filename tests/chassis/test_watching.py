"""One look for everyone who waits."""

import asyncio
from collections.abc import Mapping
from uuid import UUID, uuid4

import pytest

from chassis import watching
from chassis.db import Wake
from chassis.watching import Watch


class Shelf:
    """What there is to see, and how often somebody looked."""

    def __init__(self) -> None:
        self.now: dict[UUID, int] = {}
        self.looks: list[Mapping[UUID, int | None]] = []
        self.error: Exception | None = None

    async def look(self, known: Mapping[UUID, int | None]) -> Mapping[UUID, int]:
        self.looks.append(dict(known))
        if self.error is not None:
            raise self.error
        return {key: self.now[key] for key in known if key in self.now}


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


async def above(watch: Watch[int], key: UUID, least: int) -> int:
    with watch.on(key) as watched:
        return await watched.until(lambda value: value > least)


async def test_a_hundred_that_wait_for_ten_things_are_one_look(shelf: Shelf) -> None:
    watch = Watch("x", shelf.look, every_s=0.05)
    keys = [uuid4() for _ in range(10)]
    waiting = [asyncio.create_task(above(watch, keys[number % 10], 0)) for number in range(100)]
    await asyncio.sleep(0.3)
    assert 3 <= len(shelf.looks) <= 8
    assert all(look.keys() == set(keys) for look in shelf.looks)
    shelf.now = dict.fromkeys(keys, 1)
    async with asyncio.timeout(5):
        assert await asyncio.gather(*waiting) == [1] * 100


async def test_only_those_for_whom_it_has_changed_wake(shelf: Shelf) -> None:
    watch = Watch("x", shelf.look, every_s=0.02)
    mine, theirs = uuid4(), uuid4()
    first, second = (asyncio.create_task(above(watch, key, 0)) for key in (mine, theirs))
    shelf.now = {mine: 1, theirs: 0}
    async with asyncio.timeout(5):
        assert await first == 1
    await asyncio.sleep(0.1)
    assert not second.done()
    second.cancel()


async def test_who_is_woken_looks_at_once(shelf: Shelf) -> None:
    wake = Wake()
    watch, key = Watch("x", shelf.look, wake, every_s=60), uuid4()
    waiting = asyncio.create_task(above(watch, key, 0))
    await asyncio.sleep(0.1)
    shelf.now[key] = 1
    wake.set()
    async with asyncio.timeout(1):
        assert await waiting == 1


async def test_nobody_looks_when_nobody_waits(shelf: Shelf) -> None:
    watch, key = Watch("x", shelf.look, every_s=0.02), uuid4()
    waiting = asyncio.create_task(above(watch, key, 0))
    await asyncio.sleep(0.1)
    waiting.cancel()
    await asyncio.sleep(0.1)
    looked = len(shelf.looks)
    await asyncio.sleep(0.2)
    assert len(shelf.looks) == looked
    shelf.now[key] = 1
    async with asyncio.timeout(5):
        assert await above(watch, key, 0) == 1, "and somebody does again when somebody waits again"


@pytest.mark.parametrize("error", [ConnectionRefusedError(), ValueError("a fault of ours")])
async def test_a_look_that_fails_makes_all_wait_for_longer_and_ends_nobody(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(watching, "AWAY_S", 0.05)
    watch, key = Watch("x", shelf.look, every_s=0.02), uuid4()
    shelf.error = error
    waiting = asyncio.create_task(above(watch, key, 0))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    shelf.error, shelf.now = None, {key: 1}
    async with asyncio.timeout(5):
        assert await waiting == 1
