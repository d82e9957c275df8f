"""The storm: who is killed, paused and cut off, what is repeated, replayed and poisoned, in which order: by the seed.

When each happens is the machine's affair too, and who is just down has its turn later.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from random import Random
from typing import Any

import asyncpg

from chassis.db import STALE_AFTER_S
from chassis.ending import ended
from chassis.outbox import RELAY_LOCK
from tests.faults.kit import topics
from tests.faults.kit.asking import fifty_at_once
from tests.faults.kit.child import Child, until
from tests.faults.kit.house import DATABASE_AWAY, House
from tests.faults.kit.load import Load
from tests.faults.kit.oracles import events
from tests.faults.kit.oracles.ledger import END_OF_THE_MONEY
from tests.faults.kit.oracles.market import TIME_IS_OVER
from tests.faults.kit.points import CHILDREN, POINTS, SURELY

Fault = tuple[str, Callable[[], Awaitable[None]]]

DOWN_AT_ONCE = 2
BEGINS_WITHIN_S = 30.0
DIES_WITHIN_S = 20.0
"""Who was told where to die is left in peace for so long, to come there."""
ANSWERS_WITHIN_S = 1.5
KINDS = ("delay", "throttle", "cut", "reset", "blackhole", "one way")
SORTS = ("postgres serve", "postgres work", "kafka", "http")
"""The beginnings of the proxies' names."""
AT_RANDOM = 0.4
"""The share of kills after which nobody was told where to die next."""
SESSION_ENDS_S = (4.0, 7.0)
"""How long a worker is paused to lose its session with Kafka, which the house sets to 3 s."""
LOCKS_GO_S = (STALE_AFTER_S + 4, STALE_AFTER_S + 7)
"""… and to lose its locks: another takes them after STALE_AFTER_S, and looks every second."""
LONG_PAUSES_AT_MOST = 6
RELAYS_WITHIN_S, LOOKS_EVERY_S = 25.0, 0.3
PAUSED_FOR_LONG = "workers paused beyond their locks"
LOCK_TAKEN = "lock_taken_from_who_stalled"
LOCKS_TAKEN = "locks taken from who was paused"
HOLDER = """
SELECT client_port FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND datname = current_database()
    AND ((classid::bigint << 32) | objid::bigint) = $1
"""


@dataclass(frozen=True, slots=True)
class Faults:
    """How much is done to it, within about `seconds`."""

    seconds: float = 150.0
    kills_every_s: float = 2.2
    kills_at_least: int = 62
    longer_at_most_s: float = 60.0
    broker_kills: int = 3
    broker_pauses_s: tuple[float, ...] = (5, 8, 20)
    postgres_kills: int = 3
    proxy_episodes: int = 12
    repeats: int = 3
    replays: int = 2
    poisonings: int = 3
    paused_workers: int = 2
    paused_for_long: int = 1
    fifties: int = 3


ENOUGH_PARCELS = 13_300
"""Each makes nearly four of the events that FLOORS asks for: 12,862 made 49,769 of them."""
INVARIANTS = [*(f"I{n}" for n in range(1, 16) if n != 12), END_OF_THE_MONEY, TIME_IS_OVER]
FLOORS = {
    "killed in all": 60,
    "events committed": 50_000,
    "broker faults": 5,
    "snapshots looked at": 20,
    LOCKS_TAKEN: 1,
    **{f"killed at {point}": 1 for point in SURELY},
    **{f"killed: {name}": 1 for name in [*CHILDREN, "PostgreSQL", "the broker"]},
    **{f"proxy: {kind}": 1 for kind in KINDS},
    **{f"proxy to {sort}": 1 for sort in ("postgres", "kafka", "http")},
    **{f"looked at: {invariant}": 1 for invariant in INVARIANTS},
    **{f"poison: {kind}": 1 for kind in ("bad JSON", "wrong types", "future version", "5 MB, taken by the broker")},
}
"""What a whole run has done at the least, or it has proved little."""


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
        self._kills, self._order, self._pauses, self._proxies = (
            Random(f"{seed}/{what}") for what in ("kills", "order", "pauses", "proxies")
        )
        self._episodes = self._planned_episodes()
        self._told_s: dict[str, float] = {}
        self._asleep: list[asyncio.Task[None]] = []

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
                await do()
                self.counts[name] += 1
            while time.monotonic() < ends_s or (
                self.is_owed() and time.monotonic() < ends_s + self.faults.longer_at_most_s
            ):
                await asyncio.wait({working}, timeout=1)
                if working.done():
                    return working.result()
            await self._all_awake()
        finally:
            await ended(killing, *self._asleep)
        return None

    def is_owed(self) -> list[str]:
        """What of the kills, and of what makes most of the events, has not been done yet."""
        kills, killed = self.house.kills, self.house.killed
        owed = [point for point in SURELY if not kills[f"at {point}"]]
        owed += [name for name in self.house.children if not killed[name]]
        owed += ["more kills"] if kills.total() < self.faults.kills_at_least else []
        return owed + (["more parcels"] if self.load.carriers.registered < ENOUGH_PARCELS else [])

    def _in_some_order(self) -> list[Fault]:
        """By chance; but the long pauses begin in the first half, so that they end within the time."""
        others = self._others()
        self._order.shuffle(others)
        for _ in range(self.faults.paused_for_long):
            at = self._order.randrange(len(others) // 2)
            others.insert(at, ("long pauses begun", self._begin_a_long_pause))
        return others

    def _next_of(self, others: list[Fault]) -> Fault:
        """Who is paused can't be told to end, so a replay lets others go first meanwhile; so does the next death of
        PostgreSQL, where a pause has been in vain."""
        waits = [self._replay] if self._is_somebody_asleep() else []
        waits += [self._kill_postgres] if self._is_paused_again() else []
        turns = (n for n, (_, do) in enumerate(others) if do not in waits)
        return others.pop(next(turns, 0))

    def _is_somebody_asleep(self) -> bool:
        return any(not each.done() for each in self._asleep)

    def _is_paused_again(self) -> bool:
        return self._is_somebody_asleep() and bool(self.counts[PAUSED_FOR_LONG])

    async def _all_awake(self) -> None:
        """And none of them has failed."""
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
            *[("PostgreSQL killed", self._kill_postgres)] * faults.postgres_kills,
            *[("proxy episodes", self._proxy_episode)] * faults.proxy_episodes,
            *[("repeated and shuffled shares of the topics", self._repeat)] * faults.repeats,
            *[("full replays of every topic", self._replay)] * faults.replays,
            *[("poisonings", self._poison)] * faults.poisonings,
            *[("workers paused beyond their session", self._pause_worker)] * faults.paused_workers,
            *[("fifty at once with one key", lambda: fifty_at_once(self.load))] * faults.fifties,
        ]

    async def _keep_killing(self) -> None:
        """One after the other, as planned. Whoever can't be killed now is passed over until it can."""
        planned = self._planned_kills()
        waiting: list[tuple[str, str | None]] = []
        while True:
            await asyncio.sleep(self.faults.kills_every_s * self._kills.uniform(0.5, 1.5))
            waiting.append(next(planned))
            if await self._too_many_are_down():
                continue
            for each in waiting:
                name, point = each
                if await self._may_be_killed(name) and await asyncio.to_thread(self.house.kill, name, then_point=point):
                    waiting.remove(each)
                    self._told_s[name] = time.monotonic()
                    break

    def _planned_kills(self) -> Iterator[tuple[str, str | None]]:
        """Who is killed, and where it shall die next: everyone and every point once, in some order, then by chance, but
        that each third time it is one who has not come to his point yet."""
        names = list(self.house.children)
        once: list[tuple[str, str | None]] = [(name, f"{point}:1") for point, name in SURELY.items()]
        once += [(name, None) for name in names if name not in SURELY.values()]
        self._kills.shuffle(once)
        yield from once
        for turn in count():
            missed = [point for point in SURELY if not self.house.kills[f"at {point}"]]
            if missed and turn % 3 == 0:
                yield SURELY[missed[0]], f"{missed[0]}:1"
            name, point = self._kills.choice(names), None
            where, most = self._kills.choice(POINTS[name.removesuffix(" 2")])
            if self._kills.random() > AT_RANDOM:
                point = f"{where}:{self._kills.randrange(1, most + 1)}"
            yield name, point

    async def _may_be_killed(self, name: str) -> bool:
        """Whoever is still starting is let be, and who was told where to die may come there."""
        child = self.house.children[name]
        hopeful = child.point is not None and time.monotonic() < self._told_s.get(name, 0) + DIES_WITHIN_S
        if child.held_down or child.paused or hopeful:
            return False
        return await asyncio.to_thread(child.answers, "/healthz", ANSWERS_WITHIN_S)

    async def _too_many_are_down(self) -> bool:
        """On a slow machine nobody would ever work otherwise, and what nobody does can't go wrong."""
        awake = [each for each in self.house.children.values() if not each.paused]
        answers = await asyncio.gather(
            *(asyncio.to_thread(each.answers, "/healthz", ANSWERS_WITHIN_S) for each in awake)
        )
        return answers.count(False) > DOWN_AT_ONCE

    def _planned_episodes(self) -> list[tuple[str, str]]:
        """Whose connections misbehave, and how: every kind in turn, between each two sorts of processes."""
        kinds = [KINDS[n % len(KINDS)] for n in range(self.faults.proxy_episodes)]
        sorts = [[name for name in sorted(self.house.proxies) if name.startswith(sort)] for sort in SORTS]
        names = [self._proxies.choice(sorts[n % len(sorts)]) for n in range(self.faults.proxy_episodes)]
        self._proxies.shuffle(names)
        return list(zip(names, kinds, strict=True))

    async def _proxy_episode(self) -> None:
        name, kind = self._episodes.pop()
        proxy = self.house.proxies[name]
        seconds = self._proxies.uniform(2, 5)
        self.counts[f"proxy: {kind}"] += 1
        self.counts[f"proxy to {name.split()[0]}"] += 1
        if kind == "delay":
            proxy.delay(self._proxies.uniform(0.05, 0.3))
        elif kind == "throttle":
            proxy.throttle(50_000)
        elif kind == "cut":
            await asyncio.to_thread(proxy.cut)
        elif kind == "blackhole":
            proxy.blackhole()
        elif kind == "one way":
            proxy.blackhole(self._proxies.choice(("there", "back")))
        else:
            await asyncio.to_thread(proxy.reset)
            return
        await asyncio.sleep(seconds)
        await asyncio.to_thread(proxy.calm)

    async def _repeat(self) -> None:
        await insist(lambda: self.meddler.repeat(0.3))

    async def _poison(self) -> None:
        await insist(self.meddler.spread_poison)

    async def _kill_postgres(self) -> None:
        """All locks go with it: once that has spoiled a long pause, it lets the next one be."""
        if self._is_paused_again():
            await self._all_awake()
        await asyncio.to_thread(self.house.kill_postgres)

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
        workers = [each for each in self.house.children.values() if each.command == "work"]
        chosen, seconds = self._pauses.choice(workers), self._pauses.uniform(*SESSION_ENDS_S)
        if not chosen.paused:
            await self._pause(chosen, seconds)

    async def _begin_a_long_pause(self) -> None:
        self._asleep.append(asyncio.create_task(self._pause_for_long()))

    async def _pause_for_long(self) -> None:
        """The one of matching's workers that relays its events loses its session and its locks, and wakes while the
        other has them; all else goes on. Again, where a lock went by another fault: its database was killed, say."""
        for _ in range(LONG_PAUSES_AT_MOST):
            await asyncio.to_thread(self._until_both_answer)
            name = await self._whoever_relays("matching")
            child = self.house.children[name or self._pauses.choice(["work matching", "work matching 2"])]
            await self._pause(child, self._pauses.uniform(*LOCKS_GO_S))
            self.counts[PAUSED_FOR_LONG] += 1
            self.counts[LOCKS_TAKEN] = self.house.count_in_logs(LOCK_TAKEN)
            if self.counts[LOCKS_TAKEN]:
                return

    def _until_both_answer(self) -> None:
        """Who begins while one is looked for may have no lock any more when he is paused, or not yet."""
        for name in ("work matching", "work matching 2"):
            with suppress(Exception):  # one that does not come back is found by other means
                until(partial(self.house.children[name].answers, "/healthz"), BEGINS_WITHIN_S, f"{name} answers")

    async def _pause(self, child: Child, seconds: float) -> None:
        child.paused = True
        try:
            await asyncio.to_thread(until, partial(child.answers, "/healthz"), BEGINS_WITHIN_S, f"{child.name} answers")
            self.house.pause(child.name)
            await asyncio.sleep(seconds)
        finally:
            self.house.resume(child.name)
            child.paused = False

    async def _whoever_relays(self, service: str) -> str | None:
        """While the broker or the database is away nobody does for a moment, and whoever were paused had no lock."""
        deadline = time.monotonic() + RELAYS_WITHIN_S
        while (name := await self._who_relays(service)) is None and time.monotonic() < deadline:
            await asyncio.sleep(LOOKS_EVERY_S)
        return name

    async def _who_relays(self, service: str) -> str | None:
        """The worker that holds the lock of that outbox now, by the proxy through which it came."""
        with suppress(*DATABASE_AWAY):
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
