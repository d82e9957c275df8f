"""What can be done with route plans: ask for one, work on the next, keep or give up its answer."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from catalogue.divisions import adcode_prefix
from chassis.auth import Caller
from chassis.clock import database_now
from chassis.db import Database, WriteSession
from chassis.problems import FieldError, InvalidInput, NotFound, Text, must_exist
from services.logistics.carriers.queries import vehicles_by_id
from services.logistics.routes import queries
from services.logistics.routes.models import FailureReason, Plan
from services.logistics.routes.problem import Ends, problem_of
from services.logistics.routes.progress import Progress, progress_of
from services.logistics.routes.schemas import SHIPMENTS_MAX, Answer, NewPlan, PlanOut
from services.logistics.routes.solving import FleetSolver
from services.logistics.routes.vroom import VroomProblem
from services.logistics.routes.vroom_answer import VroomSolution, VroomTimes, solution_of
from services.logistics.routes.vroom_problem import fleet_of
from services.logistics.routing.problem import Problem
from services.logistics.shipments.models import CLOCK_SKEW, Shipment
from services.logistics.shipments.queries import erased_parties, held_by, held_pairs, plannable, plannable_in

LOOP = "routes"
"""The loop that an asked plan wakes."""


@dataclass(frozen=True, slots=True)
class Work:
    """A leased plan, ready for the solver. `gone` are shipments that can be put on a route no more, by the vehicle that
    has them aboard, where that is one that is not planned with; `others`: how far such vehicles have come.

    `attempt` names the lease: who comes back after another took the plan up has nothing to give back.
    """

    plan_id: UUID
    attempt: int
    limit_s: float
    problem: Problem
    gone: Mapping[UUID, UUID | None]
    others: Mapping[UUID, Progress]
    ends: Mapping[str, Ends]


async def ask(session: WriteSession, caller: Caller, new: NewPlan) -> Plan:
    """Ask for a plan of the caller's own vehicles; a planner takes it up.

    Raises NotFound naming each id that is not there or someone else's, InvalidInput when the departure has passed or
    there is not one choice of shipments, or too many.
    """
    depart_at = await _departure(session, new.depart_at)
    vehicles = await vehicles_by_id(session, caller.account_id, new.vehicle_ids)
    drivable = {each: vehicle for each, vehicle in vehicles.items() if not vehicle.retired}
    _must_have("vehicle_ids", new.vehicle_ids, drivable)
    await _must_be_planned(session, caller.account_id, new.previous)
    hub = None if new.hub is None else new.hub.to_wgs84()
    plan = Plan(
        id=uuid7(),
        carrier_id=caller.account_id,
        status="planning",
        depart_at=depart_at,
        limit_s=float(new.limit_s),
        shipment_ids=await _chosen(session, caller.account_id, new),
        vehicle_ids=new.vehicle_ids,
        hub_lon=None if hub is None else hub.lon,
        hub_lat=None if hub is None else hub.lat,
        prize_fen_per_kg=new.prize_fen_per_kg,
        on_board_max_s=None if new.on_board_max_h is None else int(new.on_board_max_h * 3600),
        previous_id=new.previous,
    )
    session.add(plan)
    session.wake(LOOP)
    return plan


async def solve(solver: FleetSolver, question: VroomProblem, limit_s: float) -> VroomSolution:
    """The solution of VROOM's question; nothing of it is kept. Raises SolverBusy and PlannerUnavailable."""
    began_s = time.perf_counter()
    fleet = fleet_of(question)
    loaded_s = time.perf_counter()
    plan = await solver.plan(fleet, limit_s)
    times = VroomTimes(
        loading=round(1000 * (loaded_s - began_s)), solving=round(1000 * (time.perf_counter() - loaded_s))
    )
    return solution_of(question, fleet, plan, times)


async def find(session: AsyncSession, caller: Caller, plan_id: UUID) -> Plan:
    """A plan that the caller sees. Raises NotFound."""
    return must_exist(await queries.plan_of(session, plan_id, caller.owner_id))


async def shown(session: AsyncSession, plans: Sequence[Plan]) -> list[PlanOut]:
    """As their carriers read them now: whose a stop is they are told of what they have claimed alone."""
    stops = {
        (plan.carrier_id, stop.shipment_id)
        for plan in plans
        for stop in Answer.model_validate(plan.answer or {}).stops()
    }
    held = await held_pairs(session, stops)
    return [PlanOut.of(plan, {each for carrier, each in held if carrier == plan.carrier_id}) for plan in plans]


async def take_next(db: Database) -> Work | Literal["nothing", "given up"]:
    """Lease the next plan and read what it is about, so that nothing is open while it is solved."""
    async with db.transaction() as session:
        plan = await queries.locked_next(session)
        if plan is None:
            return "nothing"
        now = await database_now(session)
        if not plan.lease(now):
            return "given up"
        vehicles = await vehicles_by_id(session, plan.carrier_id, plan.vehicle_ids)
        shipments = await plannable(session, plan.carrier_id, plan.shipment_ids)
        progress, laden = await _progress(session, plan)
        plan.aboard_ids = list(laden)
        elsewhere = {each: vehicle for vehicle, come in (progress or {}).items() for each in come.aboard}
        gone = {each: elsewhere.get(each) for each in plan.shipment_ids if each not in shipments and each not in laden}
        rows = [*(shipments[each] for each in plan.shipment_ids if each in shipments), *laden.values()]
        return Work(
            plan_id=plan.id,
            attempt=plan.attempts,
            limit_s=plan.limit_s,
            problem=problem_of(
                plan,
                [vehicles[each] for each in plan.vehicle_ids],  # in the order asked for
                rows,
                max(plan.depart_at, now),  # nobody leaves in the past
                progress,
                await erased_parties(session, rows),
            ),
            gone=gone,
            others={each: come for each, come in (progress or {}).items() if each not in plan.vehicle_ids},
            ends={str(shipment.id): Ends.of(plan, shipment) for shipment in rows},
        )


async def _progress(session: AsyncSession, plan: Plan) -> tuple[dict[UUID, Progress] | None, dict[UUID, Shipment]]:
    """How far all vehicles have come with the plan before this one, and what those asked for have aboard."""
    before = None if plan.previous_id is None else await queries.plan_of(session, plan.previous_id, plan.carrier_id)
    if before is None or before.answer is None:
        return None, {}
    answer = Answer.model_validate(before.answer)
    known = {stop.shipment_id for stop in answer.stops()} | {each.shipment_id for each in answer.unassigned}
    known |= {each for other in answer.others for each in other.aboard}
    held = await held_by(session, plan.carrier_id, known)
    progress = progress_of(answer, {each: shipment.status for each, shipment in held.items()})
    aboard = {each for vehicle, come in progress.items() if vehicle in plan.vehicle_ids for each in come.aboard}
    return progress, {each: held[each] for each in sorted(aboard)}


async def keep(db: Database, plan_id: UUID, answer: dict[str, Any]) -> None:
    async with db.transaction() as session:
        (await queries.locked_plan(session, plan_id)).finish(answer)


async def give_back(db: Database, work: Work, failure: FailureReason) -> None:
    async with db.transaction() as session:
        (await queries.locked_plan(session, work.plan_id)).give_back(work.attempt, failure)


async def _must_be_planned(session: AsyncSession, carrier_id: UUID, previous: UUID | None) -> None:
    """Raises NotFound where the plan before this one is not the carrier's, or has no routes yet."""
    if previous is None:
        return
    plan = await queries.plan_of(session, previous, carrier_id)
    if plan is None or plan.answer is None:
        text = Text("没有这个方案，或它还没有路线。", "There is no such plan, or it has no routes yet.")
        raise NotFound(errors=[FieldError("#/previous", text)])
    if plan.hub_lon is not None:  # of what was brought there no report tells
        text = Text("送往集货点的方案不能接着规划。", "A plan to a hub can't be gone on with.")
        raise InvalidInput(errors=[FieldError("#/previous", text)])


async def _departure(session: AsyncSession, asked: datetime | None) -> datetime:
    """What was asked for, by default now. Raises InvalidInput when it has passed, by the database's clock.

    A carrier's clock may be slow and a request takes its time: a "now" of theirs may lie a little behind ours.
    """
    now = await database_now(session)
    if asked is not None and asked < now - CLOCK_SKEW:
        raise InvalidInput(errors=[FieldError("#/depart_at", Text("出发时间已过。", "That departure has passed."))])
    return asked or now


async def _chosen(session: AsyncSession, carrier_id: UUID, new: NewPlan) -> list[UUID]:
    match new.shipment_ids, new.adcode:
        case list(ids), None:
            known = await plannable(session, carrier_id, ids)
            if new.previous is not None:  # what is aboard, or has been brought since
                known |= await held_by(session, carrier_id, ids)
            _must_have("shipment_ids", ids, known)
            return ids
        case None, str(code):
            found = await plannable_in(session, carrier_id, adcode_prefix(code), SHIPMENTS_MAX + 1)
            if len(found) > SHIPMENTS_MAX:
                raise InvalidInput(errors=[FieldError("#/adcode", _too_many())])
            return list(found)
    text = Text("shipment_ids 与 adcode 须且只能给一项。", "Give either shipment_ids or adcode.")
    raise InvalidInput(errors=[FieldError("#/shipment_ids", text)])


def _too_many() -> Text:
    return Text(
        f"此处的运单超过 {SHIPMENTS_MAX} 个；请缩小区域或列出运单。",
        f"More than {SHIPMENTS_MAX} shipments lie there; take a smaller area, or name the shipments.",
    )


def _must_have(field: str, wanted: Sequence[UUID], found: dict[UUID, Any]) -> None:
    """Raises NotFound, naming each one that is missing or not the caller's to plan with."""
    text = Text("没有这一项，或它不由您支配。", "There is no such one, or it is not yours to plan with.")
    missing = [FieldError(f"#/{field}/{place}", text) for place, each in enumerate(wanted) if each not in found]
    if missing:
        raise NotFound(errors=missing)
