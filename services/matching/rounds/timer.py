"""The timer: clears the markets that changed, every so often. Any number may run."""

import asyncio
from collections.abc import Collection
from functools import partial

import structlog

from chassis.db import Database, LockTaken, is_transient
from chassis.ending import ended
from services.matching.rounds import queries, service, snapshot
from services.matching.rounds.pool import SolverPool

log = structlog.get_logger()

LOOK_EVERY_S = 1.0  # whether the interval was changed elsewhere
LEAVE_ALONE_S = 30.0  # a market whose round failed
WHOLE_EVERY_S = 600.0
"""As often each process looks at all of a market, changed or not: should a round of what changed ever miss a pair, that
is about how long it waits."""


class Timer:
    """Clears changed markets every `interval_s`, as it stands in the database; with 0 it waits for another number.

    A few at once, each as long as it takes: a slow market holds up none of the others.
    """

    def __init__(self, db: Database, pool: SolverPool) -> None:
        self._db = db
        self._pool = pool
        self._few = asyncio.Semaphore(service.AT_ONCE)
        self._clearing: dict[str, asyncio.Task[None]] = {}
        self._left_alone_until_s: dict[str, float] = {}
        self._whole_due_s: dict[str, float] = {}
        self._all_known_until_s = float("-inf")

    async def run(self) -> None:
        """Work until cancelled, with the solvers running. Raises when the database is lost; the worker begins again."""
        await self._pool.start()
        try:
            await self._keep_clearing()
        finally:
            await ended(*self._clearing.values())
            await self._pool.stop()

    async def _keep_clearing(self) -> None:
        now_s = asyncio.get_running_loop().time
        cleared_s = float("-inf")
        while True:
            async with self._db.reading() as session:
                interval_s = await queries.interval_s(session)
            due_s = cleared_s + interval_s
            if interval_s > 0 and now_s() >= due_s:
                cleared_s = now_s()
                await self._begin()
            else:
                wait_s = min(due_s - now_s(), LOOK_EVERY_S) if interval_s > 0 else LOOK_EVERY_S
                await self._db.wake(service.LOOP).wait(wait_s)

    async def clear_changed(self) -> None:
        """One round of every market that changed, or was not looked at whole for long."""
        await self._begin()
        await asyncio.gather(*self._clearing.values())

    async def _begin(self) -> None:
        """Begin these rounds, but for markets whose last one is not over."""
        now_s = asyncio.get_running_loop().time()
        due = [each for each, due_s in self._whole_due_s.items() if due_s <= now_s]
        changed = await snapshot.changed_markets(self._db)
        for market in dict.fromkeys([*changed, *due]):
            if market not in self._clearing and self._left_alone_until_s.get(market, now_s) <= now_s:
                clearing = self._clearing[market] = asyncio.create_task(self._clear_in_turn(market))
                clearing.add_done_callback(partial(self._cleared, market))
        if now_s >= self._all_known_until_s:
            await self._know_all(now_s, changed)

    async def _know_all(self, now_s: float, changed: Collection[str]) -> None:
        """Markets that nobody has changed since this process began are looked at, too, one after the other. Those that
        have changed are looked at whole the first time."""
        self._all_known_until_s = now_s + WHOLE_EVERY_S
        markets = [each for each in await snapshot.all_markets(self._db) if each not in changed]
        for number, market in enumerate(markets, start=1):
            self._whole_due_s.setdefault(market, now_s + WHOLE_EVERY_S * number / len(markets))

    def _cleared(self, market: str, _: asyncio.Task[None]) -> None:
        del self._clearing[market]

    async def _clear_in_turn(self, market: str) -> None:
        async with self._few:
            await self._clear(market)

    async def _clear(self, market: str) -> None:
        now_s = asyncio.get_running_loop().time()
        whole = now_s >= self._whole_due_s.get(market, now_s)
        try:
            await service.clear_changed(self._db, self._pool, market, whole=whole)
        except LockTaken:
            return  # whoever has it looks at the changes; all of the market stays due
        except Exception as error:
            if is_transient(error):
                log.warning("round_waits", produce=market, error=type(error).__name__)
                return
            # It stays marked as changed; the others have their turn, whatever is wrong with this one.
            log.error("round_failed", produce=market, exc_info=error)
            self._left_alone_until_s[market] = asyncio.get_running_loop().time() + LEAVE_ALONE_S
        if whole:  # also where that has failed: what changed may be little enough
            self._whole_due_s[market] = now_s + WHOLE_EVERY_S
