"""`matching.supply.v1`: what matching, which alone decides it, says is left of a listing."""

from typing import ClassVar
from uuid import UUID

from contracts.event import Event


class RemainingChanged(Event):
    """`version` counts the changes of these figures; `quantity_g` is the listing's quantity as matching applied it.

    remaining + held + agreed = quantity while the listing is open. `listing_version` is the last version of the
    listing that matching has applied.
    """

    TOPIC: ClassVar[str] = "matching.supply.v1"
    TYPE: ClassVar[str] = "duijie.supply.remaining_changed"

    listing_id: UUID
    version: int
    listing_version: int
    quantity_g: int
    remaining_g: int
    held_g: int
    agreed_g: int

    @property
    def key(self) -> str:
        return str(self.listing_id)
