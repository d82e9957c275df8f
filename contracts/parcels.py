"""`logistics.parcels.v1`: one courier waybill, from registration to its end."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from contracts.event import Event

ParcelStatus = Literal["registered", "accepted", "in_transit", "delivered", "returned", "lost", "void"]
SubsidyStatus = Literal["reserved", "posted", "voided", "reversed", "fund_exhausted", "not_eligible", "none"]


class ParcelEvent(Event):
    """`subsidy_fen` is what was reserved for it, None where nothing was."""

    TOPIC: ClassVar[str] = "logistics.parcels.v1"

    parcel_id: UUID
    version: int
    match_id: UUID
    carrier_id: UUID
    weight_g: int
    status: ParcelStatus
    subsidy: SubsidyStatus
    programme_id: UUID | None
    subsidy_fen: int | None
    at: AwareDatetime

    @property
    def key(self) -> str:
        return str(self.parcel_id)


class ParcelRegistered(ParcelEvent):
    TYPE: ClassVar[str] = "duijie.parcel.registered"


class ParcelScanned(ParcelEvent):
    TYPE: ClassVar[str] = "duijie.parcel.scanned"


class ParcelSettled(ParcelEvent):
    TYPE: ClassVar[str] = "duijie.parcel.settled"
