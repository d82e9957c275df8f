"""What a run of the gate came to, and how it is told."""

from collections import Counter
from dataclasses import dataclass, field

from tests.faults.kit.findings import Findings


@dataclass(slots=True)
class Result:
    """What a run came to."""

    seed: int
    findings: Findings
    counts: dict[str, int] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    quiet_s: float = 0.0
    seconds: float = 0.0

    @property
    def all_kills(self) -> int:
        return sum(self.kills.values())

    def table(self) -> str:
        """The counts, each invariant, and every violation with the seed."""
        rows: list[tuple[str, object]] = [("seed", self.seed), ("seconds", round(self.seconds))]
        rows += [(f"killed {how}", n) for how, n in sorted(self.kills.items())]
        rows += [("killed in all", self.all_kills), *self.counts.items()]
        rows += [(f"outcomes {name}", n) for name, n in sorted(self.outcomes.items())]
        rows += [("quiet and healthy after, s", f"{self.quiet_s:.1f}")]
        violated = self.findings.invariants_violated()
        rows += [
            (name, f"{n:>9,} checked  {'VIOLATED' if name in violated else 'held'}")
            for name, n in sorted(self.findings.checks.items(), key=lambda each: (len(each[0]), each[0]))
        ]
        rows += [("I12", "  not checked: webhooks do not exist yet")]
        lines = [f"  {name:<44} {value}" for name, value in rows]
        lines += [f"  VIOLATION (seed {self.seed}) {each[:1500]}" for each in self.findings.violations[:40]]
        return "\n".join(lines)
