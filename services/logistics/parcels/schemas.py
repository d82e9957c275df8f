"""Parcels and scans on the public surface."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StrictInt

from catalogue.fields import CountyAdcode
from chassis.fields import QUANTITY_MAX_KG, Instant, RequestModel, ShortText
from chassis.problems import Text
from chassis.validation import invalid
from contracts.parcels import ParcelStatus, SubsidyStatus
from services.logistics.parcels.models import Parcel, Subsidy
from services.logistics.parcels.states import ScanType, status_of
from services.logistics.subsidy.eligibility import waybill_identity

ARRAY_MAX = 1000


def _sound_waybill(waybill: str) -> str:
    try:
        waybill_identity(waybill)
    except ValueError as error:
        text = Text("面单号须有 1 至 64 个可见字符。", "A waybill has 1 to 64 characters that can be seen.")
        raise invalid("waybill", text) from error
    return waybill


Waybill = Annotated[ShortText, AfterValidator(_sound_waybill)]
OrderRef = Annotated[ShortText, Field(min_length=1, max_length=64)]
WeightG = Annotated[StrictInt, Field(gt=0, le=QUANTITY_MAX_KG * 1000)]


class NewParcel(RequestModel):
    """A parcel as it is registered."""

    waybill: Waybill
    match_id: UUID
    weight_g: WeightG
    recipient_adcode: CountyAdcode
    order_ref: OrderRef | None = None


class NewScan(RequestModel):
    """One tracking event."""

    waybill: Waybill
    type: ScanType
    at: Instant
    adcode: CountyAdcode


NewParcels = Annotated[list[NewParcel], Field(max_length=ARRAY_MAX)]
NewScans = Annotated[list[NewScan], Field(max_length=ARRAY_MAX)]


class RegisteredOut(BaseModel):
    """What was answered when the parcel was registered; the same for ever."""

    waybill: str
    parcel_id: UUID
    subsidy: SubsidyStatus
    reason: str | None = None
    programme_id: UUID | None = None
    subsidy_fen: int | None = None

    @classmethod
    def of(cls, parcel: Parcel, subsidy: Subsidy) -> Self:
        granted = subsidy.first_status == "reserved"
        return cls(
            waybill=parcel.waybill,
            parcel_id=parcel.id,
            subsidy=subsidy.first_status,
            reason=subsidy.reason,
            programme_id=subsidy.programme_id if granted else None,
            subsidy_fen=subsidy.amount_fen if granted else None,
        )


class ScannedOut(BaseModel):
    waybill: str
    status: ParcelStatus

    @classmethod
    def of(cls, parcel: Parcel) -> Self:
        return cls(waybill=parcel.waybill, status=status_of(parcel.seen))


class RegisteredItems(BaseModel):
    items: list[RegisteredOut]


class ScannedItems(BaseModel):
    items: list[ScannedOut]


class ParcelOut(BaseModel):
    """A parcel as it is now."""

    waybill: str
    parcel_id: UUID
    match_id: UUID
    status: ParcelStatus
    subsidy: SubsidyStatus
    reason: str | None = None
    programme_id: UUID | None = None
    subsidy_fen: int | None = None
    rule_version: int | None = None

    @classmethod
    def of(cls, parcel: Parcel, subsidy: Subsidy) -> Self:
        return cls(
            waybill=parcel.waybill,
            parcel_id=parcel.id,
            match_id=parcel.match_id,
            status=status_of(parcel.seen),
            subsidy=subsidy.status,
            reason=subsidy.reason,
            programme_id=subsidy.programme_id,
            subsidy_fen=subsidy.amount_fen,
            rule_version=subsidy.rule_version,
        )


class ParcelItem(ParcelOut):
    """A parcel in a list, with what was registered of it."""

    weight_g: int
    recipient_adcode: str
    order_ref: str | None
    registered_at: AwareDatetime

    @classmethod
    def of(cls, parcel: Parcel, subsidy: Subsidy) -> Self:
        registered = {name: getattr(parcel, name) for name in REGISTERED}
        return cls(**ParcelOut.of(parcel, subsidy).model_dump(), **registered)


REGISTERED = ParcelItem.model_fields.keys() - ParcelOut.model_fields.keys()
