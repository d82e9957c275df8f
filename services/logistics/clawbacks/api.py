"""`/v1/clawbacks`: recovering money from someone not entitled to it (追回), with notice, objection and decision."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from chassis.auth import Caller, only
from chassis.fields import Limit, Page
from chassis.routes import Read, Write, set_location, slice_router
from services.logistics.clawbacks import queries, service
from services.logistics.clawbacks.models import Status
from services.logistics.clawbacks.schemas import (
    ClawbackOut,
    NewClawback,
    NewClawbackDecision,
    NewObjection,
    NewRepayment,
    WholeClawbackOut,
)
from services.logistics.office import payee

router = slice_router("/v1/clawbacks", tag="clawbacks")
Officer = Annotated[Caller, Depends(only("programme_officer"))]
Payee = Annotated[Caller, Depends(only("carrier", "producer"))]
Party = Annotated[Caller, Depends(only("programme_officer", "auditor", "carrier", "producer"))]


@router.post("", status_code=201)
async def open_clawback(new: NewClawback, caller: Officer, session: Write, response: Response) -> ClawbackOut:
    """Give notice to whoever was paid for these parcels or matches."""
    opened = ClawbackOut.of(await service.notice(session, caller, new))
    set_location(response, f"/v1/clawbacks/{opened.id}")
    return opened


@router.get("")
async def list_clawbacks(
    caller: Party,
    session: Read,
    programme_id: UUID | None = None,
    payee_id: UUID | None = None,
    status: Status | None = None,
    after: UUID | None = None,
    limit: Limit = 50,
) -> Page[ClawbackOut]:
    """Clawbacks, newest first: against yourself; against everyone for the office."""
    rows = await queries.clawbacks_of(
        session,
        payee_id=payee(caller) or payee_id,
        programme_id=programme_id,
        status=status,
        before=after,
        limit=limit + 1,
    )
    return Page.of([ClawbackOut.of(row) for row in rows], limit, lambda last: last.id)


@router.get("/{clawback_id}")
async def read_clawback(clawback_id: UUID, caller: Party, session: Read) -> WholeClawbackOut:
    """A clawback, with the subsidies that it is about."""
    clawback = await service.find(session, caller, clawback_id)
    return WholeClawbackOut.with_lines(clawback, await queries.lines_of(session, clawback.id))


@router.post("/{clawback_id}/objection")
async def object_to_clawback(clawback_id: UUID, new: NewObjection, caller: Payee, session: Write) -> ClawbackOut:
    """Say why it is wrong, within the objection period."""
    return ClawbackOut.of(await service.object_to(session, caller, clawback_id, new))


@router.post("/{clawback_id}/decision")
async def decide_on_clawback(
    clawback_id: UUID, new: NewClawbackDecision, caller: Officer, session: Write
) -> ClawbackOut:
    """Uphold or dismiss what another officer opened, once there was an objection or its period is over; or take back
    (dismiss) what you opened yourself."""
    return ClawbackOut.of(await service.decide(session, caller, clawback_id, new))


@router.post("/{clawback_id}/repayments")
async def record_repayment(clawback_id: UUID, new: NewRepayment, caller: Officer, session: Write) -> ClawbackOut:
    """Record what the payee paid back by itself; what is left is netted from its next settlements."""
    return ClawbackOut.of(await service.repay(session, caller, clawback_id, new))
