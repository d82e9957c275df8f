"""An explanation: why a listing is not sold or an order not met, and what would help. Nothing of it is kept."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.matching.optimiser.explain import Fix, Reason

State = Literal["pending", "unsold", "partly", "sold", "closed"]
"""pending: in no round yet; sold: all of it is agreed, which fills an order; closed: withdrawn, cancelled or expired,
or spoiled or overdue."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a listing or an order without reckoning, and of the last round that it was in."""

    owner_id: UUID
    produce: str
    state: State
    round_id: UUID | None = None
    certified_gap: float | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """The whole answer."""

    standing: Standing
    reasons: tuple[Reason, ...] = ()
    fix: Fix | None = None
