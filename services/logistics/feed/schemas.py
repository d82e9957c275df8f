"""The feeds' answers, for the documentation: the answer itself is put together from stored bytes.

A shipment's public form stands here, for its feeds show it, too; `shipments`, which stands on this slice, makes it.
"""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from chassis.fields import KgOut
from contracts.listings import TemperatureClass
from contracts.shipments import ShipmentStatus
from services.logistics.feed.models import FeedType


class PlaceOut(BaseModel):
    adcode: str
    lon: float
    lat: float


class ShipmentOut(BaseModel):
    """One agreed match on the move. Points are WGS-84, the county's seat where none finer is known.

    A carrier is told no finer place of an erased account until it has claimed the shipment.
    """

    id: UUID
    match_id: UUID
    status: ShipmentStatus
    produce: str
    quantity_kg: KgOut
    temperature_class: TemperatureClass
    origin: PlaceOut
    destination: PlaceOut
    ready_at: AwareDatetime
    deliver_by: AwareDatetime
    spoils_at: AwareDatetime
    carrier_id: UUID | None
    version: int


class ShipmentFeedItem(BaseModel):
    """One event of one shipment. It never changes."""

    seq: int = Field(ge=1, description="From 1 on without a gap, in the order of the feed")
    type: FeedType
    at: AwareDatetime
    shipment: ShipmentOut = Field(description="The shipment as it was then, as GET /v1/shipments/{id} shows it")


class ShipmentFeedPage(BaseModel):
    """A page of a feed."""

    items: list[ShipmentFeedItem]
    next: int = Field(ge=0, description="The last seq of this page, or `after` itself when there is nothing new")
