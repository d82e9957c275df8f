"""What the oracles looked at, and what they found wrong."""

from collections import Counter
from collections.abc import Iterable


class Findings:
    """Counts of what was checked, and violations with their evidence, by invariant."""

    def __init__(self) -> None:
        self.checks: Counter[str] = Counter()
        self.violations: list[str] = []

    def seen(self, invariant: str, right: bool, evidence: str) -> None:
        """One thing was looked at; `evidence` is kept when it was wrong."""
        self.checks[invariant] += 1
        if not right:
            self.violations.append(f"{invariant}: {evidence}")

    def none(self, invariant: str, wrong: Iterable[object], what: str, *, of: int) -> None:
        """Of so many that were looked at, these are wrong."""
        self.checks[invariant] += of
        self.violations += [f"{invariant}: {what}: {each}" for each in wrong]

    def take(self, others: "Findings") -> None:
        self.checks += others.checks
        self.violations += others.violations

    def invariants_violated(self) -> set[str]:
        return {each.partition(":")[0] for each in self.violations}
