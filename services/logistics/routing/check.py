"""Is this plan possible? Judged from the problem and the plan alone, sharing no arithmetic with the solver.

Every plan passes here before it is returned, whoever made it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
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
    "area",
    "break",
    "on_board",
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
    yield from _pairs(route, tasks)
    yield from _loads(route, vehicle, tasks)
    left: tuple[float, float] = vehicle.depot if vehicle.at is None else vehicle.at
    for stop in route.stops:
        yield from _stop(route, stop, tasks[stop.shipment_id], vehicle, same_place=left == (stop.lon, stop.lat))
        left = stop.lon, stop.lat
    yield from _rests(problem, route, vehicle)
    yield from _rides(route, tasks, matrix, problem)
    yield from _travel(problem, route, vehicle, tasks, matrix)
    if route.departs_at < max(vehicle.shift_start, problem.depart_at) or route.returns_at > vehicle.shift_end:
        yield Violation("shift", vehicle.id)


def _pairs(route: VehicleRoute, tasks: dict[str, Task]) -> Iterator[Violation]:
    """One pickup, then one delivery, of each shipment; of one that is aboard already the delivery, by who has it."""
    visits: dict[str, list[str]] = {}
    for stop in route.stops:
        visits.setdefault(stop.shipment_id, []).append(stop.type)
    for shipment_id, types in visits.items():
        aboard = tasks[shipment_id].aboard
        if types != (["pickup", "delivery"] if aboard is None else ["delivery"]) or aboard not in {
            None,
            route.vehicle_id,
        }:
            yield Violation("pairing", route.vehicle_id, shipment_id)


def _loads(route: VehicleRoute, vehicle: Vehicle, tasks: dict[str, Task]) -> Iterator[Violation]:
    """With what is aboard before the plan begins, and delivered in it."""
    carried = {stop.shipment_id: tasks[stop.shipment_id] for stop in route.stops}
    aboard_g = peak_g = picked_g = sum(task.quantity_g for task in carried.values() if task.aboard is not None)
    for stop in route.stops:
        quantity_g = tasks[stop.shipment_id].quantity_g
        aboard_g += quantity_g if stop.type == "pickup" else -quantity_g
        picked_g += quantity_g if stop.type == "pickup" else 0
        peak_g = max(peak_g, aboard_g)
        if aboard_g > vehicle.capacity_g:
            yield Violation("capacity", vehicle.id, stop.shipment_id)
    if (route.load_g, route.peak_load_g) != (picked_g, peak_g):
        yield Violation("load", vehicle.id)


def _stop(route: VehicleRoute, stop: Stop, task: Task, vehicle: Vehicle, *, same_place: bool) -> Iterator[Violation]:
    """What one stop must keep to by itself."""
    place = task.pickup if stop.type == "pickup" else task.delivery
    handling_s = task.pickup_s if stop.type == "pickup" else task.delivery_s
    handling = timedelta(seconds=handling_s if same_place else task.stopping_s + handling_s)
    if (stop.lon, stop.lat) != place:
        yield Violation("place", route.vehicle_id, task.shipment_id)
    if stop.departure < stop.arrival + handling:
        yield Violation("too_fast", route.vehicle_id, task.shipment_id)
    if task.aboard is None and task.temperature_class not in vehicle.temperature_classes:
        yield Violation("temperature_class", route.vehicle_id, task.shipment_id)
    if stop.type == "pickup":
        if not vehicle.serves(task.origin_adcode):
            yield Violation("area", route.vehicle_id, task.shipment_id)
        if stop.departure < task.ready_at + handling:
            yield Violation("before_ready", route.vehicle_id, task.shipment_id)
        return
    if stop.arrival + task.onward > task.deliver_by:
        yield Violation("window", route.vehicle_id, task.shipment_id)
    if stop.arrival + task.onward + task.min_life > task.spoils_at:
        yield Violation("spoils_before_arrival", route.vehicle_id, task.shipment_id)


def _rests(problem: Problem, route: VehicleRoute, vehicle: Vehicle) -> Iterator[Violation]:
    """Each break that is not over when the plan begins: in time, long enough, and on the way, not at a stop."""
    wanted = [each for each in vehicle.breaks if each.latest >= problem.depart_at]
    on_the_way = sum(len(_between(route, left, arrives)) for left, arrives in _legs(route))
    if not len(wanted) == len(route.rests) == on_the_way:
        yield Violation("break", vehicle.id)
    for each, (begins, ends) in zip(wanted, route.rests, strict=False):
        if not each.earliest <= begins <= each.latest or ends - begins < timedelta(seconds=each.duration_s):
            yield Violation("break", vehicle.id)


def _legs(route: VehicleRoute) -> list[tuple[datetime, datetime]]:
    """From leaving the depot or a stop to arriving at the next, or back."""
    left = [route.departs_at, *(stop.departure for stop in route.stops)]
    return list(zip(left, [*(stop.arrival for stop in route.stops), route.returns_at], strict=True))


def _between(route: VehicleRoute, left: datetime, arrives: datetime) -> list[timedelta]:
    """How long the breaks on this leg are."""
    return [ends - begins for begins, ends in route.rests if left <= begins and ends <= arrives]


def _rides(route: VehicleRoute, tasks: dict[str, Task], matrix: TravelMatrix, problem: Problem) -> Iterator[Violation]:
    """Nothing is on the road for longer than it may be, or than its own direct way takes."""
    row = {point: index for index, point in enumerate(problem.points())}
    loaded = {stop.shipment_id: stop.departure for stop in route.stops if stop.type == "pickup"}
    for stop in route.stops:
        task = tasks[stop.shipment_id]
        if stop.type == "delivery" and task.on_board_max_s is not None and stop.shipment_id in loaded:
            direct_s = int(matrix.duration_s[row[task.pickup], row[task.delivery]])
            most = timedelta(seconds=max(direct_s, task.on_board_max_s))
            if stop.arrival - loaded[stop.shipment_id] > most:
                yield Violation("on_board", route.vehicle_id, stop.shipment_id)


def _travel(
    problem: Problem, route: VehicleRoute, vehicle: Vehicle, tasks: dict[str, Task], matrix: TravelMatrix
) -> Iterator[Violation]:
    """From depot to depot no faster than the matrix says, and as far."""
    row = {point: index for index, point in enumerate(problem.points())}
    starts = vehicle.depot if vehicle.at is None else vehicle.at
    ends = [(tasks[stop.shipment_id], stop.type) for stop in route.stops]
    ways = [task.pickup if kind == "pickup" else task.delivery for task, kind in ends]
    places, distance_m = [row[point] for point in (starts, *ways, vehicle.depot)], 0
    for leg, (left_at, arrives_at) in enumerate(_legs(route)):
        here, there = places[leg], places[leg + 1]
        resting = sum(_between(route, left_at, arrives_at), timedelta(0))
        if arrives_at < left_at + timedelta(seconds=int(matrix.duration_s[here, there])) + resting:
            yield Violation("too_fast", vehicle.id, route.stops[leg].shipment_id if leg < len(route.stops) else None)
        distance_m += int(matrix.distance_m[here, there])
    if route.distance_m != distance_m:
        yield Violation("distance", vehicle.id)
