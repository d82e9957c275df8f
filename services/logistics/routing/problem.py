"""What a route plan is asked and what it answers. Frozen, picklable; instants are aware datetimes in UTC.

The model is the pickup and delivery problem with time windows (PDPTW): every shipment is loaded at one point and
handed over at another by the same vehicle, in that order; a vehicle leaves its depot within its shift, takes its
breaks, and is back by its end.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final, Literal, NamedTuple

from catalogue.days import CHINA

TemperatureClass = Literal["ambient", "chilled", "frozen"]
StopType = Literal["pickup", "delivery"]
DistanceSource = Literal["great_circle", "osrm", "valhalla"]
Reason = Literal[
    "no_vehicle",  # none was given
    "no_vehicle_in_range",  # none serves the county it is fetched from
    "temperature_class",  # no vehicle carries it
    "capacity",  # too heavy, or too heavy beside what else is aboard
    "shift",  # the vehicle could not be back in time
    "break",  # or not take its breaks any more
    "window",  # it would arrive after deliver_by, or make another shipment do so
    "spoils_before_arrival",  # less life than asked would be left on arrival, of this or of another shipment
    "on_board",  # it, or another, would be on the road for too long
    "not_worth_its_detour",  # it fits, but costs more than its prize
    "time_limit",  # the time for planning ran out before a place was found for it
]

STOPPING_S: Final = 600
"""To stop somewhere: find the door, the papers. Once for all that is loaded or handed over there in one go."""
HANDLING_S: Final = 300
"""To load or hand over one shipment."""
DETOUR: Final = 1.3  # road over great circle, as in policy 1
SPEED_M_PER_S: Final = 60_000 / 3600


class Point(NamedTuple):
    """WGS-84 degrees."""

    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Break:
    """Taken once, wherever the vehicle is; it begins between the two."""

    earliest: datetime
    latest: datetime
    duration_s: int


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One vehicle in one shift, with breaks in their order. Its costs are what the plan minimises: those of an hour run
    from leaving the depot until it is back. `area`: the beginnings of the county codes that it fetches from; empty,
    from anywhere. `at`: where it is now, when that is not its depot.
    """

    id: str
    capacity_g: int
    temperature_classes: frozenset[TemperatureClass]
    depot: Point
    shift_start: datetime
    shift_end: datetime
    cost_fen_per_km: int
    cost_fen_per_h: int = 0
    breaks: tuple[Break, ...] = ()
    area: frozenset[str] = frozenset()
    at: Point | None = None

    def serves(self, adcode: str) -> bool:
        return not self.area or any(adcode.startswith(prefix) for prefix in self.area)


@dataclass(frozen=True, slots=True)
class Task:
    """One shipment to move. It may be late for nothing: arrival ≤ deliver_by and arrival + min_life ≤ spoils_at.

    `on_board_max_s`: how long it may be on the road, from leaving the pickup to arriving at the delivery; its own
    direct way is always allowed. `prize_fen` is what moving it is worth; None is "always worth it", and the more
    `urgent`, the later it is left out. A delivery begins on arrival. `onward`: how long it still takes from there to
    the buyer, where the delivery is a hub. `owed`: it was promised, and is carried before what was not. `aboard`: the
    vehicle that has loaded it, and only has to deliver it.
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
    stopping_s: int = STOPPING_S
    pickup_s: int = HANDLING_S
    delivery_s: int = HANDLING_S
    prize_fen: int | None = None
    origin_adcode: str = ""
    on_board_max_s: int | None = None
    urgent: int = 0
    onward: timedelta = timedelta(0)
    owed: bool = False
    aboard: str | None = None

    @property
    def latest_arrival(self) -> datetime:
        return min(self.deliver_by, self.spoils_at - self.min_life) - self.onward

    @property
    def late_reason(self) -> Literal["window", "spoils_before_arrival"]:
        """Which of the two limits binds."""
        return "window" if self.deliver_by <= self.spoils_at - self.min_life else "spoils_before_arrival"


class Told(NamedTuple):
    """A stop that a driver knows of."""

    shipment_id: str
    type: StopType


@dataclass(frozen=True, slots=True)
class Problem:
    """Vehicles and tasks with distinct ids; nobody leaves before `depart_at`.

    `told`: of a plan that is made anew, by vehicle the stops that its driver knows of and has not made yet, in their
    order. They stay as they are, with what is new among them, unless a plan that changes them carries more; and what
    they knew of is carried before anything new.
    """

    vehicles: tuple[Vehicle, ...]
    tasks: tuple[Task, ...]
    depart_at: datetime
    told: Mapping[str, tuple[Told, ...]] | None = None

    def __post_init__(self) -> None:
        if len({v.id for v in self.vehicles}) < len(self.vehicles):
            raise ValueError("two vehicles have one id")
        if len({t.shipment_id for t in self.tasks}) < len(self.tasks):
            raise ValueError("two tasks are of one shipment")

    def points(self) -> tuple[Point, ...]:
        """Every distinct point once, in the order a travel matrix for this problem must have."""
        depots = [v.depot for v in self.vehicles]
        starts = [v.at for v in self.vehicles if v.at is not None]
        ends = [point for task in self.tasks for point in (task.pickup, task.delivery)]
        return tuple(dict.fromkeys([*depots, *starts, *ends]))


@dataclass(frozen=True, slots=True)
class Stop:
    """At one place for one shipment. `departure` is after waiting (for `ready_at`) and handling; `load_g` is what is
    aboard then."""

    shipment_id: str
    type: StopType
    arrival: datetime
    departure: datetime
    lon: float
    lat: float
    load_g: int = 0


@dataclass(frozen=True, slots=True)
class VehicleRoute:
    """`load_g` is all it carries, `peak_load_g` the most aboard at once; distance and duration depot to depot.

    `rests` are its breaks, each from when it begins until when it ends.
    """

    vehicle_id: str
    departs_at: datetime
    returns_at: datetime
    distance_m: int
    load_g: int
    peak_load_g: int
    cost_fen: int
    stops: tuple[Stop, ...]
    rests: tuple[tuple[datetime, datetime], ...] = ()

    @property
    def duration_s(self) -> int:
        return round((self.returns_at - self.departs_at).total_seconds())


ChangeKind = Literal[
    "deliver_by",  # to an instant
    "min_remaining_life_h",  # to so many whole hours
    "quantity_g",  # to so much; the rest needs another way
    "shift_end",  # of the vehicle, to an instant
    "on_board_max_s",  # to so much
    "prize_fen",  # to so much
    "temperature_class",  # the vehicle would do, if it carried this one
    "area",  # the vehicle would do, if it went to this county
    "vehicle",  # one more like this one
]


@dataclass(frozen=True, slots=True)
class Change:
    """What alone would be enough, beside the plan as it is, with the vehicle that would then carry it."""

    kind: ChangeKind
    to: datetime | int | str | None
    vehicle_id: str


@dataclass(frozen=True, slots=True)
class Unassigned:
    """`change`: the least that would do; None where no single one was found."""

    shipment_id: str
    reasons: tuple[Reason, ...]
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """Only vehicles that move are listed; every task is either in a route or unassigned, with reasons.

    `moved_stops`: of those that drivers knew of, how many are now with another vehicle, or in none, or no longer in
    the order of the others; None where nobody was told anything.
    """

    vehicles: tuple[VehicleRoute, ...]
    unassigned: tuple[Unassigned, ...]
    distance_source: DistanceSource
    moved_stops: int | None = None


def moved_stops(told: Mapping[str, Sequence[Told]], routes: Sequence[VehicleRoute]) -> int:
    """Of those that drivers knew of, how many are not where they were, in the order in which they were."""
    now = {route.vehicle_id: [Told(stop.shipment_id, stop.type) for stop in route.stops] for route in routes}
    return sum(len(stops) - _in_order(stops, now.get(vehicle, [])) for vehicle, stops in told.items())


def _in_order(was: Sequence[Told], now: Sequence[Told]) -> int:
    """The most that can stay where they are: the longest common subsequence; none is in a route twice."""
    place = {stop: position for position, stop in enumerate(now)}
    ends: list[int] = []  # of the best runs of each length, where they end
    for position in (place[stop] for stop in was if stop in place):
        at = bisect_left(ends, position)
        ends[at : at + 1] = [position]
    return len(ends)


def shift_from(depart_at: datetime, start: time, end: time) -> tuple[datetime, datetime]:
    """The daily shift (Shanghai time) running at `depart_at`, else the next; past midnight if end ≤ start."""
    today = depart_at.astimezone(CHINA).date()
    for day in (today - timedelta(days=1), today, today + timedelta(days=1)):
        opens = datetime.combine(day, start, CHINA)
        closes = datetime.combine(day if end > start else day + timedelta(days=1), end, CHINA)
        if closes > depart_at:
            return opens.astimezone(UTC), closes.astimezone(UTC)
    raise AssertionError("tomorrow's shift ends after now")


def clocks_from(opens: datetime, start: str, end: str) -> tuple[datetime, datetime]:
    """From when until when, by the clocks of Shanghai, next after this moment; past midnight if end ≤ start."""
    begins = _next_at(opens, start)
    return begins, _next_at(begins + timedelta(minutes=1), end)


def _next_at(moment: datetime, clock: str) -> datetime:
    """The first moment of this minute or after it at which clocks show this."""
    local = moment.astimezone(CHINA)
    at = datetime.combine(local.date(), time.fromisoformat(clock), CHINA)
    return (at if at >= local.replace(second=0, microsecond=0) else at + timedelta(days=1)).astimezone(UTC)
