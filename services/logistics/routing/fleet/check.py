"""Is this plan of a fleet possible? Judged from the problem and the plan alone, sharing no arithmetic with the solver.

Every plan passes here before it is returned, whoever made it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from services.logistics.routing.fleet.model import FleetPlan, Problem, Route

Fault = Literal[
    "vehicle_twice",
    "done_twice",
    "not_accounted_for",
    "no_reason",
    "pairing",
    "skills",
    "max_tasks",
    "capacity",
    "load",
    "too_fast",
    "window",
    "service",
    "shift",
    "break",
    "on_board",
    "max_travel_time",
    "max_distance",
    "cost",
]


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong; vehicle and task where there is one to name."""

    fault: Fault
    vehicle: int | None = None
    task: int | None = None


def check_fleet(problem: Problem, plan: FleetPlan) -> list[Violation]:
    """All that is wrong with the plan; an empty list is a good plan."""
    found = list(_accounting(problem, plan))
    for route in plan.routes:
        found += [*_order(problem, route), *_loads(problem, route), *_times(problem, route), *_sums(problem, route)]
        found += [*_breaks(problem, route), *_rides(problem, route)]
    return found


def _accounting(problem: Problem, plan: FleetPlan) -> Iterator[Violation]:
    """Every task in one route or explained, nothing invented."""
    vehicles = Counter(route.vehicle for route in plan.routes)
    yield from (Violation("vehicle_twice", vehicle) for vehicle, times in vehicles.items() if times > 1)
    named = Counter(task for route in plan.routes for task in {step.visit // 2 for step in route.steps})
    named.update(plan.left_out.keys())
    yield from (Violation("done_twice", None, task) for task, times in named.items() if times > 1)
    yield from (Violation("not_accounted_for", None, each) for each in range(len(problem.tasks)) if each not in named)
    yield from (Violation("no_reason", None, task) for task, reasons in plan.left_out.items() if not reasons)


def _order(problem: Problem, route: Route) -> Iterator[Violation]:
    vehicle, numbers = problem.vehicles[route.vehicle], [step.visit for step in route.steps]
    for task in {number // 2 for number in numbers}:
        wanted = [2 * task, 2 * task + 1][: len(problem.tasks[task].visits)]
        if [number for number in numbers if number // 2 == task] != wanted:
            yield Violation("pairing", route.vehicle, task)
        if problem.tasks[task].skills - vehicle.skills:
            yield Violation("skills", route.vehicle, task)
    if vehicle.max_tasks is not None and len(numbers) > vehicle.max_tasks:
        yield Violation("max_tasks", route.vehicle)


def _loads(problem: Problem, route: Route) -> Iterator[Violation]:
    """Told from the end: what comes home is what was collected, and each visit before had more or less of it."""
    for each, most in enumerate(problem.vehicles[route.vehicle].capacity):
        aboard = sum(
            problem.tasks[step.visit // 2].collected[each]
            for step in route.steps
            if len(problem.tasks[step.visit // 2].visits) == 1
        )
        for step in reversed(route.steps):
            task = problem.tasks[step.visit // 2]
            if step.load[each] != aboard:
                yield Violation("load", route.vehicle, step.visit // 2)
            if aboard > most:
                yield Violation("capacity", route.vehicle, step.visit // 2)
            if len(task.visits) == 1:
                aboard += task.delivered[each] - task.collected[each]
            elif step.visit % 2:
                aboard += task.delivered[each]
            else:
                aboard -= task.collected[each]
        if route.load[each] != aboard:
            yield Violation("load", route.vehicle)
        if aboard > most:
            yield Violation("capacity", route.vehicle)


def _times(problem: Problem, route: Route) -> Iterator[Violation]:
    vehicle = problem.vehicles[route.vehicle]
    away_s = problem.travel[vehicle.profile].duration_s
    left_s, place = route.departs_s, vehicle.start
    for step in route.steps:
        visit = problem.tasks[step.visit // 2].visits[step.visit % 2]
        if step.arrival_s < left_s + (0 if place is None else away_s[place, visit.location]):
            yield Violation("too_fast", route.vehicle, step.visit // 2)
        begins_s = step.arrival_s + step.waiting_s
        if step.waiting_s < 0 or not any(opens <= begins_s <= closes for opens, closes in visit.windows):
            yield Violation("window", route.vehicle, step.visit // 2)
        if step.service_s < visit.service_s or (place != visit.location and step.setup_s < visit.setup_s):
            yield Violation("service", route.vehicle, step.visit // 2)
        left_s, place = begins_s + step.setup_s + step.service_s, visit.location
    home_s = 0 if vehicle.end is None or place is None else away_s[place, vehicle.end]
    if route.ends_s < left_s + home_s:
        yield Violation("too_fast", route.vehicle)
    if route.departs_s < vehicle.window[0] or route.ends_s > vehicle.window[1]:
        yield Violation("shift", route.vehicle)


def _breaks(problem: Problem, route: Route) -> Iterator[Violation]:
    """All of them once and in their order, each within a window, and beside them time enough for every way."""
    vehicle = problem.vehicles[route.vehicle]
    away_s = problem.travel[vehicle.profile].duration_s
    if len(route.rests) != len(vehicle.breaks) or [rest.leg for rest in route.rests] != sorted(
        rest.leg for rest in route.rests
    ):
        yield Violation("break", route.vehicle)
        return
    for wanted, rest in zip(vehicle.breaks, route.rests, strict=True):
        begins_s = rest.arrival_s + rest.waiting_s
        inside = any(opens <= begins_s <= closes for opens, closes in wanted.windows)
        load = route.load if rest.leg == 0 else route.steps[rest.leg - 1].load
        light = wanted.max_load is None or all(have <= most for have, most in zip(load, wanted.max_load, strict=True))
        if not inside or not light or rest.service_s < wanted.service_s or rest.waiting_s < 0:
            yield Violation("break", route.vehicle)
    for leg in {rest.leg for rest in route.rests}:
        here = [rest for rest in route.rests if rest.leg == leg]
        before, after = route.steps[leg - 1] if leg else None, route.steps[leg] if leg < len(route.steps) else None
        leaves_s = route.departs_s if before is None else before.departure_s
        arrives_s = route.ends_s if after is None else after.arrival_s
        ends = [vehicle.start if before is None else problem.visit(before.visit).location]
        ends.append(vehicle.end if after is None else problem.visit(after.visit).location)
        way_s = 0 if None in ends else int(away_s[ends[0], ends[1]])
        times = [leaves_s, *(each for rest in here for each in (rest.arrival_s + rest.waiting_s, rest.departure_s))]
        if [*times, arrives_s] != sorted([*times, arrives_s]):
            yield Violation("break", route.vehicle)
        if arrives_s - leaves_s - sum(rest.service_s for rest in here) < way_s:
            yield Violation("too_fast", route.vehicle)


def _rides(problem: Problem, route: Route) -> Iterator[Violation]:
    """Nothing is aboard for longer than it may be."""
    left_at = {step.visit: step.departure_s for step in route.steps}
    for step in route.steps:
        most_s = problem.tasks[step.visit // 2].max_ride_s
        if step.visit % 2 and most_s is not None and step.begins_s - left_at.get(step.visit - 1, 0) > most_s:
            yield Violation("on_board", route.vehicle, step.visit // 2)


def _sums(problem: Problem, route: Route) -> Iterator[Violation]:
    vehicle = problem.vehicles[route.vehicle]
    travel = problem.travel[vehicle.profile]
    way = [problem.tasks[step.visit // 2].visits[step.visit % 2].location for step in route.steps]
    way = [each for each in (vehicle.start, *way, vehicle.end) if each is not None]
    cost, travel_s, distance_m = vehicle.fixed_cost + vehicle.per_s * (route.ends_s - route.departs_s), 0, 0
    for here, there in pairwise(way):
        cost += vehicle.per_way * int(travel.cost[here, there])
        travel_s += int(travel.duration_s[here, there])
        distance_m += int(travel.distance_m[here, there])
    if (route.cost, route.travel_s, route.distance_m) != (cost, travel_s, distance_m):
        yield Violation("cost", route.vehicle)
    if vehicle.max_travel_s is not None and travel_s > vehicle.max_travel_s:
        yield Violation("max_travel_time", route.vehicle)
    if vehicle.max_distance_m is not None and distance_m > vehicle.max_distance_m:
        yield Violation("max_distance", route.vehicle)
