"""Vehicles on the public surface."""

from collections.abc import Sequence
from datetime import time
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from catalogue.fields import AreaAdcode, PointIn
from chassis.fields import PRICE_MAX_FEN_PER_KG, Kg, KgOut, RequestModel, ShortText
from chassis.problems import Text
from chassis.validation import invalid
from contracts.listings import TemperatureClass
from services.logistics.carriers.models import Vehicle


def _each_once(classes: list[TemperatureClass]) -> list[TemperatureClass]:
    if len(set(classes)) < len(classes):
        raise invalid("twice", Text("每个温区只写一次。", "Name each temperature class once."))
    return classes


ClockTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""Hours and minutes by the clocks of Asia/Shanghai, "00:00" to "23:59"."""

Name = Annotated[ShortText, Field(min_length=1)]
Classes = Annotated[list[TemperatureClass], Field(min_length=1), AfterValidator(_each_once)]
CostFenPerKm = Annotated[StrictInt, Field(ge=0, le=PRICE_MAX_FEN_PER_KG)]
CostFenPerH = Annotated[StrictInt, Field(ge=0, le=PRICE_MAX_FEN_PER_KG)]
Area = Annotated[list[AreaAdcode], Field(max_length=500)]

DAY_MIN = 24 * 60
OUTSIDE_THE_SHIFT = Text(
    "休息须在班次之内，按先后排列，且能依次休完。",
    "Breaks lie within the shift, in their order, and can all be taken one after the other.",
)


class Shift(RequestModel):
    """When it may be on the road, every day. An end no later than the start lies on the next day."""

    start: ClockTime
    end: ClockTime


class BreakTime(Shift):
    """The driver's break: it begins between the two, wherever the vehicle is, and lasts so many minutes."""

    minutes: Annotated[StrictInt, Field(ge=1, le=600)]


Breaks = Annotated[list[BreakTime], Field(max_length=3)]


def fit(shift: Shift, breaks: Sequence[BreakTime]) -> bool:
    """Whether no break begins outside the shift, or before the one that it comes after, and all of them can be taken
    one after the other within it."""
    opens, lasts = _minute(shift.start), _lasts(shift)
    latest, over = 0, 0
    for each in breaks:
        earliest = (_minute(each.start) - opens) % DAY_MIN
        begins = max(earliest, over)
        if earliest < latest or begins > earliest + _lasts(each) or earliest + _lasts(each) > lasts:
            return False
        latest, over = earliest, begins + each.minutes
    return over <= lasts


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


def _lasts(shift: Shift) -> int:
    """In minutes; equal times are a whole day."""
    return (_minute(shift.end) - _minute(shift.start) - 1) % DAY_MIN + 1


class NewVehicle(RequestModel):
    name: Name
    capacity_kg: Kg
    temperature_classes: Classes
    depot: PointIn
    shift: Shift
    breaks: Breaks = Field(default_factory=list)
    area: Area = Field(default_factory=list)
    cost_fen_per_km: CostFenPerKm
    cost_fen_per_h: CostFenPerH = 0

    @field_validator("breaks", mode="after")
    @classmethod
    def _breaks_fit(cls, breaks: list[BreakTime], others: ValidationInfo) -> list[BreakTime]:
        """Of the field, so that it is told beside what is wrong with others."""
        shift = others.data.get("shift")
        if shift is not None and not fit(shift, breaks):
            raise invalid("breaks", OUTSIDE_THE_SHIFT)
        return breaks


class VehicleChange(RequestModel):
    """What may be changed afterwards; what is left out stays."""

    name: Name = Field(None)  # type: ignore[assignment]
    capacity_kg: Kg = Field(None)  # type: ignore[assignment]
    temperature_classes: Classes = Field(None)  # type: ignore[arg-type]
    depot: PointIn = Field(None)  # type: ignore[assignment]
    shift: Shift = Field(None)  # type: ignore[assignment]
    breaks: Breaks = Field(None)  # type: ignore[arg-type]
    area: Area = Field(None)  # type: ignore[arg-type]
    cost_fen_per_km: CostFenPerKm = Field(None)  # type: ignore[assignment]
    cost_fen_per_h: CostFenPerH = Field(None)  # type: ignore[assignment]
    retired: StrictBool = Field(None)  # type: ignore[assignment]


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
    breaks: list[BreakTime]
    area: list[str]
    cost_fen_per_km: int
    cost_fen_per_h: int
    retired: bool
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
            breaks=[BreakTime.model_validate(each) for each in vehicle.breaks],
            area=vehicle.area,
            cost_fen_per_km=vehicle.cost_fen_per_km,
            cost_fen_per_h=vehicle.cost_fen_per_h,
            retired=vehicle.retired,
            created_at=vehicle.created_at,
        )


def _clock(at: time) -> str:
    return at.isoformat("minutes")
