"""`/v1/routes`: which vehicle fetches what, in which order."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from catalogue.fields import AdcodeBeginning
from chassis.auth import Caller, only
from chassis.fields import Day, Limit, Page
from chassis.routes import ImportRoute, Read, Write, set_location, slice_router
from services.logistics.routes import geojson, queries, service, vroom, vroom_answer
from services.logistics.routes.models import Plan, PlanStatus
from services.logistics.routes.schemas import NewPlan, PlanAccepted, PlanOut
from services.logistics.routes.solving import FleetSolver

router = slice_router("/v1/routes", tag="routes")
solve_router = slice_router("/v1/routes", tag="routes", route_class=ImportRoute)
Carrier = Annotated[Caller, Depends(only("carrier"))]
AS_GEOJSON: dict[int | str, dict[str, Any]] = {
    200: {"content": {geojson.MEDIA_TYPE: {"schema": {"type": "object"}}}},
}


@router.post("", status_code=202, response_model=PlanAccepted)
async def ask_for_routes(new: NewPlan, caller: Carrier, session: Write, response: Response) -> Plan:
    """Have routes planned for your vehicles, in at most `limit_s` seconds; read them under the id."""
    plan = await service.ask(session, caller, new)
    set_location(response, f"/v1/routes/{plan.id}")
    return plan


def fleet_solver(request: Request) -> FleetSolver:
    solver: FleetSolver = request.app.state.fleet_solver
    return solver


@solve_router.post("/solve", response_model_exclude_none=True)
async def solve_vroom(
    question: vroom.VroomProblem,
    caller: Carrier,
    solver: Annotated[FleetSolver, Depends(fleet_solver)],
    limit_s: Annotated[float, Query(gt=0, le=60, allow_inf_nan=False)] = 5.0,
) -> vroom_answer.VroomSolution:
    """Solve VROOM's problem JSON now, in at most `limit_s` seconds, and answer with its solution JSON. Nothing is kept.

    Each entry of `unassigned` has its `reasons`. What VROOM knows and this does not yet is refused by its name.
    """
    return await service.solve(solver, question, limit_s)


@router.get("")
async def list_routes(
    caller: Carrier,
    session: Read,
    vehicle_id: UUID | None = None,
    shipment_id: UUID | None = None,
    status: PlanStatus | None = None,
    adcode: AdcodeBeginning | None = None,
    date: Day | None = None,
    after: UUID | None = None,
    limit: Limit = 50,
) -> Page[PlanOut]:
    """Your plans, newest first: with a vehicle or a shipment, from an area, departing on a day (Asia/Shanghai)."""
    rows = await queries.plans_of(
        session,
        caller.owner_id,
        vehicle_id=vehicle_id,
        shipment_id=shipment_id,
        status=status,
        adcode=adcode,
        day=date,
        before=after,
        limit=limit + 1,
    )
    return Page.of(await service.shown(session, rows), limit, lambda last: last.id)


@router.get("/{plan_id}", response_model=PlanOut, responses=AS_GEOJSON)
async def read_route(
    plan_id: UUID, caller: Carrier, session: Read, response: Response, accept: Annotated[str, Header()] = ""
) -> PlanOut | JSONResponse:
    """One plan; as a GeoJSON FeatureCollection with `Accept: application/geo+json`."""
    response.headers["Vary"] = "Accept"
    (plan,) = await service.shown(session, [await service.find(session, caller, plan_id)])
    return geojson.as_accepted(plan, accept)
