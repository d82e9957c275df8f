"""What a route plan is asked and what it answers. Frozen, picklable; instants are aware datetimes in UTC.

The model is the pickup and delivery problem with time windows (PDPTW): every shipment is loaded at one point and
handed over at another by the same vehicle, in that order; a vehicle leaves its depot within its shift and is back
by its end.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

TemperatureClass = Literal["ambient", "chilled", "frozen"]
StopType = Literal["pickup", "delivery"]
DistanceSource = Literal["great_circle", "osrm", "valhalla"]
Reason = Literal[
    "no_vehicle",  # none was given
    "temperature_class",  # no vehicle carries it
    "capacity",  # too heavy, or too heavy beside what else is aboard
    "shift",  # the vehicle could not be back in time
    "window",  # it would arrive after deliver_by, or make another shipment do so
    "spoils_before_arrival",  # less life than asked would be left on arrival, of this or of another shipment
    "not_worth_its_detour",  # it fits, but costs more than its prize
    "time_limit",  # the time for planning ran out before a place was found for it
]

HANDLING_S: Final = 900
SHANGHAI: Final = ZoneInfo("Asia/Shanghai")


class Point(NamedTuple):
    """WGS-84 degrees."""

    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One vehicle in one shift. `cost_fen_per_km` is what the plan minimises."""

    id: str
    capacity_g: int
    temperature_classes: frozenset[TemperatureClass]
    depot: Point
    shift_start: datetime
    shift_end: datetime
    cost_fen_per_km: int


@dataclass(frozen=True, slots=True)
class Task:
    """One shipment to move. It may be late for nothing: arrival ≤ deliver_by and arrival + min_life ≤ spoils_at.

    `prize_fen` is what moving it is worth; None is "always worth it". A delivery begins on arrival.
    """

    shipment_id: str
    pickup: Point
    delivery: Point
    quantity_g: int
    temperature_class: TemperatureClass
    ready_at: datetime
    deliver_by: datetime
    spoils_at: datetime
    min_life: timedelta = timedelta(0)
    pickup_s: int = HANDLING_S
    delivery_s: int = HANDLING_S
    prize_fen: int | None = None

    @property
    def latest_arrival(self) -> datetime:
        return min(self.deliver_by, self.spoils_at - self.min_life)

    @property
    def late_reason(self) -> Reason:
        """Which of the two limits binds."""
        return "window" if self.deliver_by <= self.spoils_at - self.min_life else "spoils_before_arrival"


@dataclass(frozen=True, slots=True)
class Problem:
    """Vehicles and tasks with distinct ids; nobody leaves before `depart_at`."""

    vehicles: tuple[Vehicle, ...]
    tasks: tuple[Task, ...]
    depart_at: datetime

    def __post_init__(self) -> None:
        if len({v.id for v in self.vehicles}) < len(self.vehicles):
            raise ValueError("two vehicles have one id")
        if len({t.shipment_id for t in self.tasks}) < len(self.tasks):
            raise ValueError("two tasks are of one shipment")

    def points(self) -> tuple[Point, ...]:
        """Every distinct point once, in the order a travel matrix for this problem must have."""
        depots = [v.depot for v in self.vehicles]
        ends = [point for task in self.tasks for point in (task.pickup, task.delivery)]
        return tuple(dict.fromkeys([*depots, *ends]))


@dataclass(frozen=True, slots=True)
class Stop:
    """At one place for one shipment. `departure` is after waiting (for `ready_at`) and handling."""

    shipment_id: str
    type: StopType
    arrival: datetime
    departure: datetime
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class VehicleRoute:
    """`load_g` is all it picks up, `peak_load_g` the most aboard at once; distance and duration depot to depot."""

    vehicle_id: str
    departs_at: datetime
    returns_at: datetime
    distance_m: int
    load_g: int
    peak_load_g: int
    stops: tuple[Stop, ...]

    @property
    def duration_s(self) -> int:
        return round((self.returns_at - self.departs_at).total_seconds())


@dataclass(frozen=True, slots=True)
class Unassigned:
    shipment_id: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """Only vehicles that move are listed; every task is either in a route or unassigned, with reasons."""

    vehicles: tuple[VehicleRoute, ...]
    unassigned: tuple[Unassigned, ...]
    distance_source: DistanceSource


def shift_from(depart_at: datetime, start: time, end: time) -> tuple[datetime, datetime]:
    """The daily shift (Shanghai time) running at `depart_at`, else the next; past midnight if end ≤ start."""
    today = depart_at.astimezone(SHANGHAI).date()
    for day in (today - timedelta(days=1), today, today + timedelta(days=1)):
        opens = datetime.combine(day, start, SHANGHAI)
        closes = datetime.combine(day if end > start else day + timedelta(days=1), end, SHANGHAI)
        if closes > depart_at:
            return opens.astimezone(UTC), closes.astimezone(UTC)
    raise AssertionError("tomorrow's shift ends after now")
