"""What a producer can do about those who act for them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, or_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.auth import Caller
from chassis.db import WriteSession
from chassis.problems import FieldError, InvalidInput, NotFound, Text
from services.listing.producers import queries
from services.listing.producers.models import Consent, NoConsent


async def give_consent(session: WriteSession, producer_id: UUID, agent_id: UUID) -> Consent:
    """Let the agent act; giving it twice changes nothing."""
    row = insert(Consent).values(producer_id=producer_id, agent_id=agent_id).on_conflict_do_nothing()
    await session.execute(row)
    return await session.get_one(Consent, (producer_id, agent_id))


async def withdraw_consent(session: WriteSession, producer_id: UUID, agent_id: UUID) -> None:
    rows = delete(Consent).where(Consent.producer_id == producer_id, Consent.agent_id == agent_id)
    if (await session.execute(rows.returning(Consent.agent_id))).first() is None:
        raise NotFound()


async def forget_consents(session: WriteSession, account_ids: Sequence[UUID]) -> None:
    """Delete what these accounts gave, and what was given to them."""
    theirs = or_(Consent.producer_id.in_(account_ids), Consent.agent_id.in_(account_ids))
    await session.execute(delete(Consent).where(theirs))


async def producer_written_for(session: AsyncSession, caller: Caller, producer_id: UUID | None) -> UUID:
    """Whose listing a caller writes: their own, or, as an agent, that of a producer who consented.

    Raises InvalidInput when an agent names nobody or another names somebody else, NoConsent without consent.
    """
    if caller.role != "agent":
        if producer_id not in {None, caller.account_id}:
            raise InvalidInput(
                errors=[FieldError("#/producer_id", Text("只有代办员可填。", "Only an agent names it."))]
            )
        return caller.account_id
    if producer_id is None:
        text = Text("代办员须写明为谁代办。", "An agent says for whom.")
        raise InvalidInput(errors=[FieldError("#/producer_id", text)])
    if await queries.consent(session, producer_id, caller.account_id) is None:
        raise NoConsent()
    return producer_id
