"""`/v1/listings/{id}/explanation`: why a listing is not sold, and what would sell it."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from chassis.auth import Caller, only
from chassis.problems import language_of
from chassis.routes import Db, slice_router
from services.matching.explanations import service
from services.matching.explanations.schemas import ExplanationOut
from services.matching.rounds.api import Solvers

router = slice_router("/v1/listings", tag="listings")
Asker = Annotated[Caller, Depends(only("producer", "agent"))]


def explainer_of(request: Request) -> service.Explainer:
    found: service.Explainer = request.app.state.explainer
    return found


@router.get("/{listing_id}/explanation")
async def explain_listing(
    listing_id: UUID,
    caller: Asker,
    db: Db,
    pool: Solvers,
    request: Request,
    explainer: Annotated[service.Explainer, Depends(explainer_of)],
) -> ExplanationOut:
    """Why this listing is not sold, as its market stands now, and the least change that would sell more of it."""
    async with db.reading() as session:
        standing = await service.standing(session, caller, listing_id)
    return ExplanationOut.of(await explainer.explain(db, pool, listing_id, standing), language_of(request))
