"""What the feeds of shipments tell."""

from typing import Literal
from uuid import UUID

from chassis.feed import Feed
from services.logistics.tables import Base

FeedType = Literal[
    "shipment.opened",
    "shipment.claimed",
    "shipment.released",
    "shipment.picked_up",
    "shipment.delivered",
    "shipment.failed",
    "shipment.cancelled",
]

FEED = Feed(Base.metadata, "shipment")
ANY_CARRIER = UUID(int=0)
"""Whose feed is what there is to claim: one for all carriers."""
