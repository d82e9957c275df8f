"""Plan routes: insert, search, insert what was left, check. Pure; seed and time limit are arguments.

What the model knows: paired pickups and deliveries with time windows, freshness on arrival, capacity at every
moment, temperature classes, shifts, several depots, a price per km for each vehicle. A shipment is optional with a
prize (by default larger than any detour), so there is always an answer, and every shipment left out has its reasons.

What it does not: a shipment is never split over vehicles, transferred between them or driven over two shifts; a
vehicle makes one tour, ends at its depot, and goods of any class it carries ride together; handling takes its time
at every stop even where ten shipments load at one door; driving breaks are not planned. Minimised is the
cost of the kilometres, not the number of vehicles. It is a heuristic: good, without a proof.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import Final

from services.logistics.routing.check import check_plan
from services.logistics.routing.insertion import insert_all
from services.logistics.routing.instance import Instance
from services.logistics.routing.matrix import TravelMatrix, great_circle
from services.logistics.routing.problem import Problem, Reason, RoutePlan, Stop, Unassigned, VehicleRoute
from services.logistics.routing.search import improve

FIRST_PLAN_SHARE: Final = 0.3
"""Of the time limit, what the first plan may take; the search places the rest."""
LAST_PLACES_S: Final = 0.4


@dataclass(frozen=True, slots=True)
class _Draft:
    visits: list[list[int]]
    left: dict[int, set[Reason]]


def plan_routes(problem: Problem, *, limit_s: float, seed: int = 0, matrix: TravelMatrix | None = None) -> RoutePlan:
    """The best plan found within `limit_s` (and at most a second more); it has passed `check_plan`.

    `matrix` is in the order of `problem.points()`; without one, great circle distances are used, and the plan says so.
    """
    began = perf_counter()
    travel = great_circle(problem.points()) if matrix is None else matrix
    instance = Instance.of(problem, travel)
    ends = began + limit_s
    first = _first_draft(instance, perf_counter() + FIRST_PLAN_SHARE * (ends - perf_counter()))
    better = _better_draft(instance, first, ends, seed)
    nothing = _Draft([[] for _ in problem.vehicles], {job: {"time_limit"} for job in range(len(problem.tasks))})
    plans = (_plan(instance, draft) for draft in (better, first, nothing))
    return next(plan for plan in plans if not check_plan(problem, plan, travel))


def _first_draft(instance: Instance, deadline: float) -> _Draft:
    visits: list[list[int]] = [[] for _ in instance.carriers]
    return _Draft(visits, insert_all(instance, visits, range(len(instance.jobs)), deadline))


def _better_draft(instance: Instance, first: _Draft, deadline: float, seed: int) -> _Draft:
    """The search takes only what some vehicle could carry alone: the others have their reasons already."""
    fleet = range(len(instance.carriers))
    jobs = [job for job in range(len(instance.jobs)) if any(not instance.alone(v, job) for v in fleet)]
    if not jobs:
        return first
    visits = improve(instance, first.visits, jobs, deadline, seed)
    served = {visit >> 1 for tour in visits for visit in tour}
    left = set(range(len(instance.jobs))) - served
    return _Draft(visits, insert_all(instance, visits, left, deadline + LAST_PLACES_S))


def _plan(instance: Instance, draft: _Draft) -> RoutePlan:
    routes = [_route(instance, v, visits) for v, visits in enumerate(draft.visits) if visits]
    unassigned = [
        Unassigned(instance.problem.tasks[job].shipment_id, tuple(sorted(reasons)))
        for job, reasons in sorted(draft.left.items())
    ]
    return RoutePlan(tuple(routes), tuple(unassigned), instance.matrix.source)


def _route(instance: Instance, vehicle: int, visits: list[int]) -> VehicleRoute:
    """Each stop as early as can be, and away from the depot no earlier than the first stop needs."""
    carrier, travel_s = instance.carriers[vehicle], instance.duration_s
    first = instance.jobs[visits[0] >> 1]
    left_s = max(carrier.start_s, first.ready_s - travel_s[carrier.depot, first.pickup])
    departs_s, here, distance_m, aboard_g, peak_g = left_s, carrier.depot, 0, 0, 0
    stops: list[Stop] = []
    for visit in visits:
        job, delivers = instance.jobs[visit >> 1], visit & 1
        there = job.delivery if delivers else job.pickup
        distance_m += instance.distance_m[here, there]
        arrival_s = left_s + travel_s[here, there]
        left_s = arrival_s + job.delivery_s if delivers else max(arrival_s, job.ready_s) + job.pickup_s
        aboard_g += -job.quantity_g if delivers else job.quantity_g
        peak_g, here = max(peak_g, aboard_g), there
        stops.append(_stop(instance, visit, arrival_s, left_s))
    return VehicleRoute(
        vehicle_id=instance.problem.vehicles[vehicle].id,
        departs_at=_instant(instance, departs_s),
        returns_at=_instant(instance, left_s + travel_s[here, carrier.depot]),
        distance_m=distance_m + instance.distance_m[here, carrier.depot],
        load_g=sum(instance.jobs[visit >> 1].quantity_g for visit in visits if not visit & 1),
        peak_load_g=peak_g,
        stops=tuple(stops),
    )


def _stop(instance: Instance, visit: int, arrival_s: int, left_s: int) -> Stop:
    task = instance.problem.tasks[visit >> 1]
    point = task.delivery if visit & 1 else task.pickup
    return Stop(
        shipment_id=task.shipment_id,
        type="delivery" if visit & 1 else "pickup",
        arrival=_instant(instance, arrival_s),
        departure=_instant(instance, left_s),
        lon=point.lon,
        lat=point.lat,
    )


def _instant(instance: Instance, seconds: int) -> datetime:
    return instance.problem.depart_at + timedelta(seconds=seconds)
