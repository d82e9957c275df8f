"""Clearing markets: read a snapshot, solve it in another process, write what still fits. Never all in one transaction.

One round of a market at a time, by an advisory lock: that saves work, and lets any number of workers share the
markets. That no gram is promised twice does not rest on it, see `writing`.
"""

import asyncio
import struct
import time
from collections.abc import Collection
from hashlib import sha256
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import Database, WriteSession
from chassis.killing import point
from chassis.problems import must_exist
from chassis.solvers import SolverFailed
from services.matching import metrics
from services.matching.markets import forget_changes
from services.matching.optimiser.plan import Plan
from services.matching.rounds import queries, snapshot, writing
from services.matching.rounds.models import MFEN_PER_FEN, Round, RoundTimer, SolverUnavailable
from services.matching.rounds.pool import SolverPool
from services.matching.rounds.snapshot import Snapshot

LOOP = "rounds"
"""The name under which the timer is woken."""

AT_ONCE = 4  # rounds of one call; each keeps a connection for its lock
LOCK_RETRY_S = 0.02
MANY = 0.2
"""Where more of a market has changed, what that touches is most of it."""


async def clear_now(db: Database, pool: SolverPool, produce: str | None) -> list[Round]:
    """Clear this market, or every one with two sides, and keep each round even when nothing was matched.

    Raises SolverUnavailable.
    """
    markets = await snapshot.all_markets(db) if produce is None else [produce]
    few = asyncio.Semaphore(AT_ONCE)

    async def clear(market: str) -> Round | None:
        async with few:
            return await _clear(db, pool, market, on_demand=True, whole=True)

    try:
        async with asyncio.TaskGroup() as group:
            rounds = [group.create_task(clear(each)) for each in markets]
    except ExceptionGroup as failed:
        first = failed.exceptions[0]
        if isinstance(first, SolverFailed):
            raise SolverUnavailable(headers={"Retry-After": "1"}) from failed
        raise first from failed
    return [each for task in rounds if (each := task.result()) is not None]


async def clear_changed(db: Database, pool: SolverPool, produce: str, *, whole: bool = False) -> Round | None:
    """Clear what this market's changes since its last round touch, if there are any; or the whole of it, which leaves
    no round either where nothing has changed and nothing is found.

    A market without two sides leaves no round. Raises LockTaken while another clears it.
    """
    return await _clear(db, pool, produce, on_demand=False, whole=whole)


async def find(session: AsyncSession, round_id: UUID) -> Round:
    """A round. Raises NotFound."""
    return must_exist(await queries.round_of(session, round_id))


async def set_interval(session: WriteSession, seconds: float) -> None:
    """How often changed markets are cleared; 0: only on demand."""
    row = insert(RoundTimer).values(id=1, interval_s=seconds)
    await session.execute(row.on_conflict_do_update(index_elements=["id"], set_={"interval_s": seconds}))
    session.wake(LOOP)


async def _clear(db: Database, pool: SolverPool, produce: str, *, on_demand: bool, whole: bool) -> Round | None:
    async with db.holding(_lock_of(produce), LOCK_RETRY_S, wait=on_demand) as lock:
        began_s = time.perf_counter()
        seen = await snapshot.take(db, produce)
        if not on_demand and not seen.has_both_sides:
            await _forget(db, seen)
            return None
        if not whole and not seen.changes:
            return None  # another process has just cleared it
        changed = None if whole or _many(seen) else seen.changed
        async with db.keeping(lock):
            plan = await _solved(pool, seen, changed)
        if not on_demand and not seen.changes and not plan.matches:
            return None
        point("rounds.after_solve")
        async with db.transaction_over(lock) as session:  # who was paused meanwhile has lost both
            cleared = await writing.write(session, seen, plan, whole=changed is None, began_s=began_s)
    _count(cleared)
    return cleared


async def _solved(pool: SolverPool, seen: Snapshot, changed: Collection[str] | None) -> Plan:
    """The plan of the whole market, or of what these listings and orders touch."""
    try:
        return await pool.clear(seen.market, seen.policy, seen.now_us, changed=changed)
    except SolverFailed:
        metrics.ROUNDS.labels("failed").inc()
        raise


def _many(seen: Snapshot) -> bool:
    """Also where it is not known what has changed."""
    return seen.changed is None or len(seen.changed) > MANY * (
        len(seen.market.listings.ids) + len(seen.market.orders.ids)
    )


def _count(cleared: Round) -> None:
    metrics.ROUNDS.labels("matched" if cleared.matches else "empty").inc()
    metrics.ROUND_SECONDS.observe(cleared.seconds)
    metrics.ROUND_GAP.set(cleared.certified_gap)
    metrics.ROUND_VALUE_FEN.inc(cleared.value_mfen / MFEN_PER_FEN)
    metrics.ROUND_MATCHES.inc(cleared.matches)
    metrics.ROUND_SKIPPED.inc(cleared.skipped)


async def _forget(db: Database, seen: Snapshot) -> None:
    """What changed in a market without two sides was seen: whoever comes next is a change of its own."""
    if seen.changes:
        async with db.transaction() as session:
            await forget_changes(session, seen.changes)


def _lock_of(produce: str) -> int:
    number: int = struct.unpack(">q", sha256(f"round {produce}".encode()).digest()[:8])[0]
    return number
