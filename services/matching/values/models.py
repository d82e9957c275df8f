"""What one match is worth, part by part, as its round reckoned it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from services.matching.matches.models import Match, Side

Code = Literal[
    "ceiling", "freight", "floor", "surplus", "rescue", "priority_watch_52", "priority_poverty_832", "spread"
]
ADDED: frozenset[Code] = frozenset({"surplus", "rescue", "priority_watch_52", "priority_poverty_832", "spread"})
"""Those that make the value; the others make the surplus."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part, in thousandths of a fen over all grams of the match; `known` is False where it is 0 for want of
    knowledge."""

    code: Code
    mfen: int
    known: bool = True


@dataclass(frozen=True, slots=True)
class Valued:
    """A match with its round's policy and proof, for one side or, without one, for an admin."""

    match: Match
    policy: int | None
    certified_gap: float | None
    reader: Side | None

    @property
    def parts(self) -> tuple[Part, ...]:
        """All that this reader may know; none where the round did not keep them.

        surplus = ceiling − freight − floor, or ceiling − floor at the farm gate; value = surplus + rescue + both
        priorities + spread. All are amounts ≥ 0.

        **A ceiling is the buyer's own.** The board shows every floor, but no order is shown to anybody else. So the
        producer is told no ceiling, and the surplus, which with the rest is as much as the ceiling, only when both have
        agreed: else a no and a higher floor would take all of it. By policy 1 the price tells as much but for a fen.
        """
        hidden = {"ceiling", "surplus"} if self.withheld else {"ceiling"} if self.reader == "producer" else set()
        return tuple(each for each in self._parts() if each.code not in hidden)

    @property
    def withheld(self) -> bool:
        """Whether this reader may not know yet what the match is worth."""
        return self.reader == "producer" and self.match.status not in {"agreed", "fulfilled"}

    @property
    def value_mfen(self) -> int | None:
        """What it added to the value of its round; None where that was not kept, or is withheld."""
        parts = [] if self.withheld else list(self._parts())
        return sum(each.mfen for each in parts if each.code in ADDED) if parts else None

    def _parts(self) -> Iterator[Part]:
        match = self.match
        if match.ceiling_fen_per_kg is None or match.floor_fen_per_kg is None:
            return
        freight = match.freight_fen_per_kg if match.price_basis == "delivered" else 0
        by_kg: dict[Code, int | None] = {
            "ceiling": match.ceiling_fen_per_kg,
            "freight": match.freight_fen_per_kg,
            "floor": match.floor_fen_per_kg,
            "surplus": match.ceiling_fen_per_kg - freight - match.floor_fen_per_kg,
            "rescue": match.rescue_fen_per_kg,
            "priority_watch_52": match.watch_52_fen_per_kg,
            "priority_poverty_832": match.poverty_832_fen_per_kg,
        }
        for code, fen_per_kg in by_kg.items():
            yield Part(code, (fen_per_kg or 0) * match.quantity_g, known=fen_per_kg is not None)
        yield Part("spread", match.spread_mfen or 0)
