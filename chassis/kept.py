"""What is dear to make and may be a little old: made once for all who ask for it, and kept for a while."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from contextvars import Context
from functools import partial
from time import monotonic
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """Of one process, the `at_most` that were asked for last, each under its key; of 0 none, it is only shared.

    Who asks for what is just being made waits for it. When making it fails it fails for all who wait, and whoever
    comes then tries anew. None stands for nothing found: it is told, and not kept.
    """

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._kept: OrderedDict[Key, tuple[float, Value]] = OrderedDict()
        self._coming: dict[Key, asyncio.Task[Value]] = {}

    async def of(self, key: Key, make: Callable[[], Coroutine[Any, Any, Value]], good_for_s: float = math.inf) -> Value:
        """What `make` told of this key no longer ago than that, else what it tells now."""
        known = self._kept.get(key)
        if known is not None and monotonic() - known[0] < good_for_s:
            self._kept.move_to_end(key)
            return known[1]
        coming = self._coming.get(key)
        if coming is None:
            making = self._making(key, make)
            coming = self._coming[key] = Context().run(asyncio.create_task, making)  # nobody's trace
            coming.add_done_callback(partial(self._came, key))
        return await asyncio.shield(coming)  # who hangs up leaves it to the others

    async def _making(self, key: Key, make: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        begun_s = monotonic()
        value = await make()
        if value is not None:
            self._kept[key] = begun_s, value
            self._kept.move_to_end(key)
            while len(self._kept) > self._at_most:
                self._kept.popitem(last=False)
        return value

    def _came(self, key: Key, task: "asyncio.Task[Value]") -> None:
        del self._coming[key]
        if not task.cancelled():
            task.exception()  # told to who waits; where all have hung up it is nobody's
