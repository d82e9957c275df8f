"""Reading a match's value."""

from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.matching.matches.models import Match
from services.matching.rounds.models import Round
from services.matching.values.models import Valued


async def valued(session: AsyncSession, match_id: UUID, account_id: UUID | None) -> Valued | None:
    """The match with its round, when this account is a party; None as `account_id` stands for who oversees all."""
    wanted = (
        select(Match, Round.policy, Round.certified_gap)
        .join(Round, Round.id == Match.round_id, isouter=True)
        .where(Match.id == match_id)
    )
    if account_id is not None:
        wanted = wanted.where(or_(Match.producer_id == account_id, Match.buyer_id == account_id))
    found = (await session.execute(wanted)).one_or_none()
    if found is None:
        return None
    reader = None if account_id is None else found.Match.side_of(account_id)
    return Valued(found.Match, found.policy, found.certified_gap, reader)
