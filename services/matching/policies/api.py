"""`/v1/policy`: the numbers that rounds decide by."""

from chassis.auth import AnyCaller
from chassis.routes import Read, slice_router
from services.matching.policies import queries
from services.matching.policies.schemas import PolicyOut

router = slice_router("/v1/policy", tag="rounds")


@router.get("")
async def read_policy(caller: AnyCaller, session: Read) -> PolicyOut:
    """The policy in force."""
    return PolicyOut.of(await queries.in_force(session))
