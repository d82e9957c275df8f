"""Why a lot is not sold or an order not met, in sentences of the API, and the least change that would do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Fix:
    """The price, a lot's floor or an order's ceiling, at which so much more would be matched."""

    to_fen_per_kg: int
    would_match_kg: float


@dataclass(frozen=True, slots=True)
class Why:
    """`state` is the API's."""

    state: str
    reasons: Sequence[str] = ()
    fix: Fix | None = None

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Why":
        fix = said["cheapest_fix"]
        return cls(
            said["state"],
            [each["text"] for each in said["reasons"]],
            Fix(fix["to"], fix["would_match_kg"]) if fix else None,
        )
