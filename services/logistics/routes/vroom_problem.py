"""From VROOM's question to the router's problem."""

from collections.abc import Sequence

from services.logistics.routes.vroom import VroomJob, VroomProblem, VroomShipmentStep, VroomStop, VroomVehicle
from services.logistics.routing.fleet import model
from services.logistics.routing.problem import Point

Way = tuple[str, float, int, int]
"""What decides how a vehicle travels: profile, speed factor, cost per hour and per km."""


def fleet_of(question: VroomProblem) -> model.Problem:
    """Jobs first, then shipments, each in the order in which they came."""
    places = _Places.of(question)
    ways = list(dict.fromkeys(_way(vehicle) for vehicle in question.vehicles))
    none = (0,) * question.dimensions
    jobs = [
        model.Task(
            visits=(_visit(job, places),),
            delivered=_amount(job.delivery, none),
            collected=_amount(job.pickup, none),
            skills=frozenset(job.skills),
            priority=job.priority,
        )
        for job in question.jobs
    ]
    shipments = [
        model.Task(
            visits=(_visit(shipment.pickup, places), _visit(shipment.delivery, places)),
            delivered=_amount(shipment.amount, none),
            collected=_amount(shipment.amount, none),
            skills=frozenset(shipment.skills),
            priority=shipment.priority,
        )
        for shipment in question.shipments
    ]
    return model.Problem(
        vehicles=tuple(_vehicle(vehicle, places, ways, none) for vehicle in question.vehicles),
        tasks=(*jobs, *shipments),
        travel=tuple(_travel(question, places, way) for way in ways),
        dimensions=question.dimensions,
    )


class _Places:
    """Rows of the travel matrices: those of the matrices given, else one for each distinct point."""

    def __init__(self, points: Sequence[Point] | None) -> None:
        self.points = points
        self._row = {point: row for row, point in enumerate(points or ())}

    @classmethod
    def of(cls, question: VroomProblem) -> "_Places":
        if question.matrices is not None:
            return cls(None)
        ends = [end for vehicle in question.vehicles for end in (vehicle.start, vehicle.end)]
        named = [*ends, *(each.location for each in question.located())]
        return cls(list(dict.fromkeys(Point(*each) for each in named if each is not None)))

    def row(self, index: int | None, place: tuple[float, float] | None) -> int | None:
        if self.points is None:
            return index
        return None if place is None else self._row[Point(*place)]


def _way(vehicle: VroomVehicle) -> Way:
    return vehicle.profile, vehicle.speed_factor, vehicle.costs.per_hour, vehicle.costs.per_km


def _travel(question: VroomProblem, places: _Places, way: Way) -> model.Travel:
    import numpy as np  # only who asks for routes here needs it

    from services.logistics.routing.matrix import great_circle

    profile, speed_factor, per_hour, per_km = way
    costs = None
    if question.matrices is None:
        assert places.points is not None
        found = great_circle(places.points)
        duration_s, distance_m = found.duration_s, found.distance_m
    else:
        given = question.matrices[profile]
        duration_s = np.array(given.durations, dtype=np.int64)
        distance_m = np.zeros_like(duration_s) if given.distances is None else np.array(given.distances, np.int64)
        costs = None if given.costs is None else np.array(given.costs, np.int64)
    duration_s = np.rint(duration_s / speed_factor).astype(np.int64)
    if costs is None:
        costs = np.rint(per_hour * duration_s / 3600 + per_km * distance_m / 1000).astype(np.int64)
    return model.Travel(duration_s, distance_m, costs)


def _vehicle(vehicle: VroomVehicle, places: _Places, ways: list[Way], none: model.Amount) -> model.Vehicle:
    return model.Vehicle(
        start=places.row(vehicle.start_index, vehicle.start),
        end=places.row(vehicle.end_index, vehicle.end),
        profile=ways.index(_way(vehicle)),
        capacity=_amount(vehicle.capacity, none),
        skills=frozenset(vehicle.skills),
        window=vehicle.time_window or model.ALWAYS,
        fixed_cost=vehicle.costs.fixed,
        max_tasks=vehicle.max_tasks,
        max_travel_s=vehicle.max_travel_time,
        max_distance_m=vehicle.max_distance,
        breaks=tuple(
            model.Break(
                windows=tuple(each.time_windows) if each.time_windows else (model.ALWAYS,),
                service_s=each.service,
                max_load=None if each.max_load is None else tuple(each.max_load),
            )
            for each in vehicle.breaks
        ),
    )


def _visit(stop: VroomStop, places: _Places) -> model.Visit:
    assert isinstance(stop, VroomJob | VroomShipmentStep)
    row = places.row(stop.location_index, stop.location)
    assert row is not None, "every stop has a place"
    windows = tuple(stop.time_windows) if stop.time_windows else (model.ALWAYS,)
    return model.Visit(row, windows, stop.setup, stop.service)


def _amount(given: list[int] | None, none: model.Amount) -> model.Amount:
    return none if given is None else tuple(given)
