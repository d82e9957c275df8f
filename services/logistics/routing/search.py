"""The search over shipments: pickups and deliveries are paired in PyVRP since 0.14 (`iterated` runs it).

Penalties begin in proportion to the prizes. With its own, an hour late cost less than a shipment left out, and a tight
plan never improved on the first one (of 100 shipments 43 served instead of 64).
"""

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from services.logistics.routing.instance import Carrier, Instance, Job
from services.logistics.routing.iterated import improved
from services.logistics.routing.problem import TemperatureClass

if TYPE_CHECKING:
    from pyvrp import PenaltyManager, ProblemData, Solution, VehicleType

LARGEST_PENALTY: Final = 1e8
"""A fen-thousandth for each gram or second; times the grams and seconds of any plan it stays inside 64 bits."""


def improve(instance: Instance, plan: list[list[int]], jobs: list[int], deadline: float, seed: int) -> list[list[int]]:
    """A plan at least as good as the feasible one given, for those jobs; both are visits by vehicle."""
    data, fleet = _data(instance, jobs)
    best = improved(data, _solution(data, fleet, plan, jobs), _penalties(data), deadline, seed)
    return _visits(best, fleet, jobs, len(plan))


def _penalties(data: "ProblemData") -> "PenaltyManager":
    """A quarter of an hour late, or a quarter of a shipment too much, costs at first what a shipment is worth."""
    from pyvrp import PenaltyManager, PenaltyParams

    prize = max(shipment.prize for shipment in data.shipments())
    quantity_g = sum(shipment.amount[0] for shipment in data.shipments()) / data.num_shipments
    per_gram, per_second = 4 * prize / max(1, quantity_g), 4 * prize / 3600
    loads = [per_gram] * data.num_load_dimensions
    return PenaltyManager((loads, per_second, 1.0), PenaltyParams(max_penalty=LARGEST_PENALTY))


def _data(instance: Instance, jobs: list[int]) -> "tuple[ProblemData, list[list[int]]]":
    """PyVRP's data, and for each of its vehicle types the vehicles that are of it."""
    from pyvrp import Depot, Location, ProblemData

    limited = _limited_classes(instance.carriers)
    depots = sorted({carrier.depot for carrier in instance.carriers})
    usable = [v for v, carrier in enumerate(instance.carriers) if carrier.end_s > carrier.start_s]
    usable.sort(key=lambda v: (_order(instance.carriers[v]), v))
    fleet = [list(same) for _, same in groupby(usable, key=lambda v: _order(instance.carriers[v]))]
    data = ProblemData(
        locations=[Location(point.lon, point.lat) for point in instance.problem.points()],
        clients=[],
        depots=[Depot(depot) for depot in depots],
        vehicle_types=[_vehicle_type(instance.carriers[same[0]], len(same), depots, limited) for same in fleet],
        distance_matrices=[cast("Any", np.asarray(instance.distance_m))],
        duration_matrices=[cast("Any", np.asarray(instance.duration_s))],
        shipments=[_shipment(instance.jobs[job], limited) for job in jobs],
    )
    return data, fleet


def _order(carrier: Carrier) -> tuple[Any, ...]:
    return (*carrier[:2], sorted(carrier.classes), *carrier[3:])


def _limited_classes(carriers: tuple[Carrier, ...]) -> list[TemperatureClass]:
    """The classes that not every vehicle carries. Each is a load of its own, of which the others may take nothing."""
    classes: tuple[TemperatureClass, ...] = ("ambient", "chilled", "frozen")
    return [each for each in classes if any(each not in carrier.classes for carrier in carriers)]


def _vehicle_type(carrier: Carrier, count: int, depots: list[int], limited: list[TemperatureClass]) -> "VehicleType":
    from pyvrp import VehicleType

    depot = depots.index(carrier.depot)
    return VehicleType(
        num_available=count,
        capacity=[carrier.capacity_g, *(carrier.capacity_g * (each in carrier.classes) for each in limited)],
        start_depot=depot,
        end_depot=depot,
        tw_early=carrier.start_s,
        tw_late=carrier.end_s,
        unit_distance_cost=carrier.cost,
    )


def _shipment(job: Job, limited: list[TemperatureClass]) -> Any:
    from pyvrp import Shipment

    return Shipment(
        pickup_location=job.pickup,
        delivery_location=job.delivery,
        pickup_tw_early=job.ready_s,
        pickup_tw_late=max(job.ready_s, job.due_s),
        pickup_service_duration=job.pickup_s,
        delivery_tw_late=job.due_s,
        delivery_service_duration=job.delivery_s,
        amount=[job.quantity_g, *(job.quantity_g * (each == job.temperature_class) for each in limited)],
        prize=job.prize,
        required=False,
    )


def _solution(data: "ProblemData", fleet: list[list[int]], plan: list[list[int]], jobs: list[int]) -> "Solution":
    from pyvrp import Activity, ActivityType, Route, Solution

    number = {job: index for index, job in enumerate(jobs)}
    kinds = (ActivityType.PICKUP, ActivityType.DELIVERY)
    routes = []
    for vehicle_type, same in enumerate(fleet):
        for vehicle in same:
            if plan[vehicle]:
                activities = [Activity(kinds[visit & 1], number[visit >> 1]) for visit in plan[vehicle]]
                routes.append(Route(data, activities, vehicle_type))
    return Solution(data, routes)


def _visits(solution: "Solution", fleet: list[list[int]], jobs: list[int], vehicles: int) -> list[list[int]]:
    """Back to visits by vehicle; which of several equal vehicles takes which route is all one."""
    plan: list[list[int]] = [[] for _ in range(vehicles)]
    free = [iter(same) for same in fleet]
    for route in solution.routes():
        visits = [2 * jobs[a.idx] + a.is_delivery() for a in route if a.is_shipment()]
        if visits:
            plan[next(free[route.vehicle_type()])] = visits
    return plan
