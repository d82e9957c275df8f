"""The search: PyVRP's iterated local search over shipments (its pickups and deliveries are paired since 0.14).

What its own `solve` does, with five differences, each measured:
- it starts from a feasible plan, so that the best one is always feasible (at 1,000 shipments a random start was not);
- neighbours are computed for one kind of vehicle instead of all (1,000 shipments, 120 vehicles: 0.2 s, not 4.9 s);
- penalties begin in proportion to the prizes. With its own, an hour late cost less than a shipment left out, and a
  tight plan never improved on the first one (of 100 shipments 43 served instead of 64);
- late acceptance looks back 30 plans and not 300: minutes of search are not what a route request waits for (at 300
  shipments in 3 s the long history never improved on the start; the short one served 181 instead of 138);
- it stops before an iteration that would overrun, since none can be interrupted.
"""

import warnings
from itertools import groupby
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from services.logistics.routing.instance import Carrier, Instance, Job
from services.logistics.routing.problem import TemperatureClass

if TYPE_CHECKING:
    from pyvrp import PenaltyManager, ProblemData, Solution, VehicleType
    from pyvrp.search import LocalSearch

EXHAUSTIVE_UP_TO: Final = 150
"""Shipments up to which each new best plan is searched through; at 500 one such search took 4 s."""
HISTORY: Final = 30
LARGEST_PENALTY: Final = 1e8
"""A fen-thousandth for each gram or second; times the grams and seconds of any plan it stays inside 64 bits."""


def improve(instance: Instance, plan: list[list[int]], jobs: list[int], deadline: float, seed: int) -> list[list[int]]:
    """A plan at least as good as the feasible one given, for those jobs; both are visits by vehicle."""
    from pyvrp import IteratedLocalSearch, IteratedLocalSearchParams
    from pyvrp.exceptions import PenaltyBoundWarning

    data, fleet = _data(instance, jobs)
    search, penalties = _local_search(data, seed), _penalties(data)
    given = _solution(data, fleet, plan, jobs)
    searched = search(given, penalties.max_cost_evaluator(), exhaustive=True)
    params = IteratedLocalSearchParams(history_length=HISTORY, exhaustive_on_best=len(jobs) <= EXHAUSTIVE_UP_TO)
    start = searched if searched.is_feasible() else given
    algorithm = IteratedLocalSearch(data, penalties, search, start, params)
    with warnings.catch_warnings():
        # More shipments than the fleet can carry is an everyday problem here, and no sign of a wrong one.
        warnings.simplefilter("ignore", PenaltyBoundWarning)
        best = algorithm.run(_Stop(deadline, len(jobs)), collect_stats=False).best
    return _visits(best, fleet, jobs, len(plan)) if best.is_feasible() else plan


def _local_search(data: "ProblemData", seed: int) -> "LocalSearch":
    from pyvrp import RandomNumberGenerator
    from pyvrp.search import OPERATORS, LocalSearch, compute_neighbours

    neighbours = compute_neighbours(data.replace(vehicle_types=data.vehicle_types()[:1]))
    search = LocalSearch(data, RandomNumberGenerator(seed), neighbours)
    for operator in OPERATORS:
        if operator.supports(data):
            search.add_operator(operator(data))
    return search


def _penalties(data: "ProblemData") -> "PenaltyManager":
    """A quarter of an hour late, or a quarter of a shipment too much, costs at first what a shipment is worth."""
    from pyvrp import PenaltyManager, PenaltyParams

    prize = max(shipment.prize for shipment in data.shipments())
    quantity_g = sum(shipment.amount[0] for shipment in data.shipments()) / data.num_shipments
    per_gram, per_second = 4 * prize / max(1, quantity_g), 4 * prize / 3600
    loads = [per_gram] * data.num_load_dimensions
    return PenaltyManager((loads, per_second, 1.0), PenaltyParams(max_penalty=LARGEST_PENALTY))


class _Stop:
    """Stops when another iteration as long as the longest would pass the deadline, or when nothing helps any more."""

    def __init__(self, deadline: float, jobs: int) -> None:
        self._deadline = deadline
        self._patience = 2000 + 100 * jobs
        self._best: float | None = None
        self._idle = 0
        self._last: float | None = None
        self._longest_s = 0.0

    def __call__(self, best_cost: float) -> bool:
        now = perf_counter()
        if self._last is not None:
            self._longest_s = max(self._longest_s, now - self._last)
        self._last = now
        if self._best is None or best_cost < self._best:
            self._best, self._idle = best_cost, 0
        self._idle += 1
        return now + self._longest_s > self._deadline or self._idle > self._patience


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
