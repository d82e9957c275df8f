"""One run of the gate: load and faults together for a while, then quiet, then the oracles, then the table."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

from chassis.db import STALE_AFTER_S
from chassis.outbox import RELAY_LOCK
from tests.faults.kit import topics
from tests.faults.kit.caller import Caller
from tests.faults.kit.findings import Findings
from tests.faults.kit.house import SERVICES, Child, House, until
from tests.faults.kit.journal import Journal
from tests.faults.kit.load import Load, Scale, accounts, fifty_at_once
from tests.faults.kit.oracles import events, feed, ledger, market, people
from tests.faults.kit.result import Result
from tests.faults.kit.spy import Told, told

Fault = tuple[str, Callable[[], Awaitable[None]]]

QUIET_WITHIN_S = 30.0
QUIET_PATIENCE_S = 120.0
SNAPSHOT_EVERY_S = 1.5
NO_ROUNDS = """
INSERT INTO round_timer (id, interval_s) VALUES (1, 0) ON CONFLICT (id) DO UPDATE SET interval_s = excluded.interval_s
"""
LAST_ROUND_S = 2.0  # by then a round that had begun is written
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
LOCK_TAKEN = "lock_taken_from_who_stalled"
HOLDER = """
SELECT client_port FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND datname = current_database()
    AND ((classid::bigint << 32) | objid::bigint) = $1
"""


@dataclass(frozen=True, slots=True)
class Faults:
    """How much is done to it, within about `seconds`."""

    seconds: float = 200.0
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


class Gate:
    """Everything of one run, over a house that stands."""

    quiet_patience_s = QUIET_PATIENCE_S

    def __init__(self, house: House, seed: int, scale: Scale, faults: Faults) -> None:
        self.house = house
        self.seed = seed
        self.scale = scale
        self.faults = faults
        self.journal = Journal()
        self.counts: Counter[str] = Counter()
        self.waited_for: list[str] = []
        self.meddler = topics.Meddler(house.broker.bootstrap, seed)
        self.load: Load
        self._chance = Random(f"{seed}/faults")
        self._snapshots = Findings()
        self._asleep: set[asyncio.Task[None]] = set()

    async def run(self) -> Result:
        began_s = time.monotonic()
        names = accounts(self.scale)
        tokens = await self.house.tokens(names)
        caller = Caller(self.house.url, tokens)
        self.load = Load(caller, self.journal, self.seed, self.scale, self.house.code_of)
        working = asyncio.create_task(self.load.run())
        watching = asyncio.create_task(self._keep_looking())
        try:
            await self._do_faults(working)
            self._calm()
            self.load.stop.set()
            await working
            quiet_s = await self._until_quiet()
            await self._stand_still()
        finally:
            watching.cancel()
            working.cancel()
            await asyncio.gather(watching, working, return_exceptions=True)
        findings = await self.judge({name: id_ for name, (id_, _) in tokens.items()}, caller)
        await caller.aclose()
        findings.seen(
            "I14", quiet_s <= QUIET_WITHIN_S, f"quiet and healthy only after {quiet_s:.1f} s: {self.waited_for[-12:]}"
        )
        return Result(
            self.seed,
            findings,
            dict(self.counts),
            self.house.kills,
            caller.outcomes,
            quiet_s,
            time.monotonic() - began_s,
        )

    # Faults

    async def _do_faults(self, working: asyncio.Task[None]) -> None:
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
            killing.cancel()
            await asyncio.gather(killing, return_exceptions=True)
            for task in self._asleep:
                task.cancel()
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
        await self.insist(lambda: self.meddler.repeat(0.3))

    async def _poison(self) -> None:
        await self.insist(self.meddler.spread_poison)

    async def _replay(self) -> None:
        """Each group in turn hears everything again from the beginning."""
        await self._all_awake()
        for group, heard in events.HEARS.items():
            members = [each.name for each in self.house.children.values() if each.name.startswith(f"work {group}")]
            for name in members:
                await asyncio.to_thread(self.house.stop, name)  # it judges how they end
            try:
                self.counts["records replayed"] += await self.insist(
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

    async def insist(self, do: Callable[[], Awaitable[Any]], within_s: float = 60) -> Any:
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

    def _calm(self) -> None:
        for proxy in self.house.proxies.values():
            proxy.calm()
        for name in self.house.children:
            self.house.resume(name)

    # Looking

    async def _keep_looking(self) -> None:
        """I1 and I7 on snapshots while everything goes on."""
        while True:
            for service, look in (("logistics", ledger.snapshot), ("matching", market.snapshot)):
                with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                    connection = await asyncpg.connect(self.house.database(service), ssl=False, timeout=3)
                    try:
                        await look(connection, self._snapshots)
                    finally:
                        await connection.close(timeout=3)
            await asyncio.sleep(SNAPSHOT_EVERY_S)

    async def _until_quiet(self) -> float:
        """Nothing waits anywhere, nobody lags, everyone is ready; how long that took."""
        began_s = time.monotonic()
        while waiting := await self._waiting():
            self.waited_for.append(f"{time.monotonic() - began_s:.0f} s: {'; '.join(waiting)}")
            if time.monotonic() - began_s > self.quiet_patience_s:
                self.journal.seen("I14", False, f"still not quiet: {waiting}")
                break
            await asyncio.sleep(0.3)
        return time.monotonic() - began_s

    async def _stand_still(self) -> None:
        """No more rounds: the oracles read one database after the other, and nothing may happen in between.

        Past the API, for a service whose clock is off refuses its admin, too.
        """
        connection = await asyncpg.connect(self.house.database("matching"), ssl=False)
        try:
            await connection.execute(NO_ROUNDS)
        finally:
            await connection.close()
        await asyncio.sleep(LAST_ROUND_S)
        await self._until_quiet()

    async def _waiting(self) -> list[str]:
        found = []
        tables = {name: ["outbox"] for name in SERVICES} | {"matching": ["outbox", "feed_pending"]}
        for service, names in tables.items():
            connection = await asyncpg.connect(self.house.database(service), ssl=False)
            try:
                counts = {name: await connection.fetchval(f"SELECT count(*) FROM {name}") for name in names}
                found += [f"{n} rows in {name} of {service}" for name, n in counts.items() if n]
            finally:
                await connection.close()
        lags = await topics.lag(self.house.broker.bootstrap, events.HEARS)
        found += [f"{group} lags {n}" for group, n in lags.items() if n]
        found += await asyncio.to_thread(self.house.unready)
        return found

    # Judging

    async def judge(self, account_ids: Mapping[str, str], caller: Caller) -> Findings:
        findings = Findings()
        databases = {service: self.house.database(service) for service in SERVICES}
        committed: list[Told] = []
        for url in databases.values():
            committed += await told(url)
        read = await topics.read_all(self.house.broker.bootstrap)
        self.counts["records on the topics"] = await topics.count(self.house.broker.bootstrap)
        self.counts["events heard, repeats and replays included"] = (
            sum(each.topic in heard for each in read for heard in events.HEARS.values())
            + self.counts["records replayed"]
        )
        self.counts |= self.meddler.done
        self.counts["locks taken from who was paused"] = sum(
            child.log.read_bytes().count(LOCK_TAKEN.encode()) for child in self.house.children.values()
        )
        pages = await self._transfers(caller)
        findings.take(await ledger.judge(databases["logistics"], databases["matching"], self.journal, pages))
        findings.take(await market.judge(databases["listing"], databases["matching"], self.journal))
        findings.take(await people.judge(databases["gateway"], committed, self.journal, account_ids))
        self.counts["phones signed in"] = len(self.journal.accounts)
        findings.take(events.on_topics(committed, read))
        findings.take(await events.in_inboxes(databases, committed))
        findings.take(await events.effects(databases, committed))
        findings.take(events.poison(self.meddler.poison, read))
        findings.take(events.buried(committed, read))
        findings.take(await feed.judge(databases["matching"], committed, self.journal, account_ids))
        findings.take(self._snapshots)
        findings.take(self.journal.findings)
        for each in self.house.surprises:
            findings.seen("processes", False, each)
        findings.checks["processes"] += len(self.house.children)
        return findings

    async def _transfers(self, caller: Caller) -> dict[str, Sequence[Mapping[str, Any]]]:
        """What the API shows of each programme's ledger, and its own verdict on it."""
        pages: dict[str, Sequence[Mapping[str, Any]]] = {}
        for programme in self.journal.programmes.values():
            path, found, after = f"/v1/programmes/{programme['id']}", [], 0
            while items := (await caller.get("officer", f"{path}/transfers", after=after, limit=500)).json()["items"]:
                found += items
                after = items[-1]["seq"]
            pages[programme["id"]] = found
            verdict = (await caller.get("officer", f"{path}/verify")).json()
            right = verdict["ok"] and verdict["transfers"] == len(found) and verdict["head"] == found[-1]["hash"]
            self.journal.seen("I15", right, f"{programme['name']}: {verdict}")
        return pages


def run_gate(folder: Path, seed: int, scale: Scale | None = None, faults: Faults | None = None) -> Result:
    """A house of its own, one run, and its end."""
    with House(folder) as house:
        gate = Gate(house, seed, scale or Scale(), faults or Faults())
        result = asyncio.run(gate.run())
    judge_end(house, result)
    return result


def judge_end(house: House, result: Result) -> None:
    """What was a surprise only when the house had come to its end."""
    for each in house.surprises:
        if f"processes: {each}" not in result.findings.violations:
            result.findings.seen("processes", False, each)
