"""Answering why a listing is not sold or an order not met, for many at once: who waits for the same market, on
whichever side, is answered together."""

import asyncio
import time
from collections import defaultdict
from contextvars import Context
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.auth import Caller
from chassis.db import Database
from chassis.ids import made_at_ms
from chassis.overload import Overloaded
from chassis.problems import NotFound
from chassis.solvers import SolverFailed
from chassis.telemetry import described
from services.matching.explanations import queries
from services.matching.explanations.models import Explained, Standing
from services.matching.optimiser.explain import Explanation
from services.matching.optimiser.sides import Who
from services.matching.rounds.models import SolverUnavailable
from services.matching.rounds.pool import SolverPool

HEARD_WITHIN_MS = 24 * 3600 * 1000
"""Of a listing younger than that matching may not have heard yet."""
WAITING_MAX = 32
"""Who waits keeps a place among the requests at work (chassis.overload); others need some, too."""
WITH_REASONS = frozenset({"unsold", "partly"})
Waiting = list[tuple[Who, asyncio.Future[Explanation | None]]]

log = structlog.get_logger()


async def standing_of_listing(session: AsyncSession, caller: Caller, listing_id: UUID) -> Standing:
    """Where the caller's listing stands. Raises NotFound.

    Of an id that was made just now nobody can say yet whose it is; ids can't be guessed.
    """
    found = await queries.standing_of_listing(session, listing_id)
    if found is None and _may_not_be_heard_of(listing_id):
        return Standing(caller.account_id, "", "pending")
    return _own(found, caller)


async def standing_of_order(session: AsyncSession, caller: Caller, order_id: UUID) -> Standing:
    """Where the caller's order stands. Raises NotFound."""
    return _own(await queries.standing_of_order(session, order_id), caller)


def _own(found: Standing | None, caller: Caller) -> Standing:
    if found is None or caller.owner_id not in {None, found.owner_id}:
        raise NotFound()
    return found


class Explainer:
    """Of one process. While a market is looked at, those who ask for it wait, and are the next to be answered.

    One market at a time: rounds need the solvers, too.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, Waiting] = defaultdict(list)
        self._at_work: dict[str, asyncio.Task[None]] = {}
        self._one = asyncio.Lock()

    async def explain(self, db: Database, pool: SolverPool, who: Who, standing: Standing) -> Explained:
        """Raises SolverUnavailable, and Overloaded when too many wait."""
        if standing.state not in WITH_REASONS:
            return Explained(standing)
        if sum(map(len, self._waiting.values())) >= WAITING_MAX:
            raise Overloaded(retry_after_s=2)
        produce = standing.produce
        answer: asyncio.Future[Explanation | None] = asyncio.get_running_loop().create_future()
        self._waiting[produce].append((who, answer))
        if produce not in self._at_work:
            working = Context().run(asyncio.create_task, self._answer(db, pool, produce))  # nobody's trace
            self._at_work[produce] = working
        found = await answer
        return Explained(standing) if found is None else Explained(standing, found.reasons, found.fix)

    async def _answer(self, db: Database, pool: SolverPool, produce: str) -> None:
        waiting: Waiting = []
        try:
            while produce in self._waiting:
                async with self._one:
                    waiting = self._waiting.pop(produce)
                    await self._answer_together(db, pool, produce, waiting)
        finally:
            del self._at_work[produce]
            for _, answer in [*waiting, *self._waiting.pop(produce, ())]:
                answer.cancel()  # of those without an answer: this was cancelled

    async def _answer_together(self, db: Database, pool: SolverPool, produce: str, waiting: Waiting) -> None:
        asked = list(dict.fromkeys(who for who, answer in waiting if not answer.done()))
        try:
            seen, promised = await queries.market_of(db, produce, asked)
            found = await pool.explain(seen.market, promised, seen.policy, seen.now_us, asked)
        except SolverFailed as error:
            log.error("explanation_failed", produce=produce, asked=len(asked), error=described(error))
            _refuse(waiting, SolverUnavailable(headers={"Retry-After": "1"}))
        except Exception as error:  # the database's, say: whoever waits is told
            _refuse(waiting, error)
        else:
            by_who = {each.who: each for each in found}
            for who, answer in waiting:
                if not answer.done():  # who hung up waits no more
                    answer.set_result(by_who.get(who))


def _refuse(waiting: Waiting, error: Exception) -> None:
    for _, answer in waiting:
        if not answer.done():
            answer.set_exception(error)


def _may_not_be_heard_of(listing_id: UUID) -> bool:
    made_ms = made_at_ms(listing_id)
    return made_ms is not None and abs(time.time() * 1000 - made_ms) < HEARD_WITHIN_MS
