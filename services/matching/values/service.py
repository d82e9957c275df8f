"""What a match is worth, for its parties."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.auth import Caller
from chassis.problems import must_exist
from services.matching.values import queries
from services.matching.values.models import Valued


async def explain(session: AsyncSession, caller: Caller, match_id: UUID) -> Valued:
    """The value of a match of the caller's own, or of anybody's to an admin. Raises NotFound."""
    return must_exist(await queries.valued(session, match_id, caller.owner_id))
