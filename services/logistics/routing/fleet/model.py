"""The general vehicle routing problem: jobs at one place, shipments between two, and a fleet of any vehicles.

Whole seconds and metres, rows of travel matrices, amounts by dimension. What the terms mean is VROOM's definition
(docs/API.md of VROOM-Project/vroom), so that its users find here what they know:

- A visit begins within one of its windows; setup (where the vehicle comes from elsewhere) and service follow, and may
  end after the window.
- A job's `delivered` is loaded where the vehicle starts, its `collected` unloaded where it ends; a shipment's amount is
  aboard from its pickup to its delivery.
- A vehicle has every skill that its tasks ask for. Without a start it appears at its first visit, without an end it
  stays at its last.
- What travel costs is the vehicle's own; waiting and service are free. Tasks of lower priority are left out first.

What our own routes ask for beyond that: a longest time on board (`Task.max_ride_s`), a worth of a task (`prize`), a
price of a vehicle's whole time (`per_s`), and why being late matters (`Visit.late`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:  # who only passes a problem on does without numpy, which would be a fifth of a process
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.int64]

Amount = tuple[int, ...]
Window = tuple[int, int]
Reason = Literal[
    "no_vehicle",  # none was given
    "skills",  # no vehicle has them all
    "capacity",  # too much, or too much beside what else is aboard
    "shift",  # the vehicle could not be at its end in time
    "window",  # it would come too late, or make another come too late
    "spoils_before_arrival",  # the same, where what is late has spoiled
    "on_board",  # it, or another, would be on board for too long
    "break",  # the vehicle could not take its breaks any more
    "max_tasks",  # the vehicle may do no more
    "max_travel_time",  # or be under way for longer
    "max_distance",  # or drive further
    "not_worth_its_detour",  # it fits, but costs more than it is worth
    "time_limit",  # the time for planning ran out before a place was found for it
]

ALWAYS: Final[Window] = (0, 1 << 40)
PRIORITY_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Visit:
    """At one place. `windows`: ascending, apart from each other, at least one; one that closes before it opens is never
    open. `late`: what is wrong after the last.
    """

    location: int
    windows: tuple[Window, ...] = (ALWAYS,)
    setup_s: int = 0
    service_s: int = 0
    late: Reason = "window"


@dataclass(frozen=True, slots=True)
class Task:
    """A job has one visit, a shipment a pickup and then a delivery by the same vehicle.

    `prize`: what doing it is worth, by default more than any detour. `tier`: one of a higher tier that is done is never
    given up for any number of a lower one. `max_ride_s`: of a shipment, from when the vehicle
    leaves its pickup until its delivery begins.
    """

    visits: tuple[Visit] | tuple[Visit, Visit]
    delivered: Amount = ()
    collected: Amount = ()
    skills: frozenset[int] = frozenset()
    priority: int = 0
    prize: int | None = None
    max_ride_s: int | None = None
    tier: int = 0

    @property
    def is_shipment(self) -> bool:
        return len(self.visits) == 2


@dataclass(frozen=True, slots=True)
class Break:
    """Taken once by a vehicle that does anything, wherever it is, in the middle of a way too. It begins within one of
    its windows, while no more than `max_load` is aboard."""

    windows: tuple[Window, ...] = (ALWAYS,)
    service_s: int = 0
    max_load: Amount | None = None


@dataclass(frozen=True, slots=True)
class Vehicle:
    """`profile`: which travel it is at; `window`: when it may leave its start, and has to be at its end. `breaks` are
    taken in their order. It costs `per_way` times the travel's cost, and `per_s` from leaving its start to its end."""

    start: int | None
    end: int | None
    profile: int
    capacity: Amount = ()
    skills: frozenset[int] = frozenset()
    window: Window = ALWAYS
    fixed_cost: int = 0
    per_way: int = 1
    per_s: int = 0
    max_tasks: int | None = None
    max_travel_s: int | None = None
    max_distance_m: int | None = None
    breaks: tuple[Break, ...] = ()


@dataclass(frozen=True, eq=False)
class Travel:
    """From row to column: how long, how far, and what it costs. `nowhere` is a place no way from anywhere."""

    duration_s: Matrix
    distance_m: Matrix
    cost: Matrix

    @property
    def nowhere(self) -> int:
        return len(self.cost)

    @cached_property
    def seconds(self) -> memoryview:
        """Plain ints, quicker than numpy's scalars one by one; in the last row and column those of `nowhere`."""
        return _view(self.duration_s)

    @cached_property
    def costs(self) -> memoryview:
        return _view(self.cost)

    @cached_property
    def metres(self) -> memoryview:
        return _view(self.distance_m)


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """All amounts and capacities have `dimensions` numbers."""

    vehicles: tuple[Vehicle, ...]
    tasks: tuple[Task, ...]
    travel: tuple[Travel, ...]
    dimensions: int

    def visit(self, number: int) -> Visit:
        """Visit 2k is the first of task k, 2k + 1 the delivery of a shipment."""
        return self.tasks[number >> 1].visits[number & 1]


@dataclass(frozen=True, slots=True)
class Step:
    """One visit as it is planned. The vehicle arrives, waits, sets up and serves; `load` is what is aboard then."""

    visit: int
    arrival_s: int
    waiting_s: int
    setup_s: int
    service_s: int
    load: Amount

    @property
    def begins_s(self) -> int:
        return self.arrival_s + self.waiting_s

    @property
    def departure_s(self) -> int:
        return self.begins_s + self.setup_s + self.service_s


@dataclass(frozen=True, slots=True)
class Rest:
    """A break as it is planned, on the way to step `leg`, or to the end after the last. Until then the vehicle has
    driven `driven_s` of that way, and may have waited."""

    leg: int
    arrival_s: int
    waiting_s: int
    service_s: int
    driven_s: int

    @property
    def departure_s(self) -> int:
        return self.arrival_s + self.waiting_s + self.service_s


@dataclass(frozen=True, slots=True)
class Route:
    """`vehicle` is a row; `load` what it leaves its start with. Time and way are those of travel alone."""

    vehicle: int
    departs_s: int
    ends_s: int
    load: Amount
    steps: tuple[Step, ...]
    rests: tuple[Rest, ...]
    travel_s: int
    distance_m: int
    cost: int


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """Only vehicles that do something; each task is in a route, or left out with reasons."""

    routes: tuple[Route, ...]
    left_out: dict[int, tuple[Reason, ...]]


def _view(matrix: Matrix) -> memoryview:
    import numpy as np

    return memoryview(np.pad(matrix, (0, 1)))  # type: ignore[arg-type]


def within(windows: tuple[Window, ...], moment_s: int) -> int | None:
    """The first moment of these windows that is not before this one; None where it is too late."""
    for opens_s, closes_s in windows:
        begins_s = moment_s if moment_s > opens_s else opens_s
        if begins_s <= closes_s:
            return begins_s
    return None


def last_within(windows: tuple[Window, ...], by_s: int) -> int | None:
    """The last moment of these windows that is not after this one; None where it is before them all."""
    moments = [min(closes_s, by_s) for opens_s, closes_s in windows if opens_s <= min(closes_s, by_s)]
    return max(moments, default=None)
