"""The router's plan as VROOM's solution JSON, each `unassigned` with its `reasons`."""

from typing import Literal

from pydantic import Field

from chassis.fields import ResponseModel
from services.logistics.routes.vroom import Place, VroomProblem, VroomStop, VroomVehicle
from services.logistics.routing.fleet.model import FleetPlan, Problem, Reason, Route, Step
from services.logistics.routing.problem import DistanceSource

StepType = Literal["start", "job", "pickup", "delivery", "break", "end"]
VISITS: tuple[StepType, StepType] = ("pickup", "delivery")


class VroomRouteStep(ResponseModel):
    """`arrival` is when it is there; it waits, sets up and serves from then on. `duration` is travel alone, so far."""

    type: StepType
    arrival: int
    duration: int
    setup: int = 0
    service: int = 0
    waiting_time: int = 0
    load: list[int]
    id: int | None = None
    location: Place | None = None
    location_index: int | None = None
    description: str | None = None
    violations: list[str] = Field(default_factory=list)


class _VroomSums(ResponseModel):
    cost: int
    duration: int
    distance: int
    setup: int
    service: int
    waiting_time: int
    priority: int
    delivery: list[int]
    pickup: list[int]
    violations: list[str] = Field(default_factory=list)


class VroomRoute(_VroomSums):
    vehicle: int
    description: str | None
    steps: list[VroomRouteStep]


class VroomUnassigned(ResponseModel):
    id: int
    type: StepType
    location: Place | None
    location_index: int | None
    description: str | None
    reasons: list[Reason]


class VroomTimes(ResponseModel):
    """Milliseconds: reading the question, and solving it."""

    loading: int
    solving: int


class VroomSummary(_VroomSums):
    routes: int
    unassigned: int
    computing_times: VroomTimes


class VroomSolution(ResponseModel):
    """`code` is 0; what VROOM calls an error is a problem here."""

    code: Literal[0] = 0
    summary: VroomSummary
    routes: list[VroomRoute]
    unassigned: list[VroomUnassigned]
    distance_source: DistanceSource | None
    """None where matrices were given."""


def solution_of(question: VroomProblem, problem: Problem, plan: FleetPlan, times: VroomTimes) -> VroomSolution:
    """The plan of this problem, which is that of this question."""
    routes = [_route(question, problem, route) for route in plan.routes]
    left = [each for task, reasons in plan.left_out.items() for each in _unassigned(question, problem, task, reasons)]
    none = [0] * problem.dimensions
    return VroomSolution(
        summary=VroomSummary(
            cost=sum(each.cost for each in routes),
            routes=len(routes),
            unassigned=len(left),
            duration=sum(each.duration for each in routes),
            distance=sum(each.distance for each in routes),
            setup=sum(each.setup for each in routes),
            service=sum(each.service for each in routes),
            waiting_time=sum(each.waiting_time for each in routes),
            priority=sum(each.priority for each in routes),
            delivery=[sum(each) for each in zip(none, *(route.delivery for route in routes), strict=True)],
            pickup=[sum(each) for each in zip(none, *(route.pickup for route in routes), strict=True)],
            computing_times=times,
        ),
        routes=routes,
        unassigned=left,
        distance_source="great_circle" if question.matrices is None else None,
    )


def _route(question: VroomProblem, problem: Problem, route: Route) -> VroomRoute:
    vehicle, by = question.vehicles[route.vehicle], problem.vehicles[route.vehicle]
    steps: list[VroomRouteStep] = []
    duration_s = problem.travel[by.profile].duration_s
    here, driven_s = by.start, 0
    if by.start is not None:
        steps.append(_end("start", route.departs_s, 0, route.load, vehicle.start, vehicle.start_index))
    for leg, step in enumerate(route.steps):
        load = route.steps[leg - 1].load if leg else route.load
        steps += _rests(vehicle, route, leg, driven_s, load)
        there = problem.visit(step.visit).location
        driven_s += 0 if here is None else int(duration_s[here, there])
        here = there
        steps.append(_step(question, problem, step, driven_s))
    load = route.steps[-1].load
    steps += _rests(vehicle, route, len(route.steps), driven_s, load)
    if by.end is not None:
        steps.append(_end("end", route.ends_s, route.travel_s, load, vehicle.end, vehicle.end_index))
    tasks = [problem.tasks[step.visit >> 1] for step in route.steps if not step.visit & 1]
    none = [0] * problem.dimensions
    return VroomRoute(
        vehicle=vehicle.id,
        cost=route.cost,
        duration=route.travel_s,
        distance=route.distance_m,
        setup=sum(step.setup_s for step in route.steps),
        service=sum(step.service_s for step in route.steps) + sum(rest.service_s for rest in route.rests),
        waiting_time=sum(step.waiting_s for step in route.steps) + sum(rest.waiting_s for rest in route.rests),
        priority=sum(task.priority for task in tasks),
        delivery=[sum(each) for each in zip(none, *(task.delivered for task in tasks), strict=True)],
        pickup=[sum(each) for each in zip(none, *(task.collected for task in tasks), strict=True)],
        description=vehicle.description,
        steps=steps,
    )


def _rests(vehicle: VroomVehicle, route: Route, leg: int, driven_s: int, load: tuple[int, ...]) -> list[VroomRouteStep]:
    """The breaks on the way to this step, or to the end."""
    return [
        VroomRouteStep(
            type="break",
            id=wanted.id,
            description=wanted.description,
            arrival=rest.arrival_s,
            waiting_time=rest.waiting_s,
            service=rest.service_s,
            duration=driven_s + rest.driven_s,
            load=list(load),
        )
        for wanted, rest in zip(vehicle.breaks, route.rests, strict=True)
        if rest.leg == leg
    ]


def _end(
    kind: StepType, arrival_s: int, driven_s: int, load: tuple[int, ...], place: Place | None, row: int | None
) -> VroomRouteStep:
    return VroomRouteStep(
        type=kind, arrival=arrival_s, duration=driven_s, load=list(load), location=place, location_index=row
    )


def _step(question: VroomProblem, problem: Problem, step: Step, driven_s: int) -> VroomRouteStep:
    kind, id_, stop = _named(question, problem, step.visit)
    return VroomRouteStep(
        type=kind,
        arrival=step.arrival_s,
        duration=driven_s,
        setup=step.setup_s,
        service=step.service_s,
        waiting_time=step.waiting_s,
        load=list(step.load),
        id=id_,
        location=stop.location,
        location_index=stop.location_index,
        description=stop.description,
    )


def _unassigned(
    question: VroomProblem, problem: Problem, task: int, reasons: tuple[Reason, ...]
) -> list[VroomUnassigned]:
    visits = range(2 * task, 2 * task + len(problem.tasks[task].visits))
    return [
        VroomUnassigned(
            id=id_,
            type=kind,
            location=stop.location,
            location_index=stop.location_index,
            description=stop.description,
            reasons=list(reasons),
        )
        for kind, id_, stop in (_named(question, problem, visit) for visit in visits)
    ]


def _named(question: VroomProblem, problem: Problem, visit: int) -> tuple[StepType, int, VroomStop]:
    """What a visit is of in the question: tasks are its jobs, then its shipments."""
    task = visit >> 1
    if not problem.tasks[task].is_shipment:
        job = question.jobs[task]
        return "job", job.id, job
    shipment = question.shipments[task - len(question.jobs)]
    end = shipment.delivery if visit & 1 else shipment.pickup
    return VISITS[visit & 1], end.id, end
