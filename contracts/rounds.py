"""`matching.rounds.v1`: one optimal clearing of one market."""

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime

from contracts.event import Event


class RoundCleared(Event):
    """`value` and `greedy_value` in fen; `certified_gap` is relative, 0 = proven optimal."""

    TOPIC: ClassVar[str] = "matching.rounds.v1"
    TYPE: ClassVar[str] = "duijie.round.cleared"

    round_id: UUID
    produce: str
    cleared_at: AwareDatetime
    policy: int
    listings: int
    orders: int
    arcs: int
    matched_g: int
    value_fen: int
    greedy_value_fen: int
    certified_gap: float
    seconds: float

    @property
    def key(self) -> str:
        return self.produce
