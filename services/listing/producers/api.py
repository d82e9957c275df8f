"""`/v1/consents`: a producer lets an agent act."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Depends

from chassis.auth import Caller, only
from chassis.fields import Limit, Page
from chassis.routes import Read, Write, slice_router
from services.listing.producers import service
from services.listing.producers.models import Consent
from services.listing.producers.schemas import ConsentOut, NewConsent

router = slice_router("/v1/consents", tag="producers")
Producer = Annotated[Caller, Depends(only("producer"))]
Party = Annotated[Caller, Depends(only("producer", "agent"))]


@router.post("", status_code=201, response_model=ConsentOut)
async def give_consent(new: NewConsent, caller: Producer, session: Write) -> Consent:
    """Let an agent write listings for you."""
    return await service.give_consent(session, caller.account_id, new.agent_id)


@router.get("")
async def list_consents(caller: Party, session: Read, after: UUID | None = None, limit: Limit = 50) -> Page[ConsentOut]:
    """Who may act for you; of an agent, for whom you may act."""
    rows = await service.consents(session, caller, after, limit + 1)
    return Page.of([ConsentOut.model_validate(row) for row in rows], limit, partial(service.other_side, caller))


@router.delete("/{agent_id}", status_code=200)
async def withdraw_consent(agent_id: UUID, caller: Producer, session: Write) -> dict[str, UUID]:
    """Take the consent back; what the agent posted stays."""
    await service.withdraw_consent(session, caller.account_id, agent_id)
    return {"agent_id": agent_id}
