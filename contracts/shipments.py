"""`logistics.shipments.v1`: one agreed match on the move."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from contracts.event import Event

ShipmentStatus = Literal["open", "claimed", "picked_up", "delivered", "failed", "cancelled"]


class ShipmentEvent(Event):
    """`at` is when it happened by the carrier's word, for picked_up, delivered and failed; else when it was written."""

    TOPIC: ClassVar[str] = "logistics.shipments.v1"

    shipment_id: UUID
    version: int
    match_id: UUID
    status: ShipmentStatus
    carrier_id: UUID | None
    quantity_g: int
    at: AwareDatetime

    @property
    def key(self) -> str:
        return str(self.shipment_id)


class ShipmentOpened(ShipmentEvent):
    TYPE: ClassVar[str] = "duijie.shipment.opened"


class ShipmentClaimed(ShipmentEvent):
    TYPE: ClassVar[str] = "duijie.shipment.claimed"


class ShipmentReleased(ShipmentEvent):
    TYPE: ClassVar[str] = "duijie.shipment.released"


class ShipmentPickedUp(ShipmentEvent):
    TYPE: ClassVar[str] = "duijie.shipment.picked_up"


class ShipmentDelivered(ShipmentEvent):
    TYPE: ClassVar[str] = "duijie.shipment.delivered"


class ShipmentFailed(ShipmentEvent):
    TYPE: ClassVar[str] = "duijie.shipment.failed"


class ShipmentCancelled(ShipmentEvent):
    TYPE: ClassVar[str] = "duijie.shipment.cancelled"
