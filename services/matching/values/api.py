"""`/v1/matches/{id}/explanation`: the parts of what a match is worth."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from chassis.auth import Caller, only
from chassis.problems import language_of
from chassis.routes import Read, slice_router
from services.matching.values import service
from services.matching.values.schemas import ValueOut

router = slice_router("/v1/matches", tag="matches")
Asker = Annotated[Caller, Depends(only("producer", "agent", "platform", "group_leader", "citizen"))]


@router.get("/{match_id}/explanation")
async def explain_match(match_id: UUID, caller: Asker, session: Read, request: Request) -> ValueOut:
    """What this match is worth to its round, part by part."""
    return ValueOut.of(await service.explain(session, caller, match_id), language_of(request))
