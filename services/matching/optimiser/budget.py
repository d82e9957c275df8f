"""The time a round may take, and what it does with it."""

from dataclasses import dataclass
from time import perf_counter

PRICED_BY = 0.25
DIVED_BY = 0.45
BETTERED_BY = 0.65
"""The share of a round's time after which each of its steps begins nothing more. What was begun comes to its end: a
solve, a certificate, a piece; so does what is reckoned at last. The rest is left for that. Of a market that is divided
each part has the time of a round."""


@dataclass(frozen=True, slots=True)
class Budget:
    """So many `seconds` from `began_s` on, by the process's clock. None: as long as it takes, and so what comes out is
    the same on every machine."""

    began_s: float = 0.0
    seconds: float | None = None

    @classmethod
    def from_now(cls, seconds: float | None) -> "Budget":
        return cls(perf_counter(), seconds)

    def spent(self, share: float = 1.0) -> bool:
        """Whether this share of it is over."""
        return self.seconds is not None and perf_counter() - self.began_s > share * self.seconds

    def within(self, seconds: float | None) -> "Budget":
        """A budget from now on of so many seconds, or of what is left of this one where that is less."""
        limits = [] if seconds is None else [seconds]
        if self.seconds is not None:
            limits.append(max(0.0, self.began_s + self.seconds - perf_counter()))
        return Budget.from_now(min(limits, default=None))


UNLIMITED = Budget()
