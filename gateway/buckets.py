"""How much of a rate is left to whom: token buckets, in this process or in a store that every gateway shares.

A bucket holds `burst` tokens and gains `per_s` a second, so a rate of 100/s with a burst of 1,000 lets a client send
1,000 at once and 100 a second ever after. The package `limits` counts in windows and has no such bucket. In memory one
is a single number (the generic cell rate algorithm of ITU-T I.371): the moment when it will be full again. In the
shared store `limits` counts a sliding window of `burst` in `burst / per_s` seconds, which has the same burst and the
same lasting rate; only that a client who spent its burst gets it back by the window, not drop by drop.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import storage_from_string

log = structlog.get_logger()

KEPT = 50_000
"""Buckets that one process remembers for each rate, some 10 MB; those unused for longest are forgotten then."""
NS_PER_S = 10**9
STORE_WAIT_S = 0.25
STORE_AGAIN_S = 5.0
"""A store that was away is not asked again for so long."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second, and how many at once after a pause. `name` is what `RateLimit` calls it."""

    name: str
    per_s: float
    burst: int

    @property
    def window_s(self) -> int:
        """In which a whole burst comes back."""
        return max(1, round(self.burst / self.per_s))


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of asking for one token: `left` of the burst, and after how long there is more."""

    granted: bool
    left: int
    more_in_s: float


class Buckets(Protocol):
    """The buckets of one rate."""

    async def take(self, whose: str) -> Taken:
        """Take one token out of that bucket, if it holds one."""


class LocalBuckets:
    """In this process's memory, in whole nanoseconds: fractions would lose a token now and then."""

    def __init__(self, rate: Rate, kept: int = KEPT) -> None:
        self._kept = kept
        self._step_ns = round(NS_PER_S / rate.per_s)
        self._deep_ns = self._step_ns * rate.burst
        self._full_at_ns: OrderedDict[str, int] = OrderedDict()

    async def take(self, whose: str) -> Taken:
        now_ns = time.monotonic_ns()
        full_at_ns = max(self._full_at_ns.get(whose, now_ns), now_ns) + self._step_ns
        missing_ns = full_at_ns - now_ns
        if missing_ns > self._deep_ns:
            return Taken(False, 0, (missing_ns - self._deep_ns) / NS_PER_S)
        self._full_at_ns[whose] = full_at_ns
        self._full_at_ns.move_to_end(whose)
        if len(self._full_at_ns) > self._kept:
            self._full_at_ns.popitem(last=False)
        return Taken(True, (self._deep_ns - missing_ns) // self._step_ns, missing_ns / NS_PER_S)


class SharedBuckets:
    """In the store at `url` (`limits` says which there are, such as `async+redis://…`).

    While it is away each process counts for itself: a limit that is N times too wide hurts less than none, or than a
    closed door.
    """

    def __init__(self, rate: Rate, url: str) -> None:
        self._rate = rate
        self._item = RateLimitItemPerSecond(rate.burst, rate.window_s, namespace=f"duijie/{rate.name}")
        self._window = SlidingWindowCounterRateLimiter(storage_from_string(url))
        self._meanwhile = LocalBuckets(rate)
        self._ask_after_s = float("-inf")

    async def take(self, whose: str) -> Taken:
        if time.monotonic() < self._ask_after_s:
            return await self._meanwhile.take(whose)
        try:
            async with asyncio.timeout(STORE_WAIT_S):
                granted = await self._window.hit(self._item, whose)
                stats = await self._window.get_window_stats(self._item, whose)
        except Exception as error:  # each store has errors of its own
            log.warning("rate_limit_store_away", rate=self._rate.name, error=type(error).__name__)
            self._ask_after_s = time.monotonic() + STORE_AGAIN_S
            return await self._meanwhile.take(whose)
        return Taken(granted, stats.remaining if granted else 0, max(0.0, stats.reset_time - time.time()))


def shared_buckets(url: str) -> Callable[[Rate], SharedBuckets]:
    """Makes the buckets of a rate in that store. What it makes raises ConfigurationError where there can be none."""
    return partial(SharedBuckets, url=url)


def more_in(taken: Taken) -> int:
    """Whole seconds, as headers tell them; who comes back then finds something."""
    return max(1, math.ceil(taken.more_in_s))
