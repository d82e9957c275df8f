"""Reading consents."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.listing.producers.models import Consent


async def consent(session: AsyncSession, producer_id: UUID, agent_id: UUID) -> Consent | None:
    return await session.get(Consent, (producer_id, agent_id))


async def consents_of(session: AsyncSession, producer_id: UUID, *, after: UUID | None, limit: int) -> Sequence[Consent]:
    rows = select(Consent).where(Consent.producer_id == producer_id).order_by(Consent.agent_id).limit(limit)
    if after is not None:
        rows = rows.where(Consent.agent_id > after)
    return (await session.scalars(rows)).all()


async def producers_of(session: AsyncSession, agent_id: UUID) -> Sequence[UUID]:
    """The producers for whom this agent may act."""
    return (await session.scalars(select(Consent.producer_id).where(Consent.agent_id == agent_id))).all()
