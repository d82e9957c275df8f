"""A policy on the public surface."""

from typing import Self

from pydantic import BaseModel

from catalogue import places
from catalogue.geodesy import great_circle_km
from contracts.listings import TemperatureClass
from services.matching.optimiser.policy import (
    HOUR_US,
    TEMPERATURE_CLASSES,
    Policy,
    freight_fen_per_kg,
    travel_us,
)

PERCENT = 100
METRES_PER_KM = 1000


class Freight(BaseModel):
    """⌈(base + per km × km) × factor of the temperature class⌉, fen per kg."""

    base_fen_per_kg: int
    fen_per_kg_per_km: float
    factor: dict[str, float]


class Rescue(BaseModel):
    """⌊fen_per_kg × max(0, window − h) ÷ window⌋ for h hours of life left."""

    fen_per_kg: int
    window_h: int


class Priority(BaseModel):
    """Bonuses of origins, fen per kg; a place whose status nobody knows earns none, and is reported as unknown."""

    watch_52: int
    poverty_832: int
    unknown: int = 0


class PolicyOut(BaseModel):
    """The numbers by which rounds decide. `k`: the part of the surplus that goes to the producer."""

    version: int
    detour: float
    speed_km_h: float
    handling_h: float
    freight: Freight
    k: float
    rescue: Rescue
    priority_fen_per_kg: Priority
    spread_fen_per_kg: list[int]

    @classmethod
    def of(cls, policy: Policy) -> Self:
        factors = zip(TEMPERATURE_CLASSES, policy.class_percent, strict=True)
        return cls(
            version=policy.version,
            detour=policy.detour,
            speed_km_h=policy.speed_m_per_h / METRES_PER_KM,
            handling_h=policy.handling_us / HOUR_US,
            freight=Freight(
                base_fen_per_kg=policy.freight_base_fen_per_kg,
                fen_per_kg_per_km=policy.freight_fen_per_kg_per_1000_km / 1000,
                factor={name: percent / PERCENT for name, percent in factors},
            ),
            k=policy.surplus_share_percent / PERCENT,
            rescue=Rescue(fen_per_kg=policy.rescue_fen_per_kg, window_h=policy.rescue_window_h),
            priority_fen_per_kg=Priority(
                watch_52=policy.watch_52_fen_per_kg, poverty_832=policy.poverty_832_fen_per_kg
            ),
            spread_fen_per_kg=list(policy.spread_fen_per_kg),
        )


class FreightOut(BaseModel):
    """A way between two counties, from seat to seat: a lot's own point, which nobody is told, may lie elsewhere.

    `takes_h` is from when the lot can leave to when it is there, with handling.
    """

    origin: str
    destination: str
    temperature_class: TemperatureClass
    distance_km: float
    freight_fen_per_kg: int
    takes_h: float
    policy: int

    @classmethod
    def of(cls, policy: Policy, origin: str, destination: str, temperature_class: TemperatureClass) -> Self:
        start, end = places.point_of(origin), places.point_of(destination)
        assert start is not None and end is not None, "both are in the catalogue"  # noqa: PT018
        straight_km = great_circle_km(start.point.lon, start.point.lat, end.point.lon, end.point.lat)
        distance_m = round(straight_km * METRES_PER_KM * policy.detour)
        percent = policy.class_percent[TEMPERATURE_CLASSES.index(temperature_class)]
        return cls(
            origin=origin,
            destination=destination,
            temperature_class=temperature_class,
            distance_km=round(distance_m / METRES_PER_KM, 1),
            freight_fen_per_kg=freight_fen_per_kg(policy, distance_m, percent),
            takes_h=round((policy.handling_us + travel_us(policy, distance_m)) / HOUR_US, 1),
            policy=policy.version,
        )
