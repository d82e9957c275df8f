"""`/programmes`: where every fen is, what waits for a second officer, and the statements; an auditor only reads."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from gateway.pages.forms import NOTHING_TRIED, Form, Tried, Typed
from gateway.pages.naming import names_of
from gateway.pages.paging import Cursor
from gateway.pages.programmes import bank, conditions, recovering, service, settling, views
from gateway.pages.programmes.conditions import NO_CONDITIONS, Conditions
from gateway.pages.programmes.lines import LinesForm
from gateway.pages.reader import PhotoPageRoute, Reader, page_router, reader_who_is
from gateway.pages.render import page
from gateway.pages.statements import FileKind, statement_file

router = page_router()
bank_router = page_router(PhotoPageRoute)
"""Of the form that brings a file."""

Overseer = Annotated[Reader, Depends(reader_who_is("programme_officer", "auditor"))]
Officer = Annotated[Reader, Depends(reader_who_is("programme_officer"))]
Before = Annotated[int | None, Query(ge=2, le=2**53 - 1)]
Behind = Annotated[settling.AfterLines, Depends(settling.after_lines)]
ClawbacksBehind = Annotated[recovering.Behind, Depends()]
Change = Literal["rules", "topup", "pause", "resume", "close"]
HOME = "/programmes"


@router.get(HOME)
async def programmes(request: Request, reader: Overseer, after: Cursor = None, waiting: Cursor = None) -> HTMLResponse:
    shown = await views.read_list(reader, after, waiting)
    names = await names_of(request, (each.said["asked_by"] for each in shown.waiting))
    return page(request, "programmes/list.html", shown=shown, names=names)


@bank_router.get(f"{HOME}/bank")
async def bank_list(request: Request, reader: Overseer) -> HTMLResponse:
    return page(request, "programmes/bank.html", shown=bank.begin(), lists=bank.LISTS)


@bank_router.post(f"{HOME}/bank")
async def compare(request: Request, reader: Overseer, sheet: bank.Came) -> HTMLResponse:
    shown = await bank.compare(reader, sheet)
    return page(request, "programmes/bank.html", shown.tried.status, shown=shown, lists=bank.LISTS)


@router.get(f"{HOME}/new")
async def new_programme(request: Request, reader: Officer) -> HTMLResponse:
    return _new(request, reader, NOTHING_TRIED)


@router.post(f"{HOME}/new")
async def open_programme(request: Request, reader: Officer, typed: Form) -> Response:
    told = await service.open_programme(reader, typed)
    if told.ok:
        return RedirectResponse(f"{HOME}/{told.said['id']}", 303)
    return _new(request, reader, Tried("new", typed, told))


@router.get(f"{HOME}/settlements/{{settlement_id}}")
async def settlement(request: Request, settlement_id: UUID, reader: Overseer, behind: Behind) -> HTMLResponse:
    return await _settlement(request, settlement_id, reader, NOTHING_TRIED, behind)


@router.get(f"{HOME}/settlements/{{settlement_id}}/statement.{{kind}}")
async def statement(settlement_id: UUID, kind: FileKind, request: Request, reader: Overseer) -> Response:
    return await statement_file(request, reader, settlement_id, kind)


@router.post(f"{HOME}/settlements/{{settlement_id}}/pay")
async def pay(request: Request, settlement_id: UUID, reader: Officer, typed: Form, behind: Behind) -> Response:
    told = await settling.pay(reader.api, settlement_id, typed)
    return await _after_settlement(request, settlement_id, reader, Tried("pay", typed, told), behind)


@router.post(f"{HOME}/settlements/{{settlement_id}}/flags/{{flag_id}}")
async def review(
    request: Request, settlement_id: UUID, flag_id: UUID, reader: Officer, typed: Form, behind: Behind
) -> Response:
    told = await settling.review(reader.api, flag_id, typed)
    return await _after_settlement(request, settlement_id, reader, Tried(str(flag_id), typed, told), behind)


@router.post(f"{HOME}/settlements/{{settlement_id}}/corrections")
async def correct(request: Request, settlement_id: UUID, reader: Officer, typed: LinesForm, behind: Behind) -> Response:
    told = await settling.correct(reader, settlement_id, typed)
    return await _after_settlement(request, settlement_id, reader, Tried("correct", typed, told), behind)


@router.post(f"{HOME}/settlements/{{settlement_id}}/corrections/{{correction_id}}")
async def decide_on_correction(
    request: Request, settlement_id: UUID, correction_id: UUID, reader: Officer, typed: Form, behind: Behind
) -> Response:
    told = await settling.decide_on_correction(reader.api, settlement_id, correction_id, typed)
    return await _after_settlement(request, settlement_id, reader, Tried("decide", typed, told), behind)


@router.get(f"{HOME}/{{programme_id}}")
async def programme(
    request: Request,
    programme_id: UUID,
    reader: Overseer,
    settlements: Cursor = None,
    changes: Cursor = None,
    owed: Cursor = None,
    flags: Cursor = None,
) -> HTMLResponse:
    after = views.After(settlements, changes, owed, flags)
    return await _programme(request, programme_id, reader, NOTHING_TRIED, after)


@router.get(f"{HOME}/{{programme_id}}/clawbacks")
async def clawbacks(request: Request, programme_id: UUID, reader: Overseer, behind: ClawbacksBehind) -> HTMLResponse:
    return await _clawbacks(request, programme_id, reader, NOTHING_TRIED, behind)


@router.post(f"{HOME}/{{programme_id}}/clawbacks")
async def give_notice(
    request: Request, programme_id: UUID, reader: Officer, typed: LinesForm, behind: ClawbacksBehind
) -> Response:
    told = await recovering.notice(reader, programme_id, typed)
    return await _after_clawback(request, programme_id, reader, Tried("open", typed, told), behind)


@router.post(f"{HOME}/{{programme_id}}/clawbacks/{{clawback_id}}/decision")
async def decide_on_clawback(
    request: Request, programme_id: UUID, clawback_id: UUID, reader: Officer, typed: Form, behind: ClawbacksBehind
) -> Response:
    told = await recovering.decide(reader.api, clawback_id, typed)
    return await _after_clawback(request, programme_id, reader, Tried(str(clawback_id), typed, told), behind)


@router.post(f"{HOME}/{{programme_id}}/clawbacks/{{clawback_id}}/repayments")
async def record_repayment(
    request: Request, programme_id: UUID, clawback_id: UUID, reader: Officer, typed: Form, behind: ClawbacksBehind
) -> Response:
    told = await recovering.repay(reader.api, clawback_id, typed)
    return await _after_clawback(request, programme_id, reader, Tried(f"repaid-{clawback_id}", typed, told), behind)


@router.get(f"{HOME}/{{programme_id}}/ledger")
async def ledger(request: Request, programme_id: UUID, reader: Overseer, before: Before = None) -> HTMLResponse:
    shown = await views.read_ledger(reader, programme_id, before)
    return page(request, "programmes/ledger.html", shown=shown)


@router.get(f"{HOME}/{{programme_id}}/verified")
async def verified(request: Request, programme_id: UUID, reader: Overseer) -> HTMLResponse:
    shown = await views.read_ledger(reader, programme_id, None, verify=True)
    return page(request, "programmes/ledger.html", shown=shown)


@router.post(f"{HOME}/{{programme_id}}/settlements")
async def freeze(request: Request, programme_id: UUID, reader: Officer, typed: Form) -> Response:
    told = await service.freeze(reader.api, programme_id, typed)
    if told.ok:
        return RedirectResponse(f"{HOME}/settlements/{told.said['id']}", 303)
    return await _programme(request, programme_id, reader, Tried("freeze", typed, told))


@router.post(f"{HOME}/{{programme_id}}/approvals/{{approval_id}}")
async def decide(request: Request, programme_id: UUID, approval_id: UUID, reader: Officer, typed: Form) -> Response:
    told = await service.decide(reader.api, programme_id, approval_id, typed)
    return await _after_change(request, programme_id, reader, Tried("decide", typed, told))


@router.post(f"{HOME}/{{programme_id}}/{{change}}")
async def ask(request: Request, programme_id: UUID, change: Change, reader: Officer, typed: Form) -> Response:
    told = await service.ask(reader, programme_id, change, typed)
    return await _after_change(request, programme_id, reader, Tried(change, typed, told))


def _new(request: Request, reader: Reader, tried: Tried) -> HTMLResponse:
    named, kinds = _named(reader, tried), conditions.all_kinds(reader.language)
    return page(request, "programmes/new.html", tried.status, tried=tried, named=named, all_kinds=kinds)


def _named(reader: Reader, tried: Tried) -> Conditions:
    """How the names that were typed were read."""
    return conditions.read(tried.typed, reader.language) if isinstance(tried.typed, Typed) else NO_CONDITIONS


async def _programme(
    request: Request, programme_id: UUID, reader: Reader, tried: Tried, after: views.After = views.FIRST
) -> HTMLResponse:
    shown = await views.read_programme(reader, programme_id, after)
    names = await names_of(request, shown.parties)
    here = f"{HOME}/{programme_id}"
    return page(
        request,
        "programmes/programme.html",
        tried.status,
        here=here,
        shown=shown,
        tried=tried,
        names=names,
        named=_named(reader, tried),
        all_kinds=conditions.all_kinds(reader.language),
    )


async def _settlement(
    request: Request,
    settlement_id: UUID,
    reader: Reader,
    tried: Tried,
    after: settling.AfterLines,
) -> HTMLResponse:
    shown = await settling.read_settlement(reader, settlement_id, after)
    names = await names_of(request, shown.parties)
    here = f"{HOME}/settlements/{settlement_id}"
    return page(request, "programmes/settlement.html", tried.status, here=here, shown=shown, tried=tried, names=names)


async def _clawbacks(
    request: Request, programme_id: UUID, reader: Reader, tried: Tried, behind: recovering.Behind
) -> HTMLResponse:
    shown = await recovering.read_clawbacks(reader, programme_id, behind)
    return page(
        request,
        "programmes/clawbacks.html",
        tried.status,
        here=f"{HOME}/{programme_id}/clawbacks",
        shown=shown,
        tried=tried,
        names=await names_of(request, shown.parties),
        causes=recovering.CAUSES,
        objection_days=recovering.OBJECTION_DAYS,
    )


async def _after_clawback(
    request: Request, programme_id: UUID, reader: Reader, tried: Tried, behind: recovering.Behind
) -> Response:
    if tried.status < 400:
        return RedirectResponse(f"{HOME}/{programme_id}/clawbacks", 303)
    return await _clawbacks(request, programme_id, reader, tried, behind)


async def _after_change(request: Request, programme_id: UUID, reader: Reader, tried: Tried) -> Response:
    if tried.status < 400:
        return RedirectResponse(f"{HOME}/{programme_id}#changes", 303)
    return await _programme(request, programme_id, reader, tried)


async def _after_settlement(
    request: Request, settlement_id: UUID, reader: Reader, tried: Tried, behind: settling.AfterLines
) -> Response:
    if tried.status < 400:
        return RedirectResponse(f"{HOME}/settlements/{settlement_id}", 303)
    return await _settlement(request, settlement_id, reader, tried, behind)
