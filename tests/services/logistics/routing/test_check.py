"""The checker finds each kind of fault when exactly that one is planted in a good plan."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.logistics.routing.check import check_plan
from services.logistics.routing.matrix import great_circle
from services.logistics.routing.problem import Break, Problem, RoutePlan, Stop, Unassigned, VehicleRoute
from services.logistics.routing.solve import plan_routes
from tests.services.logistics.routing.worlds import DAWN, HOUR, task, vehicle

PROBLEM = Problem(
    (vehicle("v1"), vehicle("v2")), (task("s1"), task("s2"), task("s3", temperature_class="frozen")), DAWN
)
MATRIX = great_circle(PROBLEM.points())
PLAN = plan_routes(PROBLEM, limit_s=3)
ROUTE = PLAN.vehicles[0]
SECOND = timedelta(seconds=1)

Spoil = Callable[[], tuple[Problem, RoutePlan]]


def with_route(**change: Any) -> tuple[Problem, RoutePlan]:
    return PROBLEM, replace(PLAN, vehicles=(replace(ROUTE, **change),))


def with_stop(place: int, **change: Any) -> tuple[Problem, RoutePlan]:
    stops = list(ROUTE.stops)
    stops[place] = replace(stops[place], **change)
    return with_route(stops=tuple(stops))


def with_stops(order: list[int]) -> tuple[Problem, RoutePlan]:
    return with_route(stops=tuple(ROUTE.stops[i] for i in order))


def with_task(**change: Any) -> tuple[Problem, RoutePlan]:
    """The same plan for a problem that asks more of the first shipment."""
    first = ROUTE.stops[0].shipment_id
    tasks = tuple(replace(t, **change) if t.shipment_id == first else t for t in PROBLEM.tasks)
    return replace(PROBLEM, tasks=tasks), PLAN


def with_vehicle(**change: Any) -> tuple[Problem, RoutePlan]:
    vehicles = tuple(replace(v, **change) if v.id == ROUTE.vehicle_id else v for v in PROBLEM.vehicles)
    return replace(PROBLEM, vehicles=vehicles), PLAN


def delivery() -> Stop:
    first = ROUTE.stops[0].shipment_id
    return next(s for s in ROUTE.stops if s.shipment_id == first and s.type == "delivery")


def on_two_vehicles() -> tuple[Problem, RoutePlan]:
    """Picked up by one, delivered by the other."""
    other = VehicleRoute("v2", ROUTE.departs_at, ROUTE.returns_at, ROUTE.distance_m, 0, 0, 0, ROUTE.stops[2:])
    return PROBLEM, replace(PLAN, vehicles=(replace(ROUTE, stops=ROUTE.stops[:2]), other))


LUNCH = Break(DAWN, DAWN + 10 * HOUR, 600)
ROUTE_END = PROBLEM.tasks[0].delivery


def rested(duration_s: int, begins: datetime) -> tuple[Problem, RoutePlan]:
    vehicles = tuple(replace(v, breaks=(LUNCH,)) for v in PROBLEM.vehicles)
    rest = begins, begins + timedelta(seconds=duration_s)
    return replace(PROBLEM, vehicles=vehicles), replace(PLAN, vehicles=(replace(ROUTE, rests=(rest,)),))


FAULTS: dict[str, tuple[str, Spoil]] = {
    "a vehicle nobody has": ("unknown_vehicle", lambda: with_route(vehicle_id="v9")),
    "a shipment nobody asked for": ("unknown_shipment", lambda: with_stop(0, shipment_id="s9")),
    "a vehicle in two routes": ("vehicle_twice", lambda: (PROBLEM, replace(PLAN, vehicles=(ROUTE, ROUTE)))),
    "two vehicles for one shipment": ("served_twice", on_two_vehicles),
    "pickup and delivery on two vehicles": ("pairing", on_two_vehicles),
    "served and unassigned": (
        "served_twice",
        lambda: (PROBLEM, replace(PLAN, unassigned=(*PLAN.unassigned, Unassigned("s1", ("window",))))),
    ),
    "a shipment forgotten": ("not_accounted_for", lambda: (PROBLEM, replace(PLAN, unassigned=()))),
    "left out without a reason": ("no_reason", lambda: (PROBLEM, replace(PLAN, unassigned=(Unassigned("s3", ()),)))),
    "delivery before pickup": ("pairing", lambda: with_stops([2, 3, 0, 1])),
    "a pickup without delivery": ("pairing", lambda: with_stops([0, 1, 2])),
    "too much aboard": ("capacity", lambda: with_vehicle(capacity_g=1_999_999)),
    "a class it does not carry": ("temperature_class", lambda: with_task(temperature_class="frozen")),
    "loaded before it is ready": ("before_ready", lambda: with_task(ready_at=DAWN + 1.3 * HOUR)),
    "a second after deliver_by": ("window", lambda: with_task(deliver_by=delivery().arrival - SECOND)),
    "a second too little life left": (
        "spoils_before_arrival",
        lambda: with_task(spoils_at=delivery().arrival + 24 * HOUR - SECOND),
    ),
    "back after the shift": ("shift", lambda: with_vehicle(shift_end=ROUTE.returns_at - SECOND)),
    "away before the shift": ("shift", lambda: with_vehicle(shift_start=ROUTE.departs_at + SECOND)),
    "away before the plan begins": (
        "shift",
        lambda: (replace(PROBLEM, depart_at=ROUTE.departs_at + SECOND), PLAN),
    ),
    "faster than the road": ("too_fast", lambda: with_stop(2, arrival=ROUTE.stops[2].arrival - SECOND)),
    "loaded faster than it takes": ("too_fast", lambda: with_task(pickup_s=301)),
    "stopped faster than it takes": ("too_fast", lambda: with_task(stopping_s=601)),
    "fetched where it does not go": ("area", lambda: with_vehicle(area=frozenset({"9"}))),
    "a break not taken": ("break", lambda: with_vehicle(breaks=(LUNCH,))),
    "a break too short": ("break", lambda: rested(LUNCH.duration_s - 1, ROUTE.stops[1].departure)),
    "a break too late": ("break", lambda: rested(LUNCH.duration_s, DAWN + 12 * HOUR)),
    "a break at a stop": ("break", lambda: rested(LUNCH.duration_s, ROUTE.stops[1].arrival)),
    "a break beside a way without time for it": (
        "too_fast",
        lambda: rested(LUNCH.duration_s, ROUTE.stops[1].departure),
    ),
    "too long on the road": ("on_board", lambda: with_task(on_board_max_s=0, delivery=ROUTE_END)),
    "home faster than the road": ("too_fast", lambda: with_route(returns_at=ROUTE.returns_at - SECOND)),
    "a stop somewhere else": ("place", lambda: with_stop(0, lon=118.21)),
    "a distance made shorter": ("distance", lambda: with_route(distance_m=ROUTE.distance_m - 1)),
    "a load made lighter": ("load", lambda: with_route(load_g=ROUTE.load_g - 1)),
    "a peak made lower": ("load", lambda: with_route(peak_load_g=ROUTE.peak_load_g - 1)),
}


def test_the_plan_that_is_spoiled_below_is_good() -> None:
    assert check_plan(PROBLEM, PLAN, MATRIX) == []
    assert [s.type for s in ROUTE.stops] == ["pickup", "pickup", "delivery", "delivery"]
    [left] = PLAN.unassigned
    assert (left.shipment_id, left.reasons) == ("s3", ("temperature_class",))


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str) -> None:
    fault, spoil = FAULTS[name]
    problem, plan = spoil()
    assert fault in {violation.fault for violation in check_plan(problem, plan, MATRIX)}
