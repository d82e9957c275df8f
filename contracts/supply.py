"""`matching.supply.v1`: what matching, which alone decides it, says is left of a listing."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.event import Event


class RemainingChanged(Event):
    """What is left of a listing, or is promised, is another amount.

    remaining + held + agreed = quantity while the listing is open.
    """

    TOPIC: ClassVar[str] = "matching.supply.v1"
    TYPE: ClassVar[str] = "duijie.supply.remaining_changed"

    listing_id: UUID = Field(description="Id of the listing; the key.")
    version: int = Field(
        description="Counts the changes of these figures, from 1; an older one that comes later is passed over."
    )
    listing_version: int = Field(description="The last version of the listing that matching has applied.")
    quantity_g: int = Field(description="The listing's quantity as matching applied it, g.")
    remaining_g: int = Field(description="Neither held nor agreed, g.")
    held_g: int = Field(description="Held for proposed matches, g.")
    agreed_g: int = Field(description="In agreed and fulfilled matches, g.")

    @property
    def key(self) -> str:
        return str(self.listing_id)
