"""`/v1/settlements`: what is owed for a period, frozen, paid, and held against the bank's own list."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Depends, Query
from fastapi.responses import Response

from chassis.auth import Caller, only
from chassis.fields import Day, Limit, Page
from chassis.routes import Db, ImportRoute, Read, Write, set_location, slice_router
from services.logistics.office import payee
from services.logistics.programmes.models import Decision
from services.logistics.programmes.schemas import NewDecision
from services.logistics.settlements import corrections, queries, service, statement
from services.logistics.settlements.models import Status
from services.logistics.settlements.schemas import (
    RECONCILED_MAX,
    CorrectionOut,
    NewCorrection,
    NewPayment,
    NewSettlement,
    OwedOut,
    ReconciledOut,
    SettlementOut,
    StatementOut,
    Wanted,
    WholeCorrectionOut,
)

router = slice_router("/v1/settlements", tag="settlements")
bank_router = slice_router("/v1/settlements", tag="settlements", route_class=ImportRoute)
Officer = Annotated[Caller, Depends(only("programme_officer"))]
Overseer = Annotated[Caller, Depends(only("programme_officer", "auditor"))]
Party = Annotated[Caller, Depends(only("programme_officer", "auditor", "carrier", "producer"))]
AS_SHEETS: dict[int | str, dict[str, Any]] = {
    200: {"content": {each: {"schema": {"type": "string", "format": "binary"}} for each in statement.SHEETS}},
}


@router.post("", status_code=201)
async def freeze_settlement(new: NewSettlement, caller: Officer, session: Write, response: Response) -> StatementOut:
    """Freeze the statement of all that was posted in a period and is in no statement yet."""
    frozen = await statement.begun(session, await service.freeze(session, caller, new))
    set_location(response, f"/v1/settlements/{frozen.id}")
    return frozen


@router.get("")
async def list_settlements(
    caller: Party,
    session: Read,
    programme_id: UUID | None = None,
    payee_id: UUID | None = None,
    status: Status | None = None,
    after: UUID | None = None,
    limit: Limit = 50,
) -> Page[SettlementOut]:
    """Settlements, newest first: a carrier's or producer's own, everyone's for the office."""
    rows = await queries.settlements_of(
        session,
        payee_id=payee(caller) or payee_id,
        programme_id=programme_id,
        status=status,
        before=after,
        limit=limit + 1,
    )
    return Page.of([SettlementOut.of(row) for row in rows], limit, lambda last: last.id)


@router.get("/owed")
async def list_owed(
    programme_id: UUID, caller: Overseer, session: Read, after: UUID | None = None, limit: Limit = 50
) -> Page[OwedOut]:
    """Whom a programme owes what is in no statement yet."""
    found, party = await service.owed(session, programme_id, after, limit + 1)
    owed = [OwedOut.of(each, party) for each in found]
    return Page.of(owed, limit, lambda last: last.carrier_id or last.producer_id)


@router.get("/{settlement_id}", response_model=StatementOut, responses=AS_SHEETS)
async def read_settlement(
    settlement_id: UUID,
    caller: Party,
    db: Db,
    form: Annotated[Wanted, Depends()],
    after: UUID | None = None,
    limit: Limit = 50,
) -> Response:
    """The statement: JSON with a page of its lines, or all of them as CSV or XLSX, by `Accept`."""
    return await statement.as_wanted(db, caller, settlement_id, form, after, limit)


@router.post("/{settlement_id}/pay")
async def pay_settlement(settlement_id: UUID, new: NewPayment, caller: Officer, session: Write) -> SettlementOut:
    """Pay what is still owed of a statement, with the reference of the bank's transfer."""
    return SettlementOut.of(await service.pay(session, caller, settlement_id, new))


@router.post("/{settlement_id}/corrections", status_code=201)
async def ask_for_correction(settlement_id: UUID, new: NewCorrection, caller: Officer, session: Write) -> CorrectionOut:
    """Name lines that are wrong, before the statement is paid; the payout waits until another officer has decided."""
    return CorrectionOut.of(await corrections.ask(session, caller, settlement_id, new))


@router.get("/{settlement_id}/corrections")
async def list_corrections(
    settlement_id: UUID,
    caller: Party,
    session: Read,
    status: Decision | None = None,
    after: UUID | None = None,
    limit: Limit = 50,
) -> Page[CorrectionOut]:
    """What was held to be wrong in a statement, newest first."""
    await service.find(session, caller, settlement_id)
    rows = await queries.corrections_of(session, settlement_id, status=status, before=after, limit=limit + 1)
    return Page.of([CorrectionOut.of(row) for row in rows], limit, lambda last: last.id)


@router.get("/{settlement_id}/corrections/{correction_id}")
async def read_correction(settlement_id: UUID, correction_id: UUID, caller: Party, session: Read) -> WholeCorrectionOut:
    """One of them, with the lines that it is about."""
    await service.find(session, caller, settlement_id)
    return WholeCorrectionOut.with_lines(*await corrections.find(session, settlement_id, correction_id))


@router.post("/{settlement_id}/corrections/{correction_id}/decision")
async def decide_on_correction(
    settlement_id: UUID, correction_id: UUID, new: NewDecision, caller: Officer, session: Write
) -> CorrectionOut:
    """Approve what another officer asked for, so that these lines are reversed and not paid; or reject it."""
    return CorrectionOut.of(await corrections.decide(session, caller, settlement_id, correction_id, new))


@bank_router.post("/reconcile")
async def reconcile_settlements(
    caller: Overseer,
    session: Read,
    begins: Annotated[Day, Query(alias="from")],
    ends: Annotated[Day, Query(alias="to")],
    file: Annotated[bytes, Body(media_type="text/csv")],
    programme_id: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=RECONCILED_MAX)] = RECONCILED_MAX,
) -> ReconciledOut:
    """Hold the bank's list of payments against what was paid on these days. Nothing is kept."""
    return ReconciledOut.of(await service.compare(session, file, programme_id, begins, ends), limit)
