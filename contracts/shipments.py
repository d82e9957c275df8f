"""`logistics.shipments.v1`: one agreed match on the move."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.event import Event

ShipmentStatus = Literal["open", "claimed", "picked_up", "delivered", "failed", "cancelled"]


class ShipmentEvent(Event):
    """The shipment as it is now."""

    TOPIC: ClassVar[str] = "logistics.shipments.v1"

    shipment_id: UUID = Field(description="Id of the shipment; the key.")
    version: int = Field(
        description="Counts the shipment's changes, from 1; an older one that comes later is passed over."
    )
    match_id: UUID = Field(description="Id of the match that it carries.")
    status: ShipmentStatus = Field(description="Where it is in its life.")
    carrier_id: UUID | None = Field(description="Account of the carrier that claimed it; null while none has.")
    quantity_g: int = Field(description="Mass to carry, g.")
    at: AwareDatetime = Field(
        description="When it happened by the carrier's word (picked_up, delivered, failed); else when it was written."
    )

    @property
    def key(self) -> str:
        return str(self.shipment_id)


class ShipmentOpened(ShipmentEvent):
    """A match was agreed: any carrier may claim its shipment."""

    TYPE: ClassVar[str] = "duijie.shipment.opened"


class ShipmentClaimed(ShipmentEvent):
    """A carrier takes it."""

    TYPE: ClassVar[str] = "duijie.shipment.claimed"


class ShipmentReleased(ShipmentEvent):
    """The carrier gave it back; anyone may claim it again."""

    TYPE: ClassVar[str] = "duijie.shipment.released"


class ShipmentPickedUp(ShipmentEvent):
    """The carrier has the goods."""

    TYPE: ClassVar[str] = "duijie.shipment.picked_up"


class ShipmentDelivered(ShipmentEvent):
    """The goods arrived, by the carrier's word or because parcels brought all of them."""

    TYPE: ClassVar[str] = "duijie.shipment.delivered"


class ShipmentFailed(ShipmentEvent):
    """The goods will not arrive."""

    TYPE: ClassVar[str] = "duijie.shipment.failed"


class ShipmentCancelled(ShipmentEvent):
    """Its match was released before it left, or it could no longer arrive unspoiled."""

    TYPE: ClassVar[str] = "duijie.shipment.cancelled"
