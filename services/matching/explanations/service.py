"""Answering why a listing is not sold, for many at once: who waits for the same market is answered together."""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.auth import Caller
from chassis.db import Database
from chassis.problems import NotFound
from chassis.solvers import SolverFailed
from services.matching.explanations import queries
from services.matching.explanations.models import Explained, Standing
from services.matching.optimiser.explain import Explanation
from services.matching.rounds.models import SolverUnavailable
from services.matching.rounds.pool import SolverPool
from services.matching.rounds.service import policy

HEARD_WITHIN = timedelta(days=1)
"""Of a listing younger than that matching may not have heard yet."""
TOGETHER = 500
Waiting = list[tuple[str, asyncio.Future[Explanation | None]]]


async def standing(session: AsyncSession, caller: Caller, listing_id: UUID) -> Standing:
    """Where the caller's listing stands. Raises NotFound."""
    producer_id = caller.account_id if caller.role in {"producer", "agent"} else None
    found = await queries.standing_of(session, listing_id, producer_id)
    if found is not None:
        return found
    if _may_not_be_heard_of(listing_id) and await queries.standing_of(session, listing_id, None) is None:
        return Standing("", "pending")
    raise NotFound()


class Explainer:
    """Of one process. While a market is looked at, those who ask for it wait, and are the next to be answered."""

    def __init__(self) -> None:
        self._waiting: dict[str, Waiting] = defaultdict(list)
        self._at_work: dict[str, asyncio.Task[None]] = {}

    async def explain(self, db: Database, pool: SolverPool, listing_id: UUID, standing: Standing) -> Explained:
        """Raises SolverUnavailable."""
        if standing.state not in {"unsold", "partly"}:
            return Explained(standing)
        produce = standing.produce
        answer: asyncio.Future[Explanation | None] = asyncio.get_running_loop().create_future()
        self._waiting[produce].append((str(listing_id), answer))
        if produce not in self._at_work:
            self._at_work[produce] = asyncio.create_task(self._answer(db, pool, produce))
        found = await answer
        return Explained(standing) if found is None else Explained(standing, found.reasons, found.fix)

    async def _answer(self, db: Database, pool: SolverPool, produce: str) -> None:
        try:
            while waiting := self._waiting.pop(produce, None):
                together, rest = waiting[:TOGETHER], waiting[TOGETHER:]
                if rest:
                    self._waiting[produce] = rest
                await self._answer_together(db, pool, produce, together)
        finally:
            del self._at_work[produce]

    async def _answer_together(self, db: Database, pool: SolverPool, produce: str, waiting: Waiting) -> None:
        ids = list(dict.fromkeys(listing_id for listing_id, _ in waiting))
        try:
            seen, promised = await queries.market_of(db, produce)
            found = await pool.explain(seen.market, promised, policy(), seen.now_us, ids)
            by_id = {each.listing_id: each for each in found}
            for listing_id, answer in waiting:
                if not answer.done():  # who hung up waits no more
                    answer.set_result(by_id.get(listing_id))
        except Exception as error:  # each of them is told
            refusal = SolverUnavailable(headers={"Retry-After": "1"}) if isinstance(error, SolverFailed) else error
            for _, answer in waiting:
                if not answer.done():
                    answer.set_exception(refusal)


def _may_not_be_heard_of(listing_id: UUID) -> bool:
    """Ids of listings are version 7 (RFC 9562): 48 bits of milliseconds since 1970 come first."""
    if listing_id.version != 7:
        return False
    made_at = datetime.fromtimestamp((listing_id.int >> 80) / 1000, UTC)
    return abs(datetime.now(UTC) - made_at) < HEARD_WITHIN
