"""`/v1/me/export` and `/v1/me/erase`: one's own data, to take along and to have forgotten."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from fastapi.responses import StreamingResponse

from chassis.auth import AnyCaller
from chassis.gzipped import stream_as_taken
from chassis.problems import language_of
from chassis.routes import Db, slice_router
from gateway.accounts.api import Desk
from gateway.limits import Brake
from gateway.personal import exporting, service
from gateway.personal.schemas import Erased, Proof

router = slice_router("/v1/me", tag="accounts")
AS_FILE: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"schema": {"type": "object"}}}}}


def _forgotten(request: Request) -> Callable[[UUID], None]:
    forgotten: Callable[[UUID], None] = request.app.state.erased.add
    return forgotten


Forgotten = Annotated[Callable[[UUID], None], Depends(_forgotten)]
"""Told of an erased account, so that its tokens are refused from that moment."""


@router.get("/export", response_class=StreamingResponse, responses=AS_FILE)
async def export_me(request: Request, caller: AnyCaller, desk: Desk, db: Db) -> StreamingResponse:
    """Everything that is held of you, as one JSON file."""
    upstreams, authorization = request.app.state.upstreams, request.headers["authorization"]
    async with db.reading() as session:
        own = await service.own_rows(session, desk.vault, caller)
    pages = await exporting.first_pages(caller, upstreams, authorization)
    headers = {
        "Content-Disposition": f'attachment; filename="duijie-{caller.account_id}.json"',
        "Cache-Control": "no-store",
    }
    content = exporting.exported(caller, own, pages, upstreams, authorization, language_of(request))
    return stream_as_taken(request, StreamingResponse(content, media_type="application/json", headers=headers))


@router.post("/erase", status_code=200)
async def erase_me(
    proof: Proof,
    caller: AnyCaller,
    desk: Desk,
    db: Db,
    brake: Brake,
    forgotten: Forgotten,
) -> Erased:
    """Have it forgotten whose the account is. It can't be undone, and the account is good for nothing any more."""
    await brake.take_of(caller.account_id)
    await service.erase(db, desk, caller.account_id, proof, forgotten)
    return Erased(account_id=caller.account_id)
