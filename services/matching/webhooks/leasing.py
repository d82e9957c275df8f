"""How deliveries are shared among workers: who may try which, and what came of it.

Sending is in `delivering`: between these, for no transaction is open while somebody else's server is spoken with.
"""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Row, func

from chassis.db import Database, WriteSession
from chassis.retention import delete_in_batches
from services.matching.metrics import WEBHOOK_ATTEMPTS, WEBHOOK_LAG_S, WEBHOOKS_DISABLED
from services.matching.webhooks import queries
from services.matching.webhooks.models import Delivery, Status
from services.matching.webhooks.retrying import GONE
from services.matching.webhooks.signing import ping_body

log = structlog.get_logger()

DELIVERIES_KEPT = timedelta(days=30)
ENDPOINTS_AT_ONCE = 100
ITEMS_AT_ONCE = 500
ATTEMPTS_KEPT = 20
DOUBTED_AFTER_S = 60.0


@dataclass(frozen=True, slots=True)
class Leased:
    """A delivery that one worker alone may try, until its lease ends. The secrets are sealed.

    A ping (`pinged_at`) is tried once, and by failing says nothing of its endpoint: whoever tries one out fails.
    """

    endpoint_id: UUID
    seq: int
    tries: int
    url: str
    secret: bytes
    old_secret: bytes | None
    item: bytes
    lease: UUID
    pinged_at: datetime | None = None

    @classmethod
    def of(cls, row: Row[Any], lease: UUID) -> "Leased":
        """Of a row of `LEASE`, which has no item for a ping."""
        told = dict(row._mapping) | {"lease": lease}
        if row.pinged_at is not None:
            told["item"] = ping_body(row.endpoint_id, row.pinged_at)
        return cls(**told)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try. `pause_s` until the next; None: there is none."""

    leased: Leased
    at: datetime
    delivered: bool
    status_code: int | None
    error: str | None
    pause_s: float | None
    took_ms: int | None = None

    @property
    def says_of_endpoint(self) -> bool:
        return self.delivered or self.leased.pinged_at is None or self.status_code == GONE

    @property
    def status(self) -> Status:
        if self.delivered:
            return "delivered"
        return "dead" if self.pause_s is None else "waiting"

    @property
    def attempt(self) -> dict[str, Any]:
        told = {"status_code": self.status_code} if self.error is None else {"error": self.error}
        took = {} if self.took_ms is None else {"duration_ms": self.took_ms}
        return {"at": self.at.isoformat(), **told, **took}


async def is_anything_due(db: Database) -> bool:
    """For a look a transaction with locks is too dear: most find nothing."""
    async with db.at_once() as connection:
        return bool(await connection.scalar(queries.ANYTHING))


async def take_from_feeds(db: Database) -> int:
    """Make rows of what the feeds have behind the endpoints' cursors; how many items were looked at."""
    async with db.transaction() as session:
        of = {"endpoints": ENDPOINTS_AT_ONCE, "each": ITEMS_AT_ONCE}
        return int((await session.execute(queries.TAKE, of)).scalar_one())


async def lease(db: Database, free: int, each: int, lease_s: float) -> list[Leased]:
    """At most `free` deliveries that are due, at most `each` of an endpoint under way, whoever has them.

    One that has failed for a while has one place until it answers: many that are dead leave the places to others.
    """
    async with db.transaction() as session:
        how: dict[str, Any] = {"each": each, "free": free, "doubted_after_s": DOUBTED_AFTER_S}
        ids = list(await session.scalars(queries.LOCK, how))
        if not ids:
            return []
        mine = uuid4()
        how |= {"ids": ids, "lease": mine, "lease_s": lease_s}
        return [Leased.of(row, mine) for row in await session.execute(queries.LEASE, how)]


async def settle(db: Database, outcomes: Collection[Outcome], patience_s: float) -> None:
    """Record what came of these tries, and what it says of their endpoints.

    All who lock several deliveries do so in the order of their keys, or pass over what is locked.
    """
    in_order = sorted(outcomes, key=lambda each: (each.leased.endpoint_id, each.leased.seq))
    gone = {each.leased.endpoint_id for each in outcomes if each.status_code == GONE}
    good = {each.leased.endpoint_id for each in outcomes if each.delivered} - gone
    bad = {each.leased.endpoint_id for each in outcomes if each.says_of_endpoint} - good
    async with db.transaction() as session:
        disabled = await _judge(session, good, bad, gone, patience_s)
        await session.execute(queries.SETTLE, [_settled(each) for each in in_order])
    for row in disabled:
        WEBHOOKS_DISABLED.labels(row.reason).inc()
        log.warning("webhook_disabled", endpoint_id=str(row.id), reason=row.reason)
    for outcome, count in Counter(_outcome(each) for each in outcomes).items():
        WEBHOOK_ATTEMPTS.labels(outcome).inc(count)


async def _judge(
    session: WriteSession, good: set[UUID], bad: set[UUID], gone: set[UUID], patience_s: float
) -> list[Row[Any]]:
    """Note which endpoints answer and which fail; those that are disabled by it, each with its reason."""
    told_of = set(await session.scalars(queries.LOCK_TOLD_OF, {"good": list(good), "bad": list(bad)}))
    if good & told_of:
        await session.execute(queries.HEALTHY, {"ids": list(good & told_of)})
    if not bad & told_of:
        return []
    how = {"ids": list(bad & told_of), "gone": list(gone), "patience_s": patience_s}
    return [row for row in await session.execute(queries.FAILING, how) if row.reason is not None]


def _settled(outcome: Outcome) -> dict[str, Any]:
    return {
        "endpoint_id": outcome.leased.endpoint_id,
        "seq": outcome.leased.seq,
        "lease": outcome.leased.lease,
        "status": outcome.status,
        "tries": outcome.leased.tries + 1,
        "pause_s": outcome.pause_s or 0.0,
        "attempts_max": ATTEMPTS_KEPT,
        "attempt": json.dumps(outcome.attempt),
    }


def _outcome(outcome: Outcome) -> str:
    return outcome.status if outcome.status != "waiting" else "failed"


async def end_disabled(db: Database) -> None:
    """Record as dead what waits for endpoints that were disabled."""
    async with db.transaction() as session:
        await session.execute(queries.END_DISABLED)


async def measure_lag(db: Database) -> None:
    """For how long the oldest delivery that is due has waited for its turn."""
    async with db.at_once() as connection:
        WEBHOOK_LAG_S.set(float(await connection.scalar(queries.LAG_S) or 0))


async def forget_old(db: Database) -> int:
    """Delete what ended long ago; how many deliveries."""
    old = Delivery.ended_at < func.now() - DELIVERIES_KEPT
    return await delete_in_batches(db, Delivery.__table__, old)
