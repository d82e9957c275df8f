"""Many small steps, and the turns of others in between."""

import asyncio

import pytest

from chassis.turns import STEPS, in_turns


@pytest.mark.parametrize("count", [0, 1, STEPS - 1, STEPS, STEPS + 1, 3 * STEPS])
async def test_each_is_made_once_and_in_order(count: int) -> None:
    assert await in_turns(lambda number: -number, range(count)) == [-number for number in range(count)]


async def test_others_have_their_turn_in_between() -> None:
    made: list[int] = []
    seen: list[int] = []

    async def look() -> None:
        for _ in range(3):
            seen.append(len(made))
            await asyncio.sleep(0)

    await asyncio.gather(in_turns(made.append, range(3 * STEPS)), look())
    assert seen == [STEPS, 2 * STEPS, 3 * STEPS]
