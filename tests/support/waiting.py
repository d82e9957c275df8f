"""Waiting for what happens beside a test."""

import asyncio
from collections.abc import Callable


async def until(happened: Callable[[], object], within_s: float = 10.0) -> None:
    """Raises TimeoutError where it does not."""
    async with asyncio.timeout(within_s):
        while not happened():
            await asyncio.sleep(0.01)
