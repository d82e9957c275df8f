"""Reading consents."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.bulk import among
from services.listing.producers.models import Consent


async def consents_among(
    session: AsyncSession, pairs: Collection[tuple[UUID, UUID]], given_by: datetime
) -> set[tuple[UUID, UUID]]:
    """Those of these pairs of a producer and an agent that stand, and did so at that moment."""
    if not pairs:
        return set()
    producers, agents = zip(*pairs, strict=True)
    wanted = select(Consent.producer_id, Consent.agent_id).where(
        among(Consent.producer_id, producers), among(Consent.agent_id, agents), Consent.given_at <= given_by
    )
    return {(row.producer_id, row.agent_id) for row in await session.execute(wanted)}


async def consents_of(session: AsyncSession, producer_id: UUID, *, after: UUID | None, limit: int) -> Sequence[Consent]:
    rows = select(Consent).where(Consent.producer_id == producer_id).order_by(Consent.agent_id).limit(limit)
    if after is not None:
        rows = rows.where(Consent.agent_id > after)
    return (await session.scalars(rows)).all()


async def consents_given_to(
    session: AsyncSession, agent_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[Consent]:
    rows = select(Consent).where(Consent.agent_id == agent_id).order_by(Consent.producer_id).limit(limit)
    if after is not None:
        rows = rows.where(Consent.producer_id > after)
    return (await session.scalars(rows)).all()


async def producers_of(session: AsyncSession, agent_id: UUID) -> Sequence[UUID]:
    """The producers for whom this agent may act."""
    return (await session.scalars(select(Consent.producer_id).where(Consent.agent_id == agent_id))).all()
