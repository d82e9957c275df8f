"""What workers and callers do to the same deliveries at one moment: nothing is lost, and nobody locks crosswise."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text, update

from services.matching.webhooks import queries, service
from services.matching.webhooks.leasing import Leased, Outcome, lease, measure_lag, settle, take_from_feeds
from services.matching.webhooks.models import Endpoint
from tests.services.matching.webhooks.partners import Partner, Partners

URL = "http://127.0.0.1:9/hook"
LOCK_ROW = text("SELECT 1 FROM webhook_deliveries WHERE endpoint_id = :endpoint_id AND seq = :seq FOR UPDATE NOWAIT")
WAITING_FOR_LOCKS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def taken(partners: Partners, partner: Partner, webhooks: int, events: int) -> list[dict[str, Any]]:
    """So many webhooks, and as many deliveries of each."""
    made = [await partner.register(URL) for _ in range(webhooks)]
    await partners.events(partner, events)
    assert await take_from_feeds(partners.db) == webhooks * events
    return made


async def until_somebody_waits(partners: Partners) -> None:
    async with asyncio.timeout(10):
        while True:
            async with partners.db.at_once() as connection:
                if await connection.scalar(WAITING_FOR_LOCKS):
                    return
            await asyncio.sleep(0.01)


@asynccontextmanager
async def first_locked(partners: Partners, keys: Sequence[tuple[UUID, int]]) -> AsyncIterator[None]:
    """What runs inside waits for the first of these rows; then all others must be free, for it took none of them."""
    in_order = [{"endpoint_id": endpoint_id, "seq": seq} for endpoint_id, seq in sorted(keys)]
    async with partners.db.transaction() as session:
        await session.execute(LOCK_ROW, in_order[0])
        yield
        await until_somebody_waits(partners)
        for each in in_order[1:]:
            await session.execute(LOCK_ROW, each)


def delivered(leased: Leased) -> Outcome:
    return Outcome(leased, datetime.now(UTC), delivered=True, status_code=200, error=None, pause_s=None)


async def keys_of(partners: Partners) -> list[tuple[UUID, int]]:
    return [(row.endpoint_id, row.seq) for row in await partners.rows()]


async def test_what_waits_is_not_lost_when_a_webhook_is_enabled_while_its_deliveries_are_ended(
    partners: Partners,
) -> None:
    partner = partners.partner()
    (webhook,) = await taken(partners, partner, webhooks=1, events=3)
    async with partners.db.transaction() as session:
        now = datetime.now(UTC)
        await session.execute(update(Endpoint).values(enabled=False, disabled_reason="gone", disabled_at=now))
    async with partners.db.transaction() as session:
        await session.execute(queries.END_DISABLED)
        enabling = asyncio.create_task(partner.call("PATCH", f"/{webhook['id']}", {"enabled": True}))
        done, _ = await asyncio.wait([enabling], timeout=0.5)
        assert not done, "it waits for them to be ended, and takes them up then"
    assert (await enabling).json()["enabled"]
    assert [row.status for row in await partners.rows()] == ["waiting"] * 3


async def test_what_came_of_tries_is_recorded_in_the_order_in_which_all_lock(partners: Partners) -> None:
    partner = partners.partner()
    await taken(partners, partner, webhooks=3, events=4)
    outcomes = [delivered(each) for each in await lease(partners.db, 64, 4, 60)]
    outcomes.sort(key=lambda each: (each.leased.endpoint_id, each.leased.seq), reverse=True)
    async with first_locked(partners, await keys_of(partners)):
        settling = asyncio.create_task(settle(partners.db, outcomes, 60))
    await settling
    assert {row.status for row in await partners.rows()} == {"delivered"}


async def test_what_is_asked_for_again_is_taken_in_that_order(partners: Partners) -> None:
    partner = partners.partner()
    made = await taken(partners, partner, webhooks=8, events=3)
    for webhook in random.sample(made, len(made)):
        await partner.call("POST", f"/{webhook['id']}/redeliver", {"after_seq": 0})
    async with first_locked(partners, await keys_of(partners)):
        taking = asyncio.create_task(take_from_feeds(partners.db))
    assert await taking == 24


async def test_deliveries_are_deleted_in_that_order_however_they_are_found(partners: Partners) -> None:
    partner = partners.partner()
    (webhook,) = await taken(partners, partner, webhooks=1, events=5)
    async with partners.db.transaction() as session:  # the first lies last now
        await session.execute(text("UPDATE webhook_deliveries SET tries = 1 WHERE seq = 1"))

    async def forget() -> None:
        async with partners.db.transaction() as session:
            for way in ("indexscan", "indexonlyscan", "bitmapscan"):
                await session.execute(text(f"SET LOCAL enable_{way} = off"))
            await queries.forget_deliveries(session, [UUID(webhook["id"])])

    async with first_locked(partners, await keys_of(partners)):
        forgetting = asyncio.create_task(forget())
    await forgetting
    assert await partners.rows() == []


async def test_a_webhook_goes_at_once_and_what_was_sent_or_waited_some_at_a_time(
    partners: Partners, monkeypatch: pytest.MonkeyPatch
) -> None:
    partner = partners.partner()
    gone, kept, second = await taken(partners, partner, webhooks=3, events=5)
    for webhook in (gone, second):
        assert (await partner.call("DELETE", f"/{webhook['id']}")).status_code == 200
    assert len(await partners.rows()) == 15, "the request itself deletes none"
    assert [each["id"] for each in (await partner.call("GET")).json()["items"]] == [kept["id"]]
    leased = await lease(partners.db, 64, 4, 60)
    assert {each.endpoint_id for each in leased} == {UUID(kept["id"])}
    limits = []
    forget = queries.forget_deliveries

    async def some(*of: Any, limit: int) -> int:
        limits.append(limit)
        return await forget(*of, limit=limit)

    monkeypatch.setattr(service, "FORGET_BATCH", 4)
    monkeypatch.setattr(queries, "forget_deliveries", some)
    assert await service.forget_removed(partners.db) == 10
    assert limits == [4, 4, 4]
    assert {row.endpoint_id for row in await partners.rows()} == {UUID(kept["id"])}
    assert (await service.forget_removed(partners.db), len(await partners.rows())) == (0, 5)


async def test_what_a_webhook_was_set_back_to_has_waited_since_then_however_old_it_is(partners: Partners) -> None:
    partner = partners.partner()
    rewound, paused = [await partner.register(URL) for _ in range(2)]
    await partner.call("PATCH", f"/{paused['id']}", {"enabled": False})
    await partners.events(partner, 2)
    async with partners.db.transaction() as session:
        await session.execute(text("UPDATE webhook_endpoints SET after_seq = 2 WHERE enabled"))
        await session.execute(
            text("""
            UPDATE feed_items
            SET item = convert_to(regexp_replace(convert_from(item, 'UTF8'), '"at":"....', '"at":"2020'), 'UTF8')
            """)
        )

    async def lag_s() -> float:
        await measure_lag(partners.db)
        return REGISTRY.get_sample_value("duijie_webhook_lag_seconds") or 0.0

    assert await lag_s() == 0, "nothing is behind, and what is paused does not wait"
    assert (await partner.call("POST", f"/{rewound['id']}/redeliver", {"after_seq": 0})).json()["to_send"] == 2
    await asyncio.sleep(0.05)
    assert 0.05 <= await lag_s() < 60
    await partner.call("DELETE", f"/{rewound['id']}")
    assert (await partner.call("PATCH", f"/{paused['id']}", {"enabled": True})).status_code == 200
    await asyncio.sleep(0.05)
    assert 0.05 <= await lag_s() < 60


async def test_the_lag_is_that_of_the_oldest_event_whether_or_not_anyone_has_made_it_due(partners: Partners) -> None:
    partner = partners.partner()
    webhook = await partner.register("https://partner.example/hook")

    async def lag_s() -> float:
        await measure_lag(partners.db)
        return REGISTRY.get_sample_value("duijie_webhook_lag_seconds") or 0.0

    assert await lag_s() == 0
    await partners.events(partner, 2)
    await asyncio.sleep(0.05)
    assert 0.05 <= await lag_s() < 5, "nobody works, so no delivery is there yet"
    async with partners.db.transaction() as session:
        await session.execute(
            text("""
            INSERT INTO webhook_deliveries (endpoint_id, seq, type, status, tries, next_at)
            SELECT id, seq, 'match.agreed', 'waiting', 0, clock_timestamp() + CAST(pause AS interval)
            FROM webhook_endpoints, (VALUES (1, '-100 s'), (2, '100 s')) AS due (seq, pause)
            """)
        )
        await session.execute(text("UPDATE webhook_endpoints SET after_seq = 2"))
    assert 100 <= await lag_s() < 105, "the next try of one that failed is not late before its time"
    assert (await partner.call("DELETE", f"/{webhook['id']}")).status_code == 200
    assert await lag_s() == 0
