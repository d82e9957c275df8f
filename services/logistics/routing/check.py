"""Is this plan possible? Judged from the problem and the plan alone, sharing no arithmetic with the solver.

Every plan passes here before it is returned, whoever made it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from services.logistics.routing.matrix import TravelMatrix
from services.logistics.routing.problem import Problem, RoutePlan, Stop, Task, Vehicle, VehicleRoute

Fault = Literal[
    "unknown_vehicle",
    "unknown_shipment",
    "vehicle_twice",
    "served_twice",
    "not_accounted_for",
    "no_reason",
    "pairing",
    "capacity",
    "temperature_class",
    "before_ready",
    "window",
    "spoils_before_arrival",
    "shift",
    "too_fast",
    "place",
    "distance",
    "load",
]


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong; vehicle and shipment where there is one to name."""

    fault: Fault
    vehicle_id: str | None = None
    shipment_id: str | None = None


def check_plan(problem: Problem, plan: RoutePlan, matrix: TravelMatrix) -> list[Violation]:
    """All that is wrong with the plan; an empty list is a good plan."""
    tasks = {task.shipment_id: task for task in problem.tasks}
    vehicles = {vehicle.id: vehicle for vehicle in problem.vehicles}
    found = list(_accounting(plan, tasks, vehicles))
    for route in plan.vehicles:
        known = all(stop.shipment_id in tasks for stop in route.stops)
        if route.vehicle_id in vehicles and known:
            found += _route(problem, route, vehicles[route.vehicle_id], tasks, matrix)
    return found


def _accounting(plan: RoutePlan, tasks: dict[str, Task], vehicles: dict[str, Vehicle]) -> Iterator[Violation]:
    """Every task in one route or explained, nothing invented."""
    routes = Counter(route.vehicle_id for route in plan.vehicles)
    yield from (Violation("unknown_vehicle", v) for v in routes if v not in vehicles)
    yield from (Violation("vehicle_twice", v) for v, times in routes.items() if times > 1)
    served = Counter(
        shipment_id for route in plan.vehicles for shipment_id in {stop.shipment_id for stop in route.stops}
    )
    named = served + Counter(entry.shipment_id for entry in plan.unassigned)
    yield from (Violation("unknown_shipment", None, s) for s in named if s not in tasks)
    yield from (Violation("served_twice", None, s) for s, times in named.items() if times > 1)
    yield from (Violation("not_accounted_for", None, s) for s in tasks if s not in named)
    yield from (Violation("no_reason", None, e.shipment_id) for e in plan.unassigned if not e.reasons)


def _route(
    problem: Problem, route: VehicleRoute, vehicle: Vehicle, tasks: dict[str, Task], matrix: TravelMatrix
) -> Iterator[Violation]:
    yield from _pairs(route)
    yield from _loads(route, vehicle, tasks)
    for stop in route.stops:
        yield from _stop(route, stop, tasks[stop.shipment_id], vehicle)
    yield from _travel(problem, route, vehicle, tasks, matrix)
    if route.departs_at < max(vehicle.shift_start, problem.depart_at) or route.returns_at > vehicle.shift_end:
        yield Violation("shift", vehicle.id)


def _pairs(route: VehicleRoute) -> Iterator[Violation]:
    """One pickup, then one delivery, of each shipment aboard."""
    visits: dict[str, list[str]] = {}
    for stop in route.stops:
        visits.setdefault(stop.shipment_id, []).append(stop.type)
    for shipment_id, types in visits.items():
        if types != ["pickup", "delivery"]:
            yield Violation("pairing", route.vehicle_id, shipment_id)


def _loads(route: VehicleRoute, vehicle: Vehicle, tasks: dict[str, Task]) -> Iterator[Violation]:
    aboard_g = peak_g = picked_g = 0
    for stop in route.stops:
        quantity_g = tasks[stop.shipment_id].quantity_g
        aboard_g += quantity_g if stop.type == "pickup" else -quantity_g
        picked_g += quantity_g if stop.type == "pickup" else 0
        peak_g = max(peak_g, aboard_g)
        if aboard_g > vehicle.capacity_g:
            yield Violation("capacity", vehicle.id, stop.shipment_id)
    if (route.load_g, route.peak_load_g) != (picked_g, peak_g):
        yield Violation("load", vehicle.id)


def _stop(route: VehicleRoute, stop: Stop, task: Task, vehicle: Vehicle) -> Iterator[Violation]:
    """What one stop must keep to by itself."""
    place = task.pickup if stop.type == "pickup" else task.delivery
    handling = timedelta(seconds=task.pickup_s if stop.type == "pickup" else task.delivery_s)
    if (stop.lon, stop.lat) != place:
        yield Violation("place", route.vehicle_id, task.shipment_id)
    if stop.departure < stop.arrival + handling:
        yield Violation("too_fast", route.vehicle_id, task.shipment_id)
    if task.temperature_class not in vehicle.temperature_classes:
        yield Violation("temperature_class", route.vehicle_id, task.shipment_id)
    if stop.type == "pickup":
        if stop.departure < task.ready_at + handling:
            yield Violation("before_ready", route.vehicle_id, task.shipment_id)
        return
    if stop.arrival > task.deliver_by:
        yield Violation("window", route.vehicle_id, task.shipment_id)
    if stop.arrival + task.min_life > task.spoils_at:
        yield Violation("spoils_before_arrival", route.vehicle_id, task.shipment_id)


def _travel(
    problem: Problem, route: VehicleRoute, vehicle: Vehicle, tasks: dict[str, Task], matrix: TravelMatrix
) -> Iterator[Violation]:
    """From depot to depot no faster than the matrix says, and as far."""
    row = {point: index for index, point in enumerate(problem.points())}
    here, left_at, distance_m = row[vehicle.depot], route.departs_at, 0
    for stop in route.stops:
        task = tasks[stop.shipment_id]
        there = row[task.pickup if stop.type == "pickup" else task.delivery]
        if stop.arrival < left_at + timedelta(seconds=int(matrix.duration_s[here, there])):
            yield Violation("too_fast", vehicle.id, stop.shipment_id)
        distance_m += int(matrix.distance_m[here, there])
        here, left_at = there, stop.departure
    home = row[vehicle.depot]
    if route.returns_at < left_at + timedelta(seconds=int(matrix.duration_s[here, home])):
        yield Violation("too_fast", vehicle.id)
    if route.distance_m != distance_m + int(matrix.distance_m[here, home]):
        yield Violation("distance", vehicle.id)
