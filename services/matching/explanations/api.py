"""`/v1/listings/{id}/explanation`, `/v1/orders/{id}/explanation`: why it is not sold or met, and what would help."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from chassis.auth import Caller, only
from chassis.problems import language_of
from chassis.routes import Db, slice_router
from services.matching.explanations import service
from services.matching.explanations.schemas import ExplanationOut
from services.matching.optimiser.sides import Who
from services.matching.rounds.api import Solvers

router = slice_router("/v1/listings", tag="listings")
orders_router = slice_router("/v1/orders", tag="orders")
Producer = Annotated[Caller, Depends(only("producer", "agent"))]
Buyer = Annotated[Caller, Depends(only("platform", "group_leader", "citizen"))]


def explainer_of(request: Request) -> service.Explainer:
    found: service.Explainer = request.app.state.explainer
    return found


Explains = Annotated[service.Explainer, Depends(explainer_of)]


@router.get("/{listing_id}/explanation")
async def explain_listing(
    listing_id: UUID, caller: Producer, db: Db, pool: Solvers, request: Request, explainer: Explains
) -> ExplanationOut:
    """Why this listing is not sold, as its market stands now, and the least change that would sell more of it."""
    async with db.reading() as session:
        standing = await service.standing_of_listing(session, caller, listing_id)
    who = Who("listing", str(listing_id))
    return ExplanationOut.of(await explainer.explain(db, pool, who, standing), who.side, language_of(request))


@orders_router.get("/{order_id}/explanation")
async def explain_order(
    order_id: UUID, caller: Buyer, db: Db, pool: Solvers, request: Request, explainer: Explains
) -> ExplanationOut:
    """Why this order is not met, as its market stands now, and the least change that would buy more."""
    async with db.reading() as session:
        standing = await service.standing_of_order(session, caller, order_id)
    who = Who("order", str(order_id))
    return ExplanationOut.of(await explainer.explain(db, pool, who, standing), who.side, language_of(request))
