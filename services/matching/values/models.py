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
    """A match with its round's policy and proof, for one side or, without one, for whoever oversees both."""

    match: Match
    policy: int | None
    certified_gap: float | None
    reader: Side | None

    @property
    def parts(self) -> tuple[Part, ...]:
        """All that this reader may know; none where the round did not keep them.

        surplus = ceiling − freight − floor, or ceiling − floor at the farm gate; value = surplus + rescue + both
        priorities + spread. All are amounts ≥ 0.

        **A ceiling is the buyer's own.** The board shows every floor, but no order is shown to anybody else, so the
        producer is told the surplus as one part. That it could be added up to the ceiling again is no more than the
        price tells already, which is the floor and ⌊k × surplus⌋ by the published k: all but a fen.
        """
        return tuple(each for each in self._parts() if not (self.reader == "producer" and each.code == "ceiling"))

    @property
    def value_mfen(self) -> int | None:
        """What it added to the value of its round; None where that was not kept."""
        parts = list(self._parts())
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
