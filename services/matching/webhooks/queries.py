"""Reading webhooks, and the statements by which workers share the sending."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import (
    JSON,
    ColumnElement,
    CursorResult,
    Select,
    Uuid,
    and_,
    bindparam,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import WriteSession
from services.matching.feed.models import FEED
from services.matching.webhooks.models import Delivery, Endpoint, Status

LOOKED_THROUGH_MAX = 5000
"""Events, while their endpoint is locked."""
OF_ACCOUNT = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("account"), 0x77656268)))  # "webh"
"""Who adds to an account's webhooks counts them first, and a lock on rows holds none that is not there yet."""


async def endpoint_of(session: AsyncSession, endpoint_id: UUID, account_id: UUID | None) -> Endpoint | None:
    wanted = select(Endpoint).where(Endpoint.id == endpoint_id, *_of(account_id))
    return (await session.scalars(wanted)).one_or_none()


async def locked_endpoint(session: WriteSession, endpoint_id: UUID, account_id: UUID | None) -> Endpoint | None:
    wanted = select(Endpoint).where(Endpoint.id == endpoint_id, *_of(account_id)).with_for_update()
    return (await session.scalars(wanted)).one_or_none()


async def endpoints_of(
    session: AsyncSession, account_id: UUID | None, *, before: UUID | None, limit: int
) -> Sequence[Endpoint]:
    """Newest first: ids are version 7, in the order of their making."""
    wanted = select(Endpoint).where(*_of(account_id)).order_by(Endpoint.id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(Endpoint.id < before)
    return (await session.scalars(wanted)).all()


async def lock_all_of(session: WriteSession, account_ids: Collection[UUID]) -> Sequence[UUID]:
    """The endpoints of these accounts, and until the transaction ends nobody adds, changes or leases one."""
    for account in sorted(str(each) for each in account_ids):
        await session.execute(OF_ACCOUNT, {"account": account})
    wanted = select(Endpoint.id).where(Endpoint.account_id.in_(account_ids)).order_by(Endpoint.id).with_for_update()
    return (await session.scalars(wanted)).all()


async def count_of(session: WriteSession, account_id: UUID) -> int:
    """How many endpoints the account has, and until the transaction ends nobody adds one."""
    await session.execute(OF_ACCOUNT, {"account": str(account_id)})
    wanted = select(func.count()).select_from(Endpoint).where(Endpoint.account_id == account_id)
    return (await session.execute(wanted)).scalar_one()


async def head_of(session: AsyncSession, account_id: UUID) -> int:
    """The last seq of the account's feed."""
    heads = FEED.heads.c
    return await session.scalar(select(heads.seq).where(heads.account_id == account_id)) or 0


async def count_behind(session: AsyncSession, endpoint: Endpoint, head: int) -> int | None:
    """How many events of a feed that ends at `head` the endpoint has yet to be given.

    None where that would take long: the feed has no gap, but what is of its types has to be read.
    """
    behind = head - endpoint.after_seq
    if not endpoint.types:
        return behind
    if behind > LOOKED_THROUGH_MAX:
        return None
    items = FEED.items.c
    kind = func.convert_from(items.item, "UTF8").cast(JSON)["type"].as_string()
    theirs = (items.account_id == endpoint.account_id, items.seq > endpoint.after_seq, items.seq <= head)
    wanted = select(func.count()).where(*theirs, kind.in_(endpoint.types))
    return (await session.execute(wanted)).scalar_one()


class Told(NamedTuple):
    """A delivery, and the match that it tells of; None where it tells of none."""

    delivery: Delivery
    match_id: UUID | None


async def deliveries_of(
    session: AsyncSession, endpoint: Endpoint, *, status: Status | None, before: int | None, limit: int
) -> Sequence[Told]:
    """Newest first."""
    wanted = _told(endpoint).order_by(Delivery.seq.desc()).limit(limit)
    if status is not None:
        wanted = wanted.where(Delivery.status == status)
    if before is not None:
        wanted = wanted.where(Delivery.seq < before)
    return [Told(each, match_id) for each, match_id in await session.execute(wanted)]


async def delivery_of(session: AsyncSession, endpoint: Endpoint, seq: int) -> Told | None:
    row = (await session.execute(_told(endpoint).where(Delivery.seq == seq))).one_or_none()
    return None if row is None else Told(row[0], row[1])


async def locked_delivery(session: WriteSession, endpoint_id: UUID, seq: int) -> Delivery | None:
    return await session.get(Delivery, (endpoint_id, seq), with_for_update=True)


def _told(endpoint: Endpoint) -> Select[Delivery, UUID | None]:
    items = FEED.items.c
    match_id = func.convert_from(items.item, "UTF8").cast(JSON)["match", "id"].as_string().cast(Uuid)
    its_item = and_(items.account_id == endpoint.account_id, items.seq == Delivery.seq)
    told = select(Delivery, match_id).join(FEED.items, its_item, isouter=True)
    return told.where(Delivery.endpoint_id == endpoint.id)


async def take_up_again(session: WriteSession, endpoint_id: UUID, since: datetime) -> None:
    """What was given up when the endpoint was disabled, or after that, is due once more."""
    given_up = (
        *(Delivery.endpoint_id == endpoint_id, Delivery.status == "dead", Delivery.ended_at >= since),
        Delivery.pinged_at.is_(None),
    )
    anew = {"status": "waiting", "tries": 0, "next_at": func.clock_timestamp(), "ended_at": None}
    await session.execute(update(Delivery).where(*given_up).values(anew))


async def forget_deliveries(session: WriteSession, endpoint_ids: Collection[UUID], *, limit: int | None = None) -> int:
    """Delete these, at most so many; how many. Locked in the order in which `SETTLE` does so."""
    key = (Delivery.endpoint_id, Delivery.seq)
    some = select(*key).where(Delivery.endpoint_id.in_(endpoint_ids)).order_by(*key).limit(limit)
    theirs = some.with_for_update().cte("theirs")
    gone = delete(Delivery).where(*(column == theirs.c[column.key] for column in key))
    return cast("CursorResult[Any]", await session.execute(gone)).rowcount


async def ownerless(session: AsyncSession) -> Sequence[UUID]:
    """Endpoints that are deleted, and have deliveries yet."""
    return (await session.scalars(OWNERLESS)).all()


async def end_endpoints(session: WriteSession, endpoint_ids: Collection[UUID]) -> None:
    """Nothing is leased of them any more."""
    ended = {"enabled": False, "disabled_reason": "gone", "disabled_at": func.clock_timestamp()}
    await session.execute(update(Endpoint).where(Endpoint.id.in_(endpoint_ids), Endpoint.enabled).values(ended))


async def forget_endpoints(session: WriteSession, endpoint_ids: Collection[UUID]) -> None:
    await session.execute(delete(Endpoint).where(Endpoint.id.in_(endpoint_ids)))


def _of(account_id: UUID | None) -> list[ColumnElement[bool]]:
    return [] if account_id is None else [Endpoint.account_id == account_id]


# One look into the index an endpoint, however many deliveries each has.
OWNERLESS = text("""
WITH RECURSIVE theirs AS (
    (SELECT endpoint_id FROM webhook_deliveries ORDER BY endpoint_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT d.endpoint_id FROM webhook_deliveries d
        WHERE d.endpoint_id > theirs.endpoint_id ORDER BY d.endpoint_id LIMIT 1
    ) FROM theirs WHERE theirs.endpoint_id IS NOT NULL
)
SELECT endpoint_id FROM theirs
WHERE endpoint_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM webhook_endpoints e WHERE e.id = theirs.endpoint_id)
""").columns(endpoint_id=Uuid)
BEHIND = (
    "SELECT 1 FROM webhook_endpoints e JOIN feed_heads h USING (account_id) WHERE e.enabled AND e.after_seq < h.seq"
)
DUE = """
    SELECT 1 FROM webhook_deliveries d
    WHERE d.endpoint_id = e.id AND d.status IN ('waiting', 'sending') AND d.next_at <= clock_timestamp()
"""
ANYTHING = text(
    f"SELECT EXISTS ({BEHIND}) OR EXISTS (SELECT 1 FROM webhook_endpoints e WHERE e.enabled AND EXISTS ({DUE}))"
)
"""Whether there is anything to do. An endpoint costs a look into an index: there are hundreds, not millions."""

# The feed is numbered in commit order without a gap, so no item comes to light behind a cursor that has passed it.
# The cursor is moved in the transaction, and under the row lock, in which the rows are made. A row that is there
# already was asked for again (`redeliver`) and starts anew, if somebody is sending it at this moment then after that.
# Such rows are locked in the order in which `SETTLE` does so.
TAKE = text("""
WITH behind AS (
    SELECT e.id, e.account_id, e.after_seq, e.types
    FROM webhook_endpoints e JOIN feed_heads h USING (account_id)
    WHERE e.enabled AND e.after_seq < h.seq
    ORDER BY random() LIMIT :endpoints
    FOR NO KEY UPDATE OF e SKIP LOCKED
), taken AS (
    SELECT behind.id, behind.types, i.seq, convert_from(i.item, 'UTF8')::json ->> 'type' AS type
    FROM behind CROSS JOIN LATERAL (
        SELECT seq, item FROM feed_items
        WHERE account_id = behind.account_id AND seq > behind.after_seq ORDER BY seq LIMIT :each
    ) i
), moved AS (
    UPDATE webhook_endpoints SET after_seq = to_seq
    FROM (SELECT id AS of_id, max(seq) AS to_seq FROM taken GROUP BY id) cursors WHERE id = of_id
), made AS (
    INSERT INTO webhook_deliveries AS d (endpoint_id, seq, type, status, tries, next_at)
    SELECT id, seq, type, 'waiting', 0, clock_timestamp() FROM taken
    WHERE types = '{}' OR type = ANY (types) ORDER BY id, seq
    ON CONFLICT (endpoint_id, seq) DO UPDATE
    SET again = d.status = 'sending', tries = 0, ended_at = NULL,
        status = CASE WHEN d.status = 'sending' THEN d.status ELSE 'waiting' END,
        next_at = CASE WHEN d.status = 'sending' THEN d.next_at ELSE excluded.next_at END
)
SELECT count(*) FROM taken
""")

# What an endpoint has under way is counted with its row locked, by a statement younger than the lock: so the limit
# holds whatever number of workers picks. Who has places left and the fewest under way comes first.
LOCK = text(f"""
SELECT e.id FROM webhook_endpoints e
WHERE e.enabled AND EXISTS ({DUE}) AND (
    SELECT count(*) FROM webhook_deliveries f
    WHERE f.endpoint_id = e.id AND f.status = 'sending' AND f.next_at > clock_timestamp()
) < CASE WHEN e.failing_since < clock_timestamp() - make_interval(secs => :doubted_after_s) THEN 1 ELSE :each END
ORDER BY random() LIMIT :free
FOR NO KEY UPDATE SKIP LOCKED
""")
LEASE = text("""
WITH room AS (
    SELECT e.id, CASE
        WHEN e.failing_since < clock_timestamp() - make_interval(secs => :doubted_after_s) THEN 1 ELSE :each
    END - (
        SELECT count(*) FROM webhook_deliveries f
        WHERE f.endpoint_id = e.id AND f.status = 'sending' AND f.next_at > clock_timestamp()
    ) AS places
    FROM webhook_endpoints e WHERE e.id = ANY (:ids)
), due AS (
    SELECT d.endpoint_id, d.seq, d.next_at
    FROM room CROSS JOIN LATERAL (
        SELECT endpoint_id, seq, next_at FROM webhook_deliveries
        WHERE endpoint_id = room.id AND status IN ('waiting', 'sending') AND next_at <= clock_timestamp()
        ORDER BY next_at, seq LIMIT greatest(room.places, 0)
        FOR UPDATE SKIP LOCKED
    ) d
), chosen AS (
    SELECT endpoint_id, seq FROM due
    ORDER BY row_number() OVER (PARTITION BY endpoint_id ORDER BY next_at, seq) LIMIT :free
), leased AS (
    UPDATE webhook_deliveries d
    SET status = 'sending', lease = :lease, again = false, next_at = clock_timestamp() + make_interval(secs => :lease_s)
    FROM chosen WHERE d.endpoint_id = chosen.endpoint_id AND d.seq = chosen.seq
    RETURNING d.endpoint_id, d.seq, d.tries, d.pinged_at
)
SELECT leased.endpoint_id, leased.seq, leased.tries, leased.pinged_at, e.url, e.secret,
    (SELECT item FROM feed_items i WHERE i.account_id = e.account_id AND i.seq = leased.seq) AS item,
    CASE WHEN e.old_secret_until > clock_timestamp() THEN e.old_secret END AS old_secret
FROM leased JOIN webhook_endpoints e ON e.id = leased.endpoint_id
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("lease", type_=Uuid))

# The lease says that nobody else was given it meanwhile: else what came of this try is theirs to tell.
SETTLE = text("""
UPDATE webhook_deliveries
SET lease = NULL, again = false,
    status = CASE WHEN again THEN 'waiting' ELSE :status END,
    tries = CASE WHEN again THEN 0 ELSE :tries END,
    next_at = CASE WHEN again THEN clock_timestamp()
        WHEN :status = 'waiting' THEN clock_timestamp() + make_interval(secs => :pause_s) END,
    ended_at = CASE WHEN NOT again AND :status <> 'waiting' THEN clock_timestamp() END,
    attempts = CASE WHEN jsonb_array_length(attempts) < :attempts_max THEN attempts ELSE attempts - 0 END
        || CAST(:attempt AS jsonb)
WHERE endpoint_id = :endpoint_id AND seq = :seq AND lease = :lease
""").bindparams(bindparam("endpoint_id", type_=Uuid), bindparam("lease", type_=Uuid))

# In the order of their ids, for two workers may tell of the same endpoints.
LOCK_TOLD_OF = text("""
SELECT id FROM webhook_endpoints
WHERE id = ANY (:good) AND failing_since IS NOT NULL OR id = ANY (:bad) AND enabled
ORDER BY id FOR NO KEY UPDATE
""").bindparams(bindparam("good", type_=ARRAY(Uuid)), bindparam("bad", type_=ARRAY(Uuid)))
HEALTHY = text("UPDATE webhook_endpoints SET failing_since = NULL WHERE id = ANY (:ids)").bindparams(
    bindparam("ids", type_=ARRAY(Uuid))
)
FAILING = text("""
WITH judged AS (
    SELECT id, coalesce(failing_since, clock_timestamp()) AS since, CASE
        WHEN id = ANY (:gone) THEN 'gone'
        WHEN failing_since <= clock_timestamp() - make_interval(secs => :patience_s) THEN 'failing'
    END AS reason FROM webhook_endpoints WHERE id = ANY (:ids)
)
UPDATE webhook_endpoints e
SET failing_since = since, enabled = reason IS NULL, disabled_reason = reason,
    disabled_at = CASE WHEN reason IS NOT NULL THEN clock_timestamp() END,
    version = e.version + CASE WHEN reason IS NOT NULL THEN 1 ELSE 0 END
FROM judged WHERE e.id = judged.id AND (e.failing_since IS NULL OR reason IS NOT NULL)
RETURNING e.id, reason
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("gone", type_=ARRAY(Uuid)))

# With the endpoints locked: one that is enabled again meanwhile has all of its deliveries taken up, or none ended here.
# It waits for nobody; what is passed over comes the next time.
END_DISABLED = text("""
WITH disabled AS (
    SELECT e.id FROM webhook_endpoints e
    WHERE NOT e.enabled AND EXISTS (
        SELECT 1 FROM webhook_deliveries d WHERE d.endpoint_id = e.id AND d.status IN ('waiting', 'sending')
    )
    FOR NO KEY UPDATE SKIP LOCKED
), waiting AS (
    SELECT d.endpoint_id, d.seq FROM webhook_deliveries d JOIN disabled ON disabled.id = d.endpoint_id
    WHERE d.status = 'waiting' OR d.status = 'sending' AND d.next_at <= clock_timestamp()
    FOR UPDATE OF d SKIP LOCKED
)
UPDATE webhook_deliveries d
SET status = 'dead', lease = NULL, again = false, next_at = NULL, ended_at = clock_timestamp()
FROM waiting WHERE waiting.endpoint_id = d.endpoint_id AND waiting.seq = d.seq
""")
# Of what is due, and of what nobody has made due yet, though it stands in the feed: else a loop that stands still would
# have no lag at all. What an endpoint was set back to has waited since then, however old it is.
LAG_S = text("""
SELECT coalesce(extract(epoch FROM clock_timestamp() - min(since)), 0) FROM (
    SELECT d.next_at AS since FROM webhook_endpoints e JOIN webhook_deliveries d ON d.endpoint_id = e.id
    WHERE e.enabled AND d.status IN ('waiting', 'sending') AND d.next_at <= clock_timestamp()
    UNION ALL
    SELECT greatest(CAST(CAST(convert_from(i.item, 'UTF8') AS json) ->> 'at' AS timestamptz), e.behind_since)
    FROM webhook_endpoints e JOIN feed_items i ON i.account_id = e.account_id AND i.seq = e.after_seq + 1
    WHERE e.enabled
) late
""")
