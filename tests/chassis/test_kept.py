"""What is dear to make is made once for all who ask, kept while it is good, and given up for what is asked for more."""

import asyncio

import pytest

from chassis.kept import Kept


class Kitchen:
    """Makes a dish when it is told to go on, and counts."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.go = asyncio.Event()
        self.failing = False

    async def make(self, dish: str = "soup") -> str | None:
        self.made.append(dish)
        await self.go.wait()
        if self.failing:
            raise RuntimeError("burnt")
        return None if dish == "nothing" else f"{dish} {len(self.made)}"


@pytest.fixture
async def kitchen() -> Kitchen:
    return Kitchen()


async def served(
    kept: Kept[str, str | None], kitchen: Kitchen, dish: str = "soup", good_for_s: float = 60
) -> str | None:
    return await kept.of(dish, lambda: kitchen.make(dish), good_for_s)


async def all_wait(kitchen: Kitchen, kept: Kept[str, str | None], count: int) -> list["asyncio.Task[str | None]"]:
    asking = [asyncio.create_task(served(kept, kitchen)) for _ in range(count)]
    async with asyncio.timeout(5):
        while not kitchen.made:
            await asyncio.sleep(0)
    return asking


async def test_a_hundred_who_ask_at_once_are_one_making(kitchen: Kitchen) -> None:
    kept = Kept[str, str | None](1)
    asking = await all_wait(kitchen, kept, 100)
    kitchen.go.set()
    assert set(await asyncio.gather(*asking)) == {"soup 1"}
    assert kitchen.made == ["soup"]


async def test_what_is_good_is_told_again_and_what_is_old_is_made_anew(kitchen: Kitchen) -> None:
    kept = Kept[str, str | None](1)
    kitchen.go.set()
    assert [await served(kept, kitchen) for _ in range(2)] == ["soup 1"] * 2
    assert await served(kept, kitchen, good_for_s=0) == "soup 2"
    assert await served(kept, kitchen) == "soup 2"


async def test_what_takes_long_is_as_old_as_the_beginning_of_its_making(kitchen: Kitchen) -> None:
    kept = Kept[str, str | None](1)
    (asking,) = await all_wait(kitchen, kept, 1)
    await asyncio.sleep(0.2)
    kitchen.go.set()
    assert await asking == "soup 1"
    assert await served(kept, kitchen, good_for_s=0.2) == "soup 2"


async def test_those_asked_for_last_stay(kitchen: Kitchen) -> None:
    kept = Kept[str, str | None](2)
    kitchen.go.set()
    for dish in ("soup", "rice", "soup", "fish", "soup", "rice"):
        await served(kept, kitchen, dish)
    assert kitchen.made == ["soup", "rice", "fish", "rice"], "soup is asked for all the time"


async def test_where_none_is_kept_it_is_shared_all_the_same(kitchen: Kitchen) -> None:
    kept = Kept[str, str | None](0)
    asking = await all_wait(kitchen, kept, 3)
    kitchen.go.set()
    assert await asyncio.gather(*asking) == ["soup 1"] * 3
    assert await served(kept, kitchen) == "soup 2"


async def test_what_is_not_there_is_looked_for_again_and_what_is_empty_is_not(kitchen: Kitchen) -> None:
    kept = Kept[str, str | None](2)
    kitchen.go.set()
    assert [await served(kept, kitchen, "nothing") for _ in range(2)] == [None, None]
    assert kitchen.made == ["nothing"] * 2
    empty, made = Kept[None, list[int]](1), []

    async def make() -> list[int]:
        made.append(1)
        return []

    assert [await empty.of(None, make) for _ in range(2)] == [[], []]
    assert len(made) == 1


async def test_a_failure_is_told_to_all_who_wait_and_the_next_tries_anew(kitchen: Kitchen) -> None:
    kept = Kept[str, str | None](1)
    asking = await all_wait(kitchen, kept, 3)
    kitchen.failing = True
    kitchen.go.set()
    assert [str(each) for each in await asyncio.gather(*asking, return_exceptions=True)] == ["burnt"] * 3
    kitchen.failing = False
    assert await served(kept, kitchen) == "soup 2"


async def test_who_hangs_up_leaves_it_to_those_who_wait(kitchen: Kitchen) -> None:
    kept = Kept[str, str | None](1)
    first, second = await all_wait(kitchen, kept, 2)
    first.cancel()
    await asyncio.sleep(0)
    kitchen.go.set()
    assert await second == "soup 1"
    assert (first.cancelled(), kitchen.made) == (True, ["soup"])
