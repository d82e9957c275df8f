"""Rounds, their timer and the policy on the public surface."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from catalogue.fields import ProduceSlug
from chassis.fields import KgOut, RequestModel, kg_of
from chassis.problems import Text, invalid
from services.matching.optimiser.policy import HOUR_US, TEMPERATURE_CLASSES, Policy
from services.matching.rounds.models import INTERVAL_MAX_S, Round

PERCENT = 100
METRES_PER_KM = 1000


def _only_numbers(value: object) -> object:
    if isinstance(value, (bool, str)):
        raise invalid("number_required", Text("必须是数字。", "It must be a number."))
    return value


class RoundRequest(RequestModel):
    """Which market to clear now; all of them when none is named."""

    produce: ProduceSlug | None = None


class Interval(RequestModel):
    """How often changed markets are cleared; 0: only on demand."""

    seconds: Annotated[float, Field(ge=0, le=INTERVAL_MAX_S, allow_inf_nan=False), BeforeValidator(_only_numbers)]


class RoundOut(BaseModel):
    """A round. `value` and `greedy_value` are in fen, exact to a thousandth; `certified_gap` 0 is proven optimal.

    `skipped`: matches of the plan that were not made, because their sides changed while it was solved.
    """

    id: UUID
    produce: str
    cleared_at: AwareDatetime
    policy: int
    listings: int
    orders: int
    arcs: int
    matches: int
    skipped: int
    matched_kg: KgOut
    value: float
    greedy_value: float
    certified_gap: float
    seconds: float

    @classmethod
    def of(cls, cleared: Round) -> Self:
        return cls(
            id=cleared.id,
            produce=cleared.produce,
            cleared_at=cleared.cleared_at,
            policy=cleared.policy,
            listings=cleared.listings,
            orders=cleared.orders,
            arcs=cleared.arcs,
            matches=cleared.matches,
            skipped=cleared.skipped,
            matched_kg=cleared.matched_g,
            value=kg_of(int(cleared.value_mfen)),
            greedy_value=kg_of(int(cleared.greedy_value_mfen)),
            certified_gap=cleared.certified_gap,
            seconds=round(cleared.seconds, 6),
        )


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
