"""Shipments on the public surface."""

from typing import Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from chassis.fields import Instant, Kg, KgOut, RequestModel, ShortText
from contracts.listings import TemperatureClass
from contracts.shipments import ShipmentStatus
from services.logistics.shipments.models import Photo, Report, ReportType, Shipment


class NewReport(RequestModel):
    """What happened, and when; the weight as weighed, and the reason of a failure, where there is one."""

    type: ReportType
    at: Instant
    weight_kg: Kg | None = None
    reason: ShortText | None = None


class PlaceOut(BaseModel):
    adcode: str
    lon: float
    lat: float


class ShipmentOut(BaseModel):
    """One agreed match on the move. Points are WGS-84, the county's seat where none finer is known."""

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

    @classmethod
    def of(cls, shipment: Shipment) -> Self:
        return cls(
            id=shipment.id,
            match_id=shipment.match_id,
            status=shipment.status,
            produce=shipment.produce,
            quantity_kg=shipment.quantity_g,
            temperature_class=shipment.temperature_class,
            origin=PlaceOut(adcode=shipment.origin_adcode, lon=shipment.origin_lon, lat=shipment.origin_lat),
            destination=PlaceOut(
                adcode=shipment.destination_adcode, lon=shipment.destination_lon, lat=shipment.destination_lat
            ),
            ready_at=shipment.ready_at,
            deliver_by=shipment.deliver_by,
            spoils_at=shipment.spoils_at,
            carrier_id=shipment.carrier_id,
            version=shipment.version,
        )


class ReportOut(BaseModel):
    type: ReportType
    at: AwareDatetime
    weight_kg: KgOut | None
    reason: str | None
    carrier_id: UUID
    recorded_at: AwareDatetime

    @classmethod
    def of(cls, report: Report) -> Self:
        return cls(
            type=report.type,
            at=report.at,
            weight_kg=report.weight_g,
            reason=report.reason,
            carrier_id=report.carrier_id,
            recorded_at=report.recorded_at,
        )


class PhotoOut(BaseModel):
    """A JPEG of at most 1,600 pixels, turned upright; where it was taken is not in it."""

    id: UUID
    size_b: int
    width_px: int
    height_px: int
    carrier_id: UUID
    recorded_at: AwareDatetime

    @classmethod
    def of(cls, photo: Photo) -> Self:
        return cls(
            id=photo.id,
            size_b=photo.size_b,
            width_px=photo.width_px,
            height_px=photo.height_px,
            carrier_id=photo.carrier_id,
            recorded_at=photo.recorded_at,
        )
