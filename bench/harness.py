"""Two sides of one comparison: the same work, in turns (A B A B …), medians of the repeats, wall clock and CPU.

A program describes its comparisons as `Bar`s, measures pairs of `Side`s, and ends with `report`. Ratios mean something
on any machine; the absolute numbers are those of the machine they were taken on.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from duijie.running import tune_memory

REPEATS = 5
SMOKE_REPEATS = 1


@dataclass(frozen=True, slots=True)
class Bar:
    """What one comparison has to reach: `first` is required, `aim` is where it should go.

    With `better="more"` the figure is ours ÷ theirs of a rate, or a share, and must not fall below the bar; with
    `better="less"` of a time or a size, and must not exceed it. Without a `peer`, and where the bar is `absolute`, the
    figure is our own, in `unit`.
    """

    name: str
    ours: str
    peer: str | None
    unit: str
    first: float
    aim: float
    better: Literal["more", "less"]
    absolute: bool = False

    def met(self, figure: float, limit: float) -> bool:
        return figure >= limit if self.better == "more" else figure <= limit


@dataclass(slots=True)
class Side:
    """What one side did in each repeat: its value in the bar's unit, and the CPU of 1,000 operations."""

    values: list[float] = field(default_factory=list)
    cpu_s_per_1000: list[float] = field(default_factory=list)

    def add(self, value: float, cpu_s_per_1000: float | None = None) -> None:
        self.values.append(value)
        if cpu_s_per_1000 is not None:
            self.cpu_s_per_1000.append(cpu_s_per_1000)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def cpu(self) -> float | None:
        return statistics.median(self.cpu_s_per_1000) if self.cpu_s_per_1000 else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A bar and what was measured against it."""

    bar: Bar
    ours: Side
    peer: Side | None = None

    @property
    def figure(self) -> float:
        """The median of the repeats' ratios: a pair stands next to each other in time, so a machine that gets slower
        meanwhile slows both of them. Without a peer, the median of ours."""
        if self.peer is None or self.bar.absolute:
            return self.ours.median
        return statistics.median(ours / peer for ours, peer in zip(self.ours.values, self.peer.values, strict=True))

    @property
    def verdict(self) -> str:
        if self.bar.met(self.figure, self.bar.aim):
            return "aim met"
        return "bar met" if self.bar.met(self.figure, self.bar.first) else "missed"

    def as_json(self) -> dict[str, Any]:
        return {"figure": self.figure, "verdict": self.verdict, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one side: so many operations in so long."""

    operations: int
    seconds: float
    cpu_s: float

    @property
    def rate(self) -> float:
        return self.operations / self.seconds

    @property
    def cpu_s_per_1000(self) -> float:
        return 1000 * self.cpu_s / self.operations


async def interleave(
    repeats: int, ours: Callable[[int], Awaitable[Measured]], peer: Callable[[int], Awaitable[Measured]]
) -> tuple[Side, Side]:
    """Both sides' rates, in turns; who begins alternates, too, and each side runs once before that counts for nothing.

    What a program prepared is not searched for garbage during either side's turn.

    A side is called with the number of the repeat, from -1 on.
    """
    tune_memory()
    sides = Side(), Side()
    both = list(zip((ours, peer), sides, strict=True))
    for _, run in zip(sides, (ours, peer), strict=True):
        await run(-1)
    for number in range(repeats):
        for run, side in both if number % 2 == 0 else reversed(both):
            measured = await run(number)
            side.add(measured.rate, measured.cpu_s_per_1000)
    return sides


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


# CPU


class Stopwatch:
    """Wall clock and CPU of some processes, with all their descendants, those that ended and were reaped among them."""

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self._cpu_s = self._cpu_now_s()
        self._started_s = time.perf_counter()

    def stop(self, operations: int) -> Measured:
        seconds = time.perf_counter() - self._started_s
        return Measured(operations, seconds, self._cpu_now_s() - self._cpu_s)

    def _cpu_now_s(self) -> float:
        return sum(cpu_s(pid) for pid in self._pids)


async def timed(do: Callable[[], object], _: int) -> Measured:
    """Once, in a thread of this process: what it costs that."""
    watch = Stopwatch(os.getpid())
    await asyncio.to_thread(do)
    return watch.stop(1)


def cpu_s(root: int) -> float:
    """User and system time of a process, its children and theirs."""
    total = 0.0
    for pid in [root, *descendants(root)]:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue  # ended just now; its parent has its time
        total += sum(map(int, fields[11:15])) / 100  # utime, stime, cutime, cstime; USER_HZ is 100 for user space
    return total


def descendants(root: int) -> list[int]:
    found: list[int] = []
    for child in _children(root):
        found += [child, *descendants(child)]
    return found


def _children(pid: int) -> list[int]:
    """Of all its threads. Threads and processes may end while one looks: what they had is not there any more."""
    tasks = Path(f"/proc/{pid}/task")
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(tasks):
            with contextlib.suppress(OSError):
                found += map(int, (tasks / thread / "children").read_text(encoding="ascii").split())
    return found


def memory_mb(pid: int) -> tuple[float, float]:
    """Resident, and proportional set size: the second counts a page that n processes share as a nth of a page."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    kb = {line.split(":")[0]: int(line.split()[1]) for line in rollup.splitlines() if line.endswith(" kB")}
    return kb["Rss"] / 1024, kb["Pss"] / 1024


# Programs


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to do: all of it, or just enough to see that the program works."""

    smoke: bool

    @property
    def repeats(self) -> int:
        return SMOKE_REPEATS if self.smoke else REPEATS

    def pick(self, full: int, smoke: int) -> int:
        return smoke if self.smoke else full


Program = Callable[[Plan], Awaitable[Sequence[Outcome]]]


def main(program: Program) -> None:
    """Run a program from the command line. A run that did wrong work raises and has no figure."""
    parser = argparse.ArgumentParser(description=(sys.modules["__main__"].__doc__ or "").partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="a few seconds, to see that it works; no figure to quote")
    parser.add_argument("--json", type=Path, help="write the outcomes there, too")
    arguments = parser.parse_args()
    outcomes = asyncio.run(_timed(program, Plan(arguments.smoke)))
    report(outcomes)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([each.as_json() for each in outcomes], indent=2), encoding="utf-8")


async def _timed(program: Program, plan: Plan) -> Sequence[Outcome]:
    return await program(plan)


def report(outcomes: Sequence[Outcome]) -> None:
    """Print what was measured; the line `figure:` is the program's own, those of its further bars name them."""
    for number, outcome in enumerate(outcomes):
        bar = outcome.bar
        print(f"\n{bar.name}: {bar.ours}" + (f" | against {bar.peer}" if bar.peer else ""))
        _print_side("ours", outcome.ours, bar.unit)
        if outcome.peer is not None:
            _print_side("peer", outcome.peer, bar.unit)
        sign = "≥" if bar.better == "more" else "≤"
        print(f"  bar {sign} {bar.first:g}, aim {sign} {bar.aim:g}: {outcome.verdict}")
        print(f"figure: {outcome.figure:.3f}" if number == 0 else f"figure of {bar.name}: {outcome.figure:.3f}")


def _print_side(name: str, side: Side, unit: str) -> None:
    cpu = f", {side.cpu:.3f} CPU-s per 1,000" if side.cpu is not None else ""
    print(f"  {name}: {side.median:,.4g} {unit}{cpu}  [{' '.join(f'{each:,.4g}' for each in side.values)}]")
