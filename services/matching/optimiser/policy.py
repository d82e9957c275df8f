"""The weights of one matching round: how far, how dear, and what is worth more than money.

Everything is integer arithmetic on whole metres, microseconds and fen, so that anybody can recompute a price
from the figures shown beside it. The functions take numbers and numpy arrays alike.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
IntLike = TypeVar("IntLike", int, IntArray)

HOUR_US = 3_600_000_000
QUARTERS = 4
GRADES = ("A", "B", "C")  # best first
TEMPERATURE_CLASSES = ("ambient", "chilled", "frozen")


@dataclass(frozen=True, slots=True)
class Policy:
    """One published version of the weights; a round records which it used."""

    version: int
    detour: float  # road metres for each great-circle metre
    speed_m_per_h: int
    handling_us: int  # from leaving the field to leaving the packing house
    freight_base_fen_per_kg: int
    freight_fen_per_kg_per_1000_km: int
    class_percent: tuple[int, int, int]  # of the ambient freight, in the order of TEMPERATURE_CLASSES
    surplus_share_percent: int  # k: the part of the surplus that goes to the producer
    rescue_fen_per_kg: int  # for a lot with no life left ...
    rescue_window_h: int  # ... falling to 0 for one with this much
    watch_52_fen_per_kg: int
    poverty_832_fen_per_kg: int
    spread_fen_per_kg: tuple[int, int, int, int]  # by quarter of the lot already agreed or held

    def __post_init__(self) -> None:
        """A rising spread would not be concave, and the round no longer a linear programme."""
        if list(self.spread_fen_per_kg) != sorted(self.spread_fen_per_kg, reverse=True):
            raise ValueError("spread_fen_per_kg must not rise from quarter to quarter")
        if min(self.spread_fen_per_kg) < 0:
            raise ValueError("spread_fen_per_kg must not be negative")


POLICY_1 = Policy(
    version=1,
    detour=1.3,
    speed_m_per_h=60_000,
    handling_us=4 * HOUR_US,
    freight_base_fen_per_kg=20,
    freight_fen_per_kg_per_1000_km=60,
    class_percent=(100, 150, 200),
    surplus_share_percent=50,
    rescue_fen_per_kg=200,
    rescue_window_h=72,
    watch_52_fen_per_kg=100,
    poverty_832_fen_per_kg=50,
    spread_fen_per_kg=(40, 25, 10, 0),
)


def freight_fen_per_kg(policy: Policy, distance_m: IntLike, class_percent: IntLike) -> IntLike:
    """⌈(base + rate × km) × c⌉, exactly: one fen per 1000 km is one millionth of a fen per metre."""
    per_kg_ufen = policy.freight_base_fen_per_kg * 1_000_000 + policy.freight_fen_per_kg_per_1000_km * distance_m
    return -(-per_kg_ufen * class_percent // 100_000_000)


def travel_us(policy: Policy, distance_m: IntLike) -> IntLike:
    """Time on the road, rounded up to a whole microsecond."""
    return -(-distance_m * HOUR_US // policy.speed_m_per_h)


def rescue_fen_per_kg(policy: Policy, life_us: IntArray) -> IntArray:
    """⌊rescue × max(0, window − h) ÷ window⌋ for the life left when the lot can leave."""
    window_us = policy.rescue_window_h * HOUR_US
    lost_us = np.clip(window_us - life_us, 0, window_us)
    return policy.rescue_fen_per_kg * lost_us // window_us


def priority_fen_per_kg(policy: Policy, watch_52: IntArray, poverty_832: IntArray) -> IntArray:
    """The published bonus of the origin; flags are 1, 0 or -1 for unknown, which earns nothing.

    A county may be both (each of the 52 is one of the 832), and then earns both: they are two lists, each with
    its own bonus.
    """
    watch = listed_fen_per_kg(policy.watch_52_fen_per_kg, watch_52)
    return watch + listed_fen_per_kg(policy.poverty_832_fen_per_kg, poverty_832)


def listed_fen_per_kg(bonus_fen_per_kg: int, flag: IntArray) -> IntArray:
    """The bonus of one list."""
    return np.where(flag == 1, bonus_fen_per_kg, 0)


def farm_gate_price(policy: Policy, floor_fen_per_kg: IntLike, surplus_fen_per_kg: IntLike) -> IntLike:
    """floor + ⌊k × surplus⌋, in fen per kg."""
    return floor_fen_per_kg + surplus_fen_per_kg * policy.surplus_share_percent // 100


def amount_fen(quantity_g: int, price_fen_per_kg: int) -> int:
    """What a quantity costs, in whole fen, half to even."""
    fen, rest = divmod(quantity_g * price_fen_per_kg, 1000)
    return fen + (rest > 500 or (rest == 500 and fen % 2 == 1))
