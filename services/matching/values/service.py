"""What a match is worth, for its parties and for who oversees the rounds."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.auth import Caller
from chassis.problems import NotFound
from services.matching.values import queries
from services.matching.values.models import Valued

OVERSEERS = frozenset({"admin", "auditor", "supervisor"})


async def explain(session: AsyncSession, caller: Caller, match_id: UUID) -> Valued:
    """The value of a match of the caller's own, or of anybody's to an overseer. Raises NotFound."""
    found = await queries.valued(session, match_id, None if caller.role in OVERSEERS else caller.account_id)
    if found is None:
        raise NotFound()
    return found
