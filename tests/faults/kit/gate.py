"""One run of the gate: load and faults together for a while, then quiet, then the oracles, then the table."""

import asyncio
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg

from chassis.ending import ended
from tests.faults.kit import topics
from tests.faults.kit.asking import Scale, accounts
from tests.faults.kit.caller import Caller
from tests.faults.kit.findings import Findings
from tests.faults.kit.house import DATABASE_AWAY, SERVICES, House
from tests.faults.kit.journal import Journal
from tests.faults.kit.load import Load
from tests.faults.kit.oracles import events, feed, ledger, market, people, shipments
from tests.faults.kit.result import Result
from tests.faults.kit.spy import Told, told
from tests.faults.kit.storm import FLOORS, LOCK_TAKEN, LOCKS_TAKEN, Faults, Storm

QUIET_WITHIN_S = 30.0
QUIET_PATIENCE_S = 120.0
SNAPSHOT_EVERY_S = 1.5
NO_ROUNDS = """
INSERT INTO round_timer (id, interval_s) VALUES (1, 0) ON CONFLICT (id) DO UPDATE SET interval_s = excluded.interval_s
"""
LAST_ROUND_S = 2.0  # by then a round that had begun is written


class Gate:
    """Everything of one run, over a house that stands."""

    quiet_patience_s = QUIET_PATIENCE_S
    caller_patience_s = 180.0

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
        self._snapshots = Findings()

    async def run(self) -> Result:
        began_s = time.monotonic()
        names = accounts(self.scale)
        tokens = await self.house.tokens(names)
        await self.meddler.let_large_ones_in()
        caller = Caller(self.house.url, tokens, patience_s=self.caller_patience_s)
        self.load = Load(caller, self.journal, self.seed, self.scale, code_of=self.house.code_of)
        working = asyncio.create_task(self.load.run())
        watching = asyncio.create_task(self._keep_looking())
        try:
            await self._storm(working)
            await asyncio.to_thread(self._calm)
            self.load.stop.set()
            quiet_s = await self._until_quiet(working)
            await self._stand_still()
            await self.load.read_feeds_to_the_end()
            if watching.done():
                watching.result()
        finally:
            await ended(watching, working)
        findings = await self.judge({name: id_ for name, (id_, _) in tokens.items()}, caller)
        await caller.aclose()
        findings.seen(
            "I14", quiet_s <= QUIET_WITHIN_S, f"quiet and healthy only after {quiet_s:.1f} s: {self.waited_for[-12:]}"
        )
        findings.take(caller.findings)
        return Result(
            self.seed,
            findings,
            self.counts,
            self.house.kills,
            self.house.killed,
            caller.outcomes,
            quiet_s,
            time.monotonic() - began_s,
        )

    async def _storm(self, working: asyncio.Task[None]) -> None:
        storm = Storm(self.house, self.load, self.meddler, self.faults, self.seed, self.counts)
        await storm.rage(working)

    def _calm(self) -> None:
        for proxy in self.house.proxies.values():
            proxy.calm()
        for name in self.house.children:
            self.house.resume(name)
        self.house.disarm()

    # Looking

    async def _keep_looking(self) -> None:
        """I1 and I7 on snapshots while everything goes on."""
        while True:
            for service, look in (("logistics", ledger.snapshot), ("matching", market.snapshot)):
                with suppress(*DATABASE_AWAY):
                    connection = await asyncpg.connect(self.house.database(service), ssl=False, timeout=3)
                    try:
                        await look(connection, self._snapshots)
                        self.counts["snapshots looked at"] += 1
                    finally:
                        await connection.close(timeout=3)
            await asyncio.sleep(SNAPSHOT_EVERY_S)

    async def _until_quiet(self, working: asyncio.Task[None] | None = None) -> float:
        """Nothing waits anywhere, nobody lags, everyone is ready, and every outcome of the load is known; how long
        that took."""
        began_s = time.monotonic()
        while waiting := await self._waiting(working):
            self.waited_for.append(f"{time.monotonic() - began_s:.0f} s: {'; '.join(waiting)}")
            if time.monotonic() - began_s > self.quiet_patience_s:
                self.journal.seen("I14", False, f"still not quiet: {waiting}")
                break
            await asyncio.sleep(0.3)
        quiet_s = time.monotonic() - began_s
        if working is not None:
            await working
        return quiet_s

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

    async def _waiting(self, working: asyncio.Task[None] | None) -> list[str]:
        found = ["outcomes that are not known"] if working is not None and not working.done() else []
        tables = {name: ["outbox"] for name in SERVICES} | {
            each: ["outbox", "feed_pending"] for each in ("matching", "logistics")
        }
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
        self.counts["events committed"] = sum(not each.topic.endswith(events.DEAD_LETTERS) for each in committed)
        self.counts["records on the topics"] = await topics.count(self.house.broker.bootstrap)
        self.counts["events heard, repeats and replays included"] = (
            sum(each.topic in heard for each in read for heard in events.HEARS.values())
            + self.counts["records replayed"]
        )
        self.counts |= self.meddler.done
        self.counts[LOCKS_TAKEN] = self.house.count_in_logs(LOCK_TAKEN)
        self.counts["parcels sent"] = self.load.carriers.registered
        pages = await self._transfers(caller)
        findings.take(await ledger.judge(databases["logistics"], databases["matching"], self.journal, pages))
        findings.take(await market.judge(databases["listing"], databases["matching"], self.journal))
        findings.take(await shipments.judge(databases["logistics"], self.journal))
        findings.take(await people.judge(databases["gateway"], committed, self.journal, account_ids))
        self.counts["phones signed in"] = len(self.journal.accounts)
        findings.take(events.on_topics(committed, read))
        findings.take(await events.in_inboxes(databases, committed))
        findings.take(await events.effects(databases, committed))
        findings.take(events.poison(self.meddler.poison, read))
        findings.take(events.unharmed(self.meddler.harmless, read))
        findings.take(events.too_large(self.meddler.too_large, topics.LARGE_TOPIC, topics.TOO_LARGE_B, read))
        findings.take(events.buried(committed, read))
        findings.take(await feed.judge(databases, committed, self.journal, account_ids))
        findings.take(self._snapshots)
        findings.take(self.journal.findings)
        for each in self.house.surprises:
            findings.seen("processes", False, each)
        findings.checks["processes"] += len(self.house.children)
        return findings

    async def _transfers(self, caller: Caller) -> dict[str, Sequence[Mapping[str, Any]]]:
        """What the API shows of each programme's ledger, its own verdict on it; nothing of one that never answers."""
        pages: dict[str, Sequence[Mapping[str, Any]]] = {}
        for programme in self.journal.programmes.values():
            with self.load.as_far_as_known():
                path, found, after = f"/v1/programmes/{programme['id']}", [], 0
                while items := (await caller.get("officer", f"{path}/transfers", after=after, limit=500)).json()[
                    "items"
                ]:
                    found += items
                    after = items[-1]["seq"]
                pages[programme["id"]] = found
                verdict = (await caller.get("officer", f"{path}/verify")).json()
                right = verdict["ok"] and verdict["transfers"] == len(found) and verdict["head"] == found[-1]["hash"]
                self.journal.seen("I15", right, f"{programme['name']}: {verdict}")
        return pages


def run_gate(folder: Path, seed: int, scale: Scale | None = None, faults: Faults | None = None) -> Result:
    """A house of its own, one run, and its end. To have done too little is a violation, too."""
    with keeping_logs(folder, seed):
        with House(folder) as house:
            gate = Gate(house, seed, scale or Scale(), faults or Faults())
            result = asyncio.run(gate.run())
        judge_end(house, result)
    for each in result.shortfalls(FLOORS):
        result.findings.seen("harness", False, f"did too little: {each}")
    if result.findings.violations:
        result.logs = kept_logs(folder, seed)
    return result


@contextmanager
def keeping_logs(folder: Path, seed: int) -> Iterator[None]:
    """What the processes wrote is kept when the block breaks down."""
    try:
        yield
    except BaseException:
        print(f"What its processes wrote is in {kept_logs(folder, seed)}", flush=True)
        raise


def kept_logs(folder: Path, seed: int) -> Path:
    """Out of a folder that is about to go; where they are."""
    kept = Path(tempfile.mkdtemp(prefix=f"duijie-faults-{seed}-"))
    for log in [*folder.glob("*.log"), *folder.glob("*/*.log")]:  # of Kafka's folders only what the broker wrote
        with suppress(OSError):  # it must not hide why it is kept
            shutil.copy(log, kept / "-".join(log.relative_to(folder).parts))
    return kept


def judge_end(house: House, result: Result) -> None:
    """What was a surprise only when the house had come to its end."""
    for each in house.surprises:
        if f"processes: {each}" not in result.findings.violations:
            result.findings.seen("processes", False, each)
