"""The storm: who is killed, paused and cut off when, what is repeated, replayed and poisoned; by the seed alone."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import asyncpg

from chassis.db import STALE_AFTER_S
from chassis.ending import ended
from chassis.outbox import RELAY_LOCK
from tests.faults.kit import topics
from tests.faults.kit.house import Child, House, until
from tests.faults.kit.load import Load, fifty_at_once
from tests.faults.kit.oracles import events

Fault = tuple[str, Callable[[], Awaitable[None]]]

DOWN_AT_ONCE = 2
BEGINS_WITHIN_S = 30.0
POINTS = {
    "serve": (("db.before_commit", 8), ("db.after_commit", 8)),
    "work": (
        ("outbox.before_send", 4),
        ("outbox.after_send", 4),
        ("outbox.after_delete", 4),
        ("inbox.before_commit", 4),
        ("inbox.after_commit", 4),
        ("db.before_commit", 15),
    ),
}
"""Where a process may be told to die, and the how manieth time at most."""
MORE_POINTS = {
    "work matching": (("rounds.after_solve", 4), ("feed.after_append", 6)),
    "serve logistics": (("parcels.after_reserve", 3),),
}
SESSION_ENDS_S = (4.0, 7.0)
"""How long a worker is paused to lose its session with Kafka, which the house sets to 3 s."""
LOCKS_GO_S = (STALE_AFTER_S + 4, STALE_AFTER_S + 7)
"""… and to lose its locks: another takes them after STALE_AFTER_S, and looks every second."""
HOLDER = """
SELECT client_port FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND datname = current_database()
    AND ((classid::bigint << 32) | objid::bigint) = $1
"""


@dataclass(frozen=True, slots=True)
class Faults:
    """How much is done to it, within about `seconds`."""

    seconds: float = 150.0
    kills_every_s: float = 2.4
    kills_at_least: int = 62
    longer_at_most_s: float = 100.0
    broker_kills: int = 3
    broker_pauses_s: tuple[float, ...] = (5, 8, 20)
    postgres_kills: int = 3
    proxy_episodes: int = 12
    repeats: int = 3
    replays: int = 2
    poisonings: int = 5
    paused_workers: int = 2
    paused_for_long: int = 1
    fifties: int = 3


class Storm:
    """All faults of one run, beside the load that they break."""

    def __init__(
        self, house: House, load: Load, meddler: topics.Meddler, faults: Faults, seed: int, counts: Counter[str]
    ) -> None:
        self.house = house
        self.load = load
        self.meddler = meddler
        self.faults = faults
        self.counts = counts
        self._chance = Random(f"{seed}/faults")
        self._asleep: set[asyncio.Task[None]] = set()

    async def rage(self, working: asyncio.Task[None]) -> None:
        """Until its time is over and enough were killed, or the load has ended, which it must not."""
        others = self._in_some_order()
        pause_s = self.faults.seconds / (len(others) + 1)
        ends_s = time.monotonic() + self.faults.seconds
        killing = asyncio.create_task(self._keep_killing())
        try:
            for number in range(1, len(others) + 1):
                due_s = ends_s - self.faults.seconds + number * pause_s
                await asyncio.wait({working}, timeout=max(0.2, due_s - time.monotonic()))
                if working.done():
                    return working.result()
                name, do = self._next_of(others)
                self.counts[name] += 1
                await do()
            while time.monotonic() < ends_s or (
                self.house.kills.total() < self.faults.kills_at_least
                and time.monotonic() < ends_s + self.faults.longer_at_most_s
            ):
                await asyncio.wait({working}, timeout=1)
                if working.done():
                    return working.result()
            await self._all_awake()
        finally:
            await ended(killing, *self._asleep)
        return None

    def _in_some_order(self) -> list[Fault]:
        """By chance; but the long pauses begin in the first half, so that they end within the time."""
        others = self._others()
        self._chance.shuffle(others)
        for _ in range(self.faults.paused_for_long):
            at = self._chance.randrange(len(others) // 2)
            others.insert(at, ("workers paused beyond their locks", self._pause_for_long))
        return others

    def _next_of(self, others: list[Fault]) -> Fault:
        """Who is paused can't be told to end, so a replay lets others go first meanwhile."""
        turns = (n for n, (_, do) in enumerate(others) if not (self._asleep and do == self._replay))
        return others.pop(next(turns, 0))

    async def _all_awake(self) -> None:
        while self._asleep:
            await asyncio.gather(*self._asleep)

    def _others(self) -> list[Fault]:
        faults, house = self.faults, self.house
        pauses: list[Fault] = [
            ("broker stopped and continued", lambda s=s: asyncio.to_thread(house.pause_broker, s))  # type: ignore[misc]
            for s in faults.broker_pauses_s
        ]
        return [
            *pauses,
            *[("broker killed", lambda: asyncio.to_thread(house.kill_broker))] * faults.broker_kills,
            *[("PostgreSQL killed", lambda: asyncio.to_thread(house.kill_postgres))] * faults.postgres_kills,
            *[("proxy episodes", self._proxy_episode)] * faults.proxy_episodes,
            *[("repeated and shuffled shares of the topics", self._repeat)] * faults.repeats,
            *[("full replays of every topic", self._replay)] * faults.replays,
            *[("poisonings", self._poison)] * faults.poisonings,
            *[("workers paused beyond their session", self._pause_worker)] * faults.paused_workers,
            *[("fifty at once with one key", lambda: fifty_at_once(self.load))] * faults.fifties,
        ]

    async def _keep_killing(self) -> None:
        names = list(self.house.children)
        while True:
            await asyncio.sleep(self.faults.kills_every_s * self._chance.uniform(0.5, 1.5))
            name = self._chance.choice(names)
            child = self.house.children[name]
            if await self._too_many_are_down(name) or child.held_down or child.paused:
                continue
            point = None
            if self._chance.random() < 0.6:
                several = POINTS[child.command] + MORE_POINTS.get(f"{child.command} {child.service}", ())
                point, most = self._chance.choice(several)
                point = f"{point}:{self._chance.randrange(1, most + 1)}"
            await asyncio.to_thread(self.house.kill, name, then_point=point)

    async def _too_many_are_down(self, name: str) -> bool:
        """Whoever is still starting is let be, and so is everyone while several are: on a slow machine nobody would
        ever work otherwise, and what nobody does can't go wrong."""
        children = self.house.children
        awake = [each for each in children if not children[each].paused]
        down = [each for each in awake if not await asyncio.to_thread(children[each].answers, "/healthz", 0.5)]
        return name in down or len(down) > DOWN_AT_ONCE

    async def _proxy_episode(self) -> None:
        name = self._chance.choice(sorted(self.house.proxies))
        proxy = self.house.proxies[name]
        seconds = self._chance.uniform(2, 5)
        kind = self._chance.choice(("delay", "throttle", "cut", "reset", "blackhole", "one way"))
        self.counts[f"proxy: {kind}"] += 1
        if kind == "delay":
            proxy.delay(self._chance.uniform(0.05, 0.3))
        elif kind == "throttle":
            proxy.throttle(50_000)
        elif kind == "cut":
            await asyncio.to_thread(proxy.cut)
        elif kind == "blackhole":
            proxy.blackhole()
        elif kind == "one way":
            proxy.blackhole(self._chance.choice(("there", "back")))
        else:
            await asyncio.to_thread(proxy.reset)
            return
        await asyncio.sleep(seconds)
        await asyncio.to_thread(proxy.calm)

    async def _repeat(self) -> None:
        await insist(lambda: self.meddler.repeat(0.3))

    async def _poison(self) -> None:
        await insist(self.meddler.spread_poison)

    async def _replay(self) -> None:
        """Each group in turn hears everything again from the beginning."""
        await self._all_awake()
        for group, heard in events.HEARS.items():
            members = [each.name for each in self.house.children.values() if each.name.startswith(f"work {group}")]
            for name in members:
                await asyncio.to_thread(self.house.stop, name)  # it judges how they end
            try:
                self.counts["records replayed"] += await insist(
                    lambda group=group, heard=heard: topics.rewind(self.house.broker.bootstrap, group, heard)  # type: ignore[misc]
                )
            finally:
                for name in members:
                    self.house.start(name)

    async def _pause_worker(self) -> None:
        """It loses its session with Kafka, and wakes late."""
        awake = [each for each in self.house.children.values() if each.command == "work" and not each.paused]
        await self._pause(self._chance.choice(awake), self._chance.uniform(*SESSION_ENDS_S))

    async def _pause_for_long(self) -> None:
        """The one of matching's workers that relays its events loses its session and its locks, and wakes while the
        other has them; all else goes on."""
        name = await self._who_relays("matching")
        child = self.house.children[name or self._chance.choice(["work matching", "work matching 2"])]
        sleeping = asyncio.create_task(self._pause(child, self._chance.uniform(*LOCKS_GO_S)))
        self._asleep.add(sleeping)
        sleeping.add_done_callback(self._asleep.discard)

    async def _pause(self, child: Child, seconds: float) -> None:
        child.paused = True
        try:
            await asyncio.to_thread(until, partial(child.answers, "/healthz"), BEGINS_WITHIN_S, f"{child.name} answers")
            self.house.pause(child.name)
            await asyncio.sleep(seconds)
        finally:
            self.house.resume(child.name)
            child.paused = False

    async def _who_relays(self, service: str) -> str | None:
        """The worker that holds the lock of that outbox now, by the proxy through which it came."""
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            connection = await asyncpg.connect(self.house.database(service), ssl=False, timeout=3)
            try:
                port = await connection.fetchval(HOLDER, RELAY_LOCK)
            finally:
                await connection.close(timeout=3)
            names = (
                each for each in self.house.children if port in self.house.proxies[f"postgres {each}"].ports_there()
            )
            return next(names, None)
        return None


async def insist(do: Callable[[], Awaitable[Any]], within_s: float = 60) -> Any:
    """The meddler's own clients meet the faults, too."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            async with asyncio.timeout(within_s):
                return await do()
        except Exception:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(1)
