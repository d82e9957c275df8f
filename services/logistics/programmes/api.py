"""`/v1/programmes`: who puts up the money, what it pays for, and where every fen went."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response
from fastapi.responses import StreamingResponse

from chassis.auth import Caller, only
from chassis.fields import Day, Instant, Limit, Page
from chassis.routes import Db, Read, Write, set_location, slice_router
from services.logistics.programmes import approvals, queries, service
from services.logistics.programmes.models import Approval, Decision
from services.logistics.programmes.schemas import (
    ApprovalOut,
    BalancesOut,
    BurnDownOut,
    NewChange,
    NewDecision,
    NewProgramme,
    NewRules,
    NewTopUp,
    ProgrammeOut,
    RuleOut,
    SealOut,
    VerifiedOut,
)

router = slice_router("/v1/programmes", tag="programmes")
Officer = Annotated[Caller, Depends(only("programme_officer"))]
Overseer = Annotated[Caller, Depends(only("programme_officer", "auditor"))]
LINES = "application/x-ndjson"
AS_LINES: dict[int | str, dict[str, Any]] = {200: {"content": {LINES: {"schema": {"type": "string"}}}}}
AfterSeq = Annotated[int, Query(ge=0, le=2**53 - 1)]


@router.post("", status_code=201)
async def open_programme(new: NewProgramme, caller: Officer, session: Write, response: Response) -> ProgrammeOut:
    """Open a programme; it is active from starts_at."""
    opened = ProgrammeOut.of(*await service.open_programme(session, caller, new))
    set_location(response, f"/v1/programmes/{opened.id}")
    return opened


@router.get("")
async def list_programmes(
    caller: Overseer, session: Read, after: UUID | None = None, limit: Limit = 50
) -> Page[ProgrammeOut]:
    """Every programme, newest first."""
    rows = await queries.list_opened(session, after, limit + 1)
    return Page.of([ProgrammeOut.of(*row) for row in rows], limit, lambda last: last.id)


@router.get("/approvals")
async def list_all_approvals(
    caller: Overseer, session: Read, status: Decision | None = None, after: UUID | None = None, limit: Limit = 50
) -> Page[ApprovalOut]:
    """What was asked to change of any programme, newest first."""
    rows = await queries.approvals_of(session, None, status=status, before=after, limit=limit + 1)
    return Page.of([ApprovalOut.of(row) for row in rows], limit, lambda last: last.approval_id)


@router.get("/{programme_id}")
async def read_programme(programme_id: UUID, caller: Overseer, session: Read) -> ProgrammeOut:
    """One programme and its money, all of it of one moment."""
    return ProgrammeOut.of(*await service.find(session, programme_id))


@router.post("/{programme_id}/rules", status_code=202)
async def change_rules(
    programme_id: UUID, wanted: NewRules, caller: Officer, session: Write, response: Response
) -> ApprovalOut:
    """Ask for a new version of the rules; it takes effect when another officer approves, or later if you say so."""
    return _asked(response, await approvals.ask(session, caller, programme_id, "rules", wanted))


@router.get("/{programme_id}/rules")
async def list_rules(programme_id: UUID, caller: Overseer, session: Read) -> Page[RuleOut]:
    """Every version of its rules, newest first; all of them at once."""
    programme, _ = await service.find(session, programme_id)
    return Page(items=[RuleOut.of(rule) for rule in reversed(programme.rules)], next=None)


@router.post("/{programme_id}/topup", status_code=202)
async def top_up(
    programme_id: UUID, wanted: NewTopUp, caller: Officer, session: Write, response: Response
) -> ApprovalOut:
    """Ask for more money; it is there when another officer approves."""
    return _asked(response, await approvals.ask(session, caller, programme_id, "topup", wanted))


@router.post("/{programme_id}/pause", status_code=202)
async def pause_programme(
    programme_id: UUID, caller: Officer, session: Write, response: Response, wanted: NewChange | None = None
) -> ApprovalOut:
    """Ask that it pays for nothing new until it is resumed. What was reserved is paid all the same."""
    return _asked(response, await approvals.ask(session, caller, programme_id, "pause", wanted or NewChange()))


@router.post("/{programme_id}/resume", status_code=202)
async def resume_programme(
    programme_id: UUID, caller: Officer, session: Write, response: Response, wanted: NewChange | None = None
) -> ApprovalOut:
    """Ask that it pays again."""
    return _asked(response, await approvals.ask(session, caller, programme_id, "resume", wanted or NewChange()))


@router.post("/{programme_id}/close", status_code=202)
async def close_programme(
    programme_id: UUID, caller: Officer, session: Write, response: Response, wanted: NewChange | None = None
) -> ApprovalOut:
    """Ask that it never pays for anything new again. What was reserved is paid all the same."""
    return _asked(response, await approvals.ask(session, caller, programme_id, "close", wanted or NewChange()))


@router.get("/{programme_id}/approvals")
async def list_approvals(
    programme_id: UUID,
    caller: Overseer,
    session: Read,
    status: Decision | None = None,
    after: UUID | None = None,
    limit: Limit = 50,
) -> Page[ApprovalOut]:
    """What was asked to change, newest first."""
    rows = await service.approvals_of(session, programme_id, status=status, before=after, limit=limit + 1)
    return Page.of([ApprovalOut.of(row) for row in rows], limit, lambda last: last.approval_id)


@router.get("/{programme_id}/approvals/{approval_id}")
async def read_approval(programme_id: UUID, approval_id: UUID, caller: Overseer, session: Read) -> ApprovalOut:
    """One change that was asked for, and what was decided."""
    return ApprovalOut.of(await approvals.find(session, programme_id, approval_id))


@router.post("/{programme_id}/approvals/{approval_id}")
async def decide_on_change(
    programme_id: UUID, approval_id: UUID, wanted: NewDecision, caller: Officer, session: Write
) -> ApprovalOut:
    """Approve or reject what another officer asked for."""
    return ApprovalOut.of(await approvals.decide(session, caller, programme_id, approval_id, wanted))


@router.get("/{programme_id}/transfers")
async def list_transfers(
    programme_id: UUID, caller: Overseer, session: Read, after: AfterSeq = 0, limit: Limit = 50
) -> Page[dict[str, Any]]:
    """The chain, in its order: each transfer with the hash of the one before and its own."""
    rows = await service.transfers(session, programme_id, after, limit + 1)
    return Page.of([row.as_json() for row in rows], limit, lambda last: last["seq"])


@router.get("/{programme_id}/verify")
async def verify_programme(programme_id: UUID, caller: Overseer, db: Db) -> VerifiedOut:
    """Walk the whole chain: is every transfer as it was written, and does it lead to the programme's balances?"""
    verified = await service.verify(db, programme_id)
    return VerifiedOut.model_validate(verified, from_attributes=True)


@router.get("/{programme_id}/ledger", response_class=StreamingResponse, responses=AS_LINES)
async def export_ledger(programme_id: UUID, caller: Overseer, db: Db) -> StreamingResponse:
    """The whole ledger, a JSON object a line, with its sealed days: `duijie ledger verify FILE` walks it."""
    return StreamingResponse(await service.export(db, programme_id), media_type=LINES)


@router.get("/{programme_id}/seals")
async def list_sealed_days(
    programme_id: UUID, caller: Overseer, session: Read, after: Day | None = None, limit: Limit = 50
) -> Page[SealOut]:
    """Where the chain stood when each day (Asia/Shanghai) was over; keep one, and it can't be written anew."""
    rows = await service.sealed_days(session, programme_id, after, limit + 1)
    return Page.of([SealOut.model_validate(row) for row in rows], limit, lambda last: last.day)


@router.get("/{programme_id}/balances")
async def read_balances(programme_id: UUID, caller: Overseer, session: Read, at: Instant) -> BalancesOut:
    """The balances as they were at any moment."""
    return BalancesOut.of(at, await service.standing_at(session, programme_id, at))


@router.get("/{programme_id}/burndown")
async def read_burn_down(programme_id: UUID, caller: Overseer, session: Read) -> BurnDownOut:
    """How the money went down, day by day, and the day on which it ends at the rate of the last seven."""
    return BurnDownOut.of(*await service.burn_down(session, programme_id))


def _asked(response: Response, approval: Approval) -> ApprovalOut:
    """What waits for another officer, and where to see what became of it."""
    set_location(response, f"/v1/programmes/{approval.programme_id}/approvals/{approval.id}")
    return ApprovalOut.of(approval)
