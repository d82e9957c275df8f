"""Shipments and vehicles as the general problem that `fleet` plans, and its plan as theirs.

Time is seconds after `depart_at`, rounded against us: what must be ready later, what is due earlier. Cost is
thousandths of a fen: metres times fen per km. Skills stand for what a vehicle must be: of a temperature class, and for
a county that not every vehicle serves.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from services.logistics.routing.fleet import model
from services.logistics.routing.fleet.alone import hindrances
from services.logistics.routing.fleet.change import Change as FleetChange
from services.logistics.routing.fleet.worth import prize_of
from services.logistics.routing.matrix import TravelMatrix
from services.logistics.routing.problem import (
    Break,
    Change,
    ChangeKind,
    Point,
    Problem,
    Reason,
    RoutePlan,
    Stop,
    StopType,
    Task,
    TemperatureClass,
    Unassigned,
    Vehicle,
    VehicleRoute,
    moved_stops,
)

MILLI: Final = 1000
HOUR_S: Final = 3600
DAY: Final = timedelta(days=1)
"""No shift is longer."""
OWED: Final = 10
"""In priority, above whatever is urgent and not owed."""
ABOARD_TIER: Final = 3
CLASSES: Final[tuple[TemperatureClass, ...]] = ("ambient", "chilled", "frozen")


@dataclass(frozen=True, slots=True)
class AsFleet:
    """A problem and what it is for the router."""

    problem: Problem
    matrix: TravelMatrix
    fleet: model.Problem

    @classmethod
    def of(cls, problem: Problem, matrix: TravelMatrix) -> "AsFleet":
        numbers = _Numbers.of(problem)
        fleet = model.Problem(
            vehicles=tuple(_vehicle(problem, vehicle, numbers) for vehicle in problem.vehicles),
            tasks=tuple(_task(problem, task, numbers, matrix) for task in problem.tasks),
            travel=(model.Travel(matrix.duration_s, matrix.distance_m, matrix.distance_m),),
            dimensions=1,
        )
        return cls(problem, matrix, _with_room_for_what_stays(problem, fleet))

    def told(self) -> list[list[int]] | None:
        """By vehicle the visits that its driver knows of; of shipments that the problem still has."""
        if self.problem.told is None:
            return None
        number = {task.shipment_id: index for index, task in enumerate(self.problem.tasks)}
        visits: list[list[int]] = []
        for vehicle in self.problem.vehicles:
            stops = [each for each in self.problem.told.get(vehicle.id, ()) if each.shipment_id in number]
            whole = Counter(each.shipment_id for each in stops)
            visits.append(
                [
                    2 * number[each.shipment_id] + (self._is_second(number[each.shipment_id], each.type))
                    for each in stops
                    if whole[each.shipment_id] == len(self.fleet.tasks[number[each.shipment_id]].visits)
                ]
            )
        return visits

    def _is_second(self, task: int, kind: StopType) -> bool:
        return kind == "delivery" and self.fleet.tasks[task].is_shipment

    def plan_of(self, plan: model.FleetPlan, changes: Mapping[int, Sequence[FleetChange]] | None = None) -> RoutePlan:
        """With `changes`, by task left out those that would be enough, the least first."""
        left, enough = plan.left_out.items(), changes or {}
        routes = tuple(self._route(route) for route in plan.routes)
        return RoutePlan(
            vehicles=routes,
            unassigned=tuple(
                Unassigned(
                    self.problem.tasks[task].shipment_id,
                    self._reasons(task, why),
                    next(filter(None, (self._change(task, each) for each in enough.get(task, ()))), None),
                )
                for task, why in left
            ),
            distance_source=self.matrix.source,
            moved_stops=None if self.problem.told is None else moved_stops(self.problem.told, routes),
        )

    def _reasons(self, task: int, why: tuple[model.Reason, ...]) -> tuple[Reason, ...]:
        found: set[Reason] = set()
        if self.problem.tasks[task].aboard is not None:
            # the others can't have it, and its own vehicle has room for it
            why = tuple(each for each in why if each not in {"skills", "capacity"}) or ("capacity",)
        for each in why:
            assert each not in {"max_tasks", "max_travel_time", "max_distance"}, "nothing of ours is limited so"
            found |= self._unable(task) if each == "skills" else {each}  # type: ignore[arg-type]
        return tuple(sorted(found))

    def _unable(self, task: int) -> set[Reason]:
        """What the vehicles lack that could have it otherwise: the class, the county, or each of them both."""
        asked = self.problem.tasks[task]
        lacking = {
            (asked.temperature_class in vehicle.temperature_classes, vehicle.serves(asked.origin_adcode))
            for vehicle in self.problem.vehicles
        }
        found: set[Reason] = set()
        if (False, True) in lacking:
            found.add("temperature_class")
        if (True, False) in lacking:
            found.add("no_vehicle_in_range")
        return found or {"temperature_class", "no_vehicle_in_range"}

    def _change(self, task: int, change: FleetChange) -> Change | None:
        """None where it would not be enough, or nothing would be left to carry."""
        asked, vehicle = self.problem.tasks[task], self.problem.vehicles[change.vehicle]
        kind: ChangeKind
        to: datetime | int | str | None
        match change.kind:
            case "later":
                kind, to = self._later(asked, change.by)
            case "less":
                kind, to = "quantity_g", change.by or None
            case "longer_shift":
                end = vehicle.shift_end + timedelta(seconds=change.by)
                kind, to = "shift_end", end if end - vehicle.shift_start <= DAY else None
            case "longer_ride":
                allowed_s = self.fleet.tasks[task].max_ride_s  # at least its own direct way
                assert allowed_s is not None, "only what has a limit can be beyond it"
                kind, to = "on_board_max_s", allowed_s + change.by
            case "worth":
                kind, to = "prize_fen", -(-(prize_of(self.fleet, self.fleet.tasks[task]) + change.by) // MILLI)
            case "able" if asked.temperature_class not in vehicle.temperature_classes:
                kind, to = "temperature_class", asked.temperature_class if vehicle.serves(asked.origin_adcode) else None
            case "able":
                kind, to = "area", asked.origin_adcode
            case "one_more":
                return Change("vehicle", None, vehicle.id)
        return None if to is None else Change(kind, to, vehicle.id)

    def _later(self, asked: Task, late_s: int) -> tuple[ChangeKind, datetime | int | None]:
        """The buyer would have to take it later, or with less life left; not both, and never spoiled."""
        there = asked.latest_arrival + asked.onward + timedelta(seconds=late_s + 1)  # it was rounded against us
        if asked.late_reason == "window":
            return "deliver_by", there if there + asked.min_life <= asked.spoils_at else None
        left_h = (asked.spoils_at - there) // timedelta(hours=1)
        return "min_remaining_life_h", left_h if left_h >= 0 and there <= asked.deliver_by else None

    def _route(self, route: model.Route) -> VehicleRoute:
        carried = {step.visit >> 1 for step in route.steps}
        return VehicleRoute(
            vehicle_id=self.problem.vehicles[route.vehicle].id,
            departs_at=self._instant(route.departs_s),
            returns_at=self._instant(route.ends_s),
            distance_m=route.distance_m,
            load_g=sum(self.problem.tasks[task].quantity_g for task in carried),
            peak_load_g=max(route.load[0], *(step.load[0] for step in route.steps)),
            cost_fen=round(route.cost / MILLI),
            stops=tuple(self._stop(step) for step in route.steps),
            rests=tuple(
                (self._instant(rest.arrival_s + rest.waiting_s), self._instant(rest.departure_s))
                for rest in route.rests
            ),
        )

    def _stop(self, step: model.Step) -> Stop:
        task = self.problem.tasks[step.visit >> 1]
        delivers = bool(step.visit & 1) or task.aboard is not None
        point = task.delivery if delivers else task.pickup
        return Stop(
            shipment_id=task.shipment_id,
            type="delivery" if delivers else "pickup",
            arrival=self._instant(step.arrival_s),
            departure=self._instant(step.departure_s),
            lon=point.lon,
            lat=point.lat,
            load_g=step.load[0],
        )

    def _instant(self, seconds: int) -> datetime:
        return self.problem.depart_at + timedelta(seconds=seconds)


def _with_room_for_what_stays(problem: Problem, fleet: model.Problem) -> model.Problem:
    """What is aboard of a vehicle and can't be brought in time any more takes its room all the same."""
    row = {vehicle.id: number for number, vehicle in enumerate(problem.vehicles)}
    stays_g = Counter[int]()
    for number, task in enumerate(problem.tasks):
        if task.aboard in row and hindrances(fleet, row[task.aboard], number):
            stays_g[row[task.aboard]] += task.quantity_g
    vehicles = tuple(
        replace(by, capacity=(max(0, by.capacity[0] - stays_g[number]),)) if stays_g[number] else by
        for number, by in enumerate(fleet.vehicles)
    )
    return replace(fleet, vehicles=vehicles)


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Rows of points, and what the skills stand for that come after the temperature classes."""

    row: Mapping[Point, int]
    counties: Sequence[str]  # that not every vehicle serves
    laden: Sequence[str]  # vehicles that have something aboard

    @classmethod
    def of(cls, problem: Problem) -> "_Numbers":
        fetched = {task.origin_adcode for task in problem.tasks if task.aboard is None}
        return cls(
            row={point: index for index, point in enumerate(problem.points())},
            counties=sorted(each for each in fetched if not all(by.serves(each) for by in problem.vehicles)),
            laden=sorted({task.aboard for task in problem.tasks if task.aboard is not None}),
        )

    def skills_of(self, vehicle: Vehicle) -> frozenset[int]:
        classes = {CLASSES.index(each) for each in vehicle.temperature_classes}
        served = {number for number, county in enumerate(self.counties, len(CLASSES)) if vehicle.serves(county)}
        itself = {len(CLASSES) + len(self.counties) + self.laden.index(vehicle.id)} if vehicle.id in self.laden else {}
        return frozenset({*classes, *served, *itself})

    def skills_for(self, task: Task) -> frozenset[int]:
        asked = {CLASSES.index(task.temperature_class)}
        if task.aboard is not None:
            asked = {len(CLASSES) + len(self.counties) + self.laden.index(task.aboard)}
        elif task.origin_adcode in self.counties:
            asked.add(len(CLASSES) + self.counties.index(task.origin_adcode))
        return frozenset(asked)


def _vehicle(problem: Problem, vehicle: Vehicle, numbers: _Numbers) -> model.Vehicle:
    return model.Vehicle(
        start=numbers.row[vehicle.depot if vehicle.at is None else vehicle.at],
        end=numbers.row[vehicle.depot],
        profile=0,
        capacity=(vehicle.capacity_g,),
        skills=numbers.skills_of(vehicle),
        window=(max(0, _ceil_s(vehicle.shift_start, problem)), _floor_s(vehicle.shift_end, problem)),
        per_way=max(1, vehicle.cost_fen_per_km),  # of two ways that cost nothing the shorter is still better
        per_s=round(vehicle.cost_fen_per_h * MILLI / HOUR_S),
        breaks=tuple(_break(problem, each) for each in vehicle.breaks if each.latest >= problem.depart_at),
    )


def _break(problem: Problem, each: Break) -> model.Break:
    window = max(0, _ceil_s(each.earliest, problem)), _floor_s(each.latest, problem)
    return model.Break((window,), each.duration_s)


def _task(problem: Problem, task: Task, numbers: _Numbers, matrix: TravelMatrix) -> model.Task:
    ready_s, due_s = max(0, _ceil_s(task.ready_at, problem)), _floor_s(task.latest_arrival, problem)
    pickup, delivery = numbers.row[task.pickup], numbers.row[task.delivery]
    first = model.Visit(pickup, ((ready_s, due_s),), task.stopping_s, task.pickup_s, task.late_reason)
    last = model.Visit(delivery, ((0, due_s),), task.stopping_s, task.delivery_s, task.late_reason)
    on_board_s = task.on_board_max_s
    return model.Task(
        visits=(first, last) if task.aboard is None else (last,),
        delivered=(task.quantity_g,),
        collected=(task.quantity_g if task.aboard is None else 0,),
        skills=numbers.skills_for(task),
        priority=model.PRIORITY_MAX if task.aboard is not None else task.urgent + OWED * task.owed,
        prize=None if task.prize_fen is None or task.aboard is not None else task.prize_fen * MILLI,
        tier=ABOARD_TIER if task.aboard is not None else int(task.owed),
        max_ride_s=None if on_board_s is None else max(on_board_s, int(matrix.duration_s[pickup, delivery])),
    )


def _floor_s(at: datetime, problem: Problem) -> int:
    return (at - problem.depart_at) // timedelta(seconds=1)


def _ceil_s(at: datetime, problem: Problem) -> int:
    return -((problem.depart_at - at) // timedelta(seconds=1))
