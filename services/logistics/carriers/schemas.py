"""Vehicles on the public surface."""

from datetime import time
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StrictInt, StringConstraints

from catalogue.fields import PointIn
from chassis.fields import PRICE_MAX_FEN_PER_KG, Kg, KgOut, RequestModel, ShortText
from chassis.problems import Text, invalid
from contracts.listings import TemperatureClass
from services.logistics.carriers.models import Vehicle


def _each_once(classes: list[TemperatureClass]) -> list[TemperatureClass]:
    if len(set(classes)) < len(classes):
        raise invalid("twice", Text("每个温区只写一次。", "Name each temperature class once."))
    return classes


ClockTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""Hours and minutes by the clocks of Asia/Shanghai, "00:00" to "23:59"."""

Classes = Annotated[list[TemperatureClass], Field(min_length=1), AfterValidator(_each_once)]
CostFenPerKm = Annotated[StrictInt, Field(ge=0, le=PRICE_MAX_FEN_PER_KG)]


class Shift(RequestModel):
    """When it may be on the road, every day. An end no later than the start lies on the next day."""

    start: ClockTime
    end: ClockTime


class NewVehicle(RequestModel):
    name: Annotated[ShortText, Field(min_length=1)]
    capacity_kg: Kg
    temperature_classes: Classes
    depot: PointIn
    shift: Shift
    cost_fen_per_km: CostFenPerKm


class DepotOut(BaseModel):
    lon: float
    lat: float
    crs: Literal["wgs84"] = "wgs84"


class VehicleOut(BaseModel):
    id: UUID
    version: int
    name: str
    capacity_kg: KgOut
    temperature_classes: list[TemperatureClass]
    depot: DepotOut
    shift: Shift
    cost_fen_per_km: int
    created_at: AwareDatetime

    @classmethod
    def of(cls, vehicle: Vehicle) -> Self:
        return cls(
            id=vehicle.id,
            version=vehicle.version,
            name=vehicle.name,
            capacity_kg=vehicle.capacity_g,
            temperature_classes=vehicle.temperature_classes,
            depot=DepotOut(lon=vehicle.depot_lon, lat=vehicle.depot_lat),
            shift=Shift(start=_clock(vehicle.shift_start), end=_clock(vehicle.shift_end)),
            cost_fen_per_km=vehicle.cost_fen_per_km,
            created_at=vehicle.created_at,
        )


def _clock(at: time) -> str:
    return at.isoformat("minutes")
