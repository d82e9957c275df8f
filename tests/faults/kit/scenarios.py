"""One deliberate bug, what provokes it, and by which invariants it has to be caught."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.faults.kit.asking import Scale, declined_beside_another, fifty_at_once
from tests.faults.kit.gate import Gate, judge_end, keeping_logs, kept_logs
from tests.faults.kit.house import House, Plan
from tests.faults.kit.result import Result
from tests.faults.kit.storm import Faults, insist

Provoke = Callable[[Gate], Awaitable[None]]
SCALE = Scale(producers=4, buyers=4, carriers=2, pause_s=0.3, perishable_s=0, array=200, scarce=50, parcels=2000)
SECONDS = 8.0
PATIENCE_S = 60.0
CALLER_PATIENCE_S = 40.0
"""Some bugs answer 500 for ever; no process here is away for so long."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`where` are the children that have the bug; `caught_by` the invariants of which at least one must be violated."""

    mutant: str | None
    where: tuple[str, ...]
    provoke: Provoke
    caught_by: tuple[str, ...]

    def complaints(self, result: Result) -> set[str]:
        """Which of these were violated."""
        return result.findings.invariants_violated() & set(self.caught_by)


class Provoked(Gate):
    """A gate with another storm: a few seconds of load, and what provokes the bug."""

    quiet_patience_s = PATIENCE_S
    caller_patience_s = CALLER_PATIENCE_S
    provoke: Provoke

    async def _storm(self, working: asyncio.Task[None]) -> None:
        await asyncio.sleep(4)
        async with asyncio.timeout(60):
            await self.provoke(self)
        await asyncio.wait({working}, timeout=SECONDS)
        if working.done():
            working.result()


async def nothing(_: Gate) -> None:
    """The load alone provokes it."""


def dies_at(point: str, *names: str, times: int = 2) -> Provoke:
    """These are killed and begin again, to die at that point; so many times, or as often as they come there in time."""

    async def provoke(gate: Gate) -> None:
        kills = gate.house.kills
        for turn in range(1, times + 1):
            for name in names:
                await asyncio.to_thread(gate.house.kill, name, then_point=f"{point}:2")
            for _ in range(100):
                if kills[f"at {point}"] >= turn * len(names):
                    break
                await asyncio.sleep(0.2)

    return provoke


def killed(name: str, times: int = 3) -> Provoke:
    async def provoke(gate: Gate) -> None:
        for _ in range(times):
            await asyncio.to_thread(gate.house.kill, name)
            await asyncio.sleep(4)

    return provoke


def cut_off(*proxies: str, times: int = 12) -> Provoke:
    """Their connections are reset again and again, in the middle of whatever they do."""

    async def provoke(gate: Gate) -> None:
        for _ in range(times):
            await asyncio.sleep(0.7)
            for name in proxies:
                await asyncio.to_thread(gate.house.proxies[name].reset)

    return provoke


async def poisoned(gate: Gate) -> None:
    await insist(gate.meddler.spread_poison)


async def repeated(gate: Gate) -> None:
    await insist(lambda: gate.meddler.repeat(0.5))


async def asked_again(gate: Gate) -> None:
    await fifty_at_once(gate.load)


async def declined(gate: Gate) -> None:
    for _ in range(5):
        await declined_beside_another(gate.load)


def with_new_keys(provoke: Provoke) -> Provoke:
    """The load's own bug: an unknown outcome is asked again with another key."""

    async def provoked(gate: Gate) -> None:
        gate.load.caller.new_key_on_retry = True
        await provoke(gate)

    return provoked


MATCHING = ("serve matching", "work matching", "work matching 2")
WORKERS = ("work listing", "work matching", "work matching 2", "work logistics")

SCENARIOS = {
    name: scenario
    for name, scenario in {
        "offset-before-effect": (WORKERS, dies_at("inbox.before_commit", "work logistics", "work matching"), ("I10",)),
        "relay-deletes-first": (WORKERS, dies_at("outbox.before_send", "work listing", "work logistics"), ("I9",)),
        "inbox-outside": (WORKERS, dies_at("inbox.before_commit", "work logistics", "work matching"), ("I10",)),
        "inbox-forgets": (WORKERS, repeated, ("I10",)),
        "naive-cursor": (MATCHING, nothing, ("I11",)),
        "books-read-then-written": (MATCHING, nothing, ("I7",)),
        "balance-read-then-written": (("serve logistics", "work logistics"), nothing, ("I1", "I2")),
        "expiry-by-wall-clock": (("work listing",), nothing, ("I6",)),
        "swallowed-retry": (WORKERS, cut_off("postgres work logistics", "postgres work matching"), ("I10",)),
        "hold-released-twice": (MATCHING, declined, ("I7",)),
        "poison-skipped": (WORKERS, poisoned, ("poison",)),
        "answered-before-commit": (("serve listing",), killed("serve listing"), ("acknowledged", "I6")),
        "key-forgotten": (("serve listing",), asked_again, ("I13", "I6")),
    }.items()
    for scenario in [Scenario(name, *scenario)]
}
SCENARIOS["new-key-on-retry"] = Scenario(
    None, (), with_new_keys(dies_at("db.after_commit", "serve listing", "serve matching")), ("I6", "acknowledged")
)
CONTROL = Scenario(None, (), dies_at("inbox.before_commit", "work logistics", "work matching"), ())


def play(scenario: Scenario, folder: Path, seed: int) -> Result:
    """A house in which these children have the bug."""
    wrapper = (sys.executable, "-m", "tests.faults.mutant", scenario.mutant or "")
    result = play_over(folder, seed, scenario.provoke, SCALE, wrapped=dict.fromkeys(scenario.where, wrapper))
    if not scenario.complaints(result):
        result.logs = kept_logs(folder, seed)
    return result


def play_over(
    folder: Path,
    seed: int,
    provoke: Provoke,
    scale: Scale,
    *,
    wrapped: Mapping[str, tuple[str, ...]],
    token_hours: int = 12,
) -> Result:
    """A house in which these children run otherwise, some seconds of load, and the oracles."""
    with keeping_logs(folder, seed):
        with House(folder, Plan(wrapped=wrapped, token_hours=token_hours)) as house:
            gate = Provoked(house, seed, scale, Faults())
            gate.provoke = provoke
            result = asyncio.run(gate.run())
        judge_end(house, result)
    return result
