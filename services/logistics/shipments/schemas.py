"""Shipments on the public surface."""

from collections.abc import Collection
from typing import Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from catalogue.geodesy import Point
from chassis.fields import Instant, Kg, KgOut, RequestModel, ShortText
from services.logistics.feed.schemas import PlaceOut, ShipmentOut
from services.logistics.shipments.models import Photo, Report, ReportType, Shipment

IDS_MAX = 100
"""Looked up at once: their address is four kilobytes."""


class NewReport(RequestModel):
    """What happened, and when; the weight as weighed, and the reason of a failure, where there is one."""

    type: ReportType
    at: Instant
    weight_kg: Kg | None = None
    reason: ShortText | None = None


def shown(shipment: Shipment, erased: Collection[UUID] = ()) -> ShipmentOut:
    """The shipment; places of these accounts no finer than their counties."""
    origin, destination = shipment.points(erased)
    return ShipmentOut(
        id=shipment.id,
        match_id=shipment.match_id,
        status=shipment.status,
        produce=shipment.produce,
        quantity_kg=shipment.quantity_g,
        temperature_class=shipment.temperature_class,
        origin=_place(shipment.origin_adcode, origin),
        destination=_place(shipment.destination_adcode, destination),
        ready_at=shipment.ready_at,
        deliver_by=shipment.deliver_by,
        spoils_at=shipment.spoils_at,
        carrier_id=shipment.carrier_id,
        version=shipment.version,
    )


def _place(adcode: str, point: Point) -> PlaceOut:
    return PlaceOut(adcode=adcode, lon=point.lon, lat=point.lat)


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
