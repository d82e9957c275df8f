"""What a run of the gate came to, and how it is told."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.kit.findings import Findings


@dataclass(slots=True)
class Result:
    """What a run came to."""

    seed: int
    findings: Findings
    counts: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    """By how they died."""
    killed: Counter[str] = field(default_factory=Counter)
    """By who died."""
    outcomes: Counter[str] = field(default_factory=Counter)
    quiet_s: float = 0.0
    seconds: float = 0.0
    logs: Path | None = None
    """Where what its processes wrote was kept."""

    @property
    def all_kills(self) -> int:
        return sum(self.kills.values())

    @property
    def broker_faults(self) -> int:
        return self.counts["broker killed"] + self.counts["broker stopped and continued"]

    def shortfalls(self, floors: Mapping[str, int]) -> list[str]:
        """What of these was done or looked at less than that: what nobody does can't go wrong."""
        done = {
            "killed in all": self.all_kills,
            "broker faults": self.broker_faults,
            **{f"killed {how}": n for how, n in self.kills.items()},
            **{f"killed: {who}": n for who, n in self.killed.items()},
            **{f"looked at: {invariant}": n for invariant, n in self.findings.checks.items()},
            **self.counts,
        }
        return [
            f"{what}: {done.get(what, 0)} of {least}" for what, least in floors.items() if done.get(what, 0) < least
        ]

    def table(self) -> str:
        """The counts, each invariant, and every violation with the seed."""
        rows: list[tuple[str, object]] = [("seed", self.seed), ("seconds", round(self.seconds))]
        rows += [(f"killed {how}", n) for how, n in sorted(self.kills.items())]
        rows += [(f"killed: {who}", n) for who, n in sorted(self.killed.items())]
        rows += [("killed in all", self.all_kills), *self.counts.items()]
        rows += [(f"outcomes {name}", n) for name, n in sorted(self.outcomes.items())]
        rows += [("quiet and healthy after, s", f"{self.quiet_s:.1f}")]
        violated = self.findings.invariants_violated()
        rows += [
            (name, f"{n:>9,} checked  {'VIOLATED' if name in violated else 'held'}")
            for name, n in sorted(self.findings.checks.items(), key=lambda each: (len(each[0]), each[0]))
        ]
        rows += [("I12", "  checked by tests/faults/test_webhooks.py")]
        lines = [f"  {name:<44} {value}" for name, value in rows]
        lines += [f"  VIOLATION (seed {self.seed}) {each[:1500]}" for each in self.findings.violations[:40]]
        lines += [f"What its processes wrote is in {self.logs}"] if self.logs else []
        return "\n".join(lines)
