"""`logistics.parcels.v1`: one courier waybill, from registration to its end."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.event import Event

ParcelStatus = Literal["registered", "accepted", "in_transit", "delivered", "returned", "lost", "void"]
SubsidyStatus = Literal["reserved", "posted", "voided", "reversed", "fund_exhausted", "not_eligible", "none"]


class ParcelEvent(Event):
    """The parcel as it is now."""

    TOPIC: ClassVar[str] = "logistics.parcels.v1"

    parcel_id: UUID = Field(description="Id of the parcel; the key.")
    version: int = Field(
        description="Counts the parcel's changes, from 1; an older one that comes later is passed over."
    )
    match_id: UUID = Field(description="Id of the match whose goods it carries.")
    carrier_id: UUID = Field(description="Account of the carrier.")
    weight_g: int = Field(description="Weight by the carrier's word, g.")
    counted_g: int | None = Field(
        None,
        description="What of it is goods of the match, g; 0 where with it the match's parcels would weigh too much. "
        "Null in events of before this was told: all of it.",
    )
    status: ParcelStatus = Field(description="How far its scans say it has come; void is no scan in time.")
    subsidy: SubsidyStatus = Field(description="What became of its subsidy.")
    programme_id: UUID | None = Field(description="Id of the programme that pays; null where none does.")
    subsidy_fen: int | None = Field(description="What was reserved for it, fen; null where nothing was.")
    at: AwareDatetime = Field(description="When it was written.")

    @property
    def key(self) -> str:
        return str(self.parcel_id)


class ParcelRegistered(ParcelEvent):
    """A carrier registered a waybill."""

    TYPE: ClassVar[str] = "duijie.parcel.registered"


class ParcelScanned(ParcelEvent):
    """Scans moved its status on."""

    TYPE: ClassVar[str] = "duijie.parcel.scanned"


class ParcelSettled(ParcelEvent):
    """Its subsidy took another state, or no scan came in time."""

    TYPE: ClassVar[str] = "duijie.parcel.settled"
