"""A policy on the public surface."""

from typing import Self

from pydantic import BaseModel

from services.matching.optimiser.policy import HOUR_US, TEMPERATURE_CLASSES, Policy

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
