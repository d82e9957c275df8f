"""`matching.rounds.v1`: one optimal clearing of one market."""

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.event import Event


class RoundCleared(Event):
    """One market was cleared at once, at its proven optimum or as near as `certified_gap` says."""

    TOPIC: ClassVar[str] = "matching.rounds.v1"
    TYPE: ClassVar[str] = "duijie.round.cleared"

    round_id: UUID = Field(description="Id of the round.")
    produce: str = Field(description="Slug of the produce, which is the market; the key.")
    cleared_at: AwareDatetime = Field(description="When it was cleared.")
    policy: int = Field(description="Version of the policy that weighed it.")
    listings: int = Field(description="How many listings took part.")
    orders: int = Field(description="How many orders took part.")
    arcs: int = Field(description="How many pairs of a listing and an order could be.")
    matched_g: int = Field(description="Mass that was matched, g.")
    value_fen: int = Field(description="Value of the plan, fen.")
    greedy_value_fen: int = Field(description="Value that a greedy clearing reaches, fen.")
    certified_gap: float = Field(description="How far the plan may be from the optimum, relative; 0 is proven optimal.")
    whole: bool | None = Field(
        None,
        description="Whether all of the market was looked at; else pairs, values and gap are of what had changed. "
        "Null: an older program does not say.",
    )
    seconds: float = Field(description="How long it took, s.")

    @property
    def key(self) -> str:
        return self.produce
