"""`/v1/me/export` and `/v1/me/erase`: one's own data, to take along and to have forgotten."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from chassis.auth import AnyCaller, Caller
from chassis.db import Database
from chassis.gzipped import stream_as_taken
from chassis.problems import language_of
from chassis.routes import Db, slice_router
from gateway.accounts.api import Desk
from gateway.accounts.service import SignIn
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


class Export(StreamingResponse):
    """One that ends: who does not read it to its end in time is cut off."""

    media_type = "application/json"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with asyncio.timeout(exporting.ANSWERED_WITHIN_S):
            await super().__call__(scope, receive, send)


@router.get("/export", response_class=Export, responses=AS_FILE)
async def export_me(request: Request, caller: AnyCaller, desk: Desk, db: Db) -> StreamingResponse:
    """Everything that is held of you, as one JSON file."""
    content = _export(request, caller, desk, db)
    await anext(content)
    headers = {
        "Content-Disposition": f'attachment; filename="duijie-{caller.account_id}.json"',
        "Cache-Control": "no-store",
    }
    return stream_as_taken(request, Export(content, headers=headers))


async def _export(request: Request, caller: Caller, desk: SignIn, db: Database) -> AsyncIterator[bytes]:
    """The file, behind an empty piece: what may be refused is refused before it. It holds its place to its end."""
    upstreams, authorization = request.app.state.upstreams, request.headers["authorization"]
    with request.app.state.exports.one(caller.account_id):
        async with db.reading() as session:
            own = await service.own_rows(session, desk.vault, caller)
        await exporting.must_answer(caller, upstreams, authorization)
        yield b""
        async for piece in exporting.exported(caller, own, upstreams, authorization, language_of(request)):
            yield piece


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
