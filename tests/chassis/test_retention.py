"""What may come again is remembered; what can't is forgotten, by the database's clock, whoever else forgets."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, insert, select, update

from chassis import retention
from chassis.db import Database
from chassis.dead_letters import REDRIVEN_WITHIN
from chassis.retention import INBOX_KEPT, RECORD_LIVES, forget_notes, pruning_events
from chassis.tables import INBOX
from contracts.topics import declared

CLOCK_SLACK = timedelta(days=1)
MINUTE = timedelta(minutes=1)


async def note(db: Database, ago: timedelta, consumer: str = "test") -> UUID:
    event_id = uuid4()
    async with db.transaction() as session:
        await session.execute(insert(INBOX).values(consumer=consumer, event_id=event_id, received_at=func.now() - ago))
    return event_id


async def noted(db: Database) -> set[UUID]:
    async with db.reading() as session:
        return set((await session.scalars(select(INBOX.c.event_id))).all())


def test_an_inbox_remembers_longer_than_anything_can_come_again() -> None:
    """Late news, redriven on its last day, read on the last day of its topic, told by a clock that is off."""
    segment = timedelta(days=7)  # of Kafka, unless it is told otherwise
    for topic in declared():
        if topic.name.endswith(".dlq"):
            continue
        assert timedelta(milliseconds=topic.retention_ms) + segment <= RECORD_LIVES
    assert REDRIVEN_WITHIN + RECORD_LIVES + CLOCK_SLACK < INBOX_KEPT


async def test_notes_on_both_sides_of_the_line(db: Database) -> None:
    newest = await note(db, timedelta(0))
    young = await note(db, INBOX_KEPT - MINUTE)
    await note(db, INBOX_KEPT + MINUTE)
    assert await forget_notes(db, "test") == 1
    assert await noted(db) == {newest, young}


async def test_a_platform_that_stood_still_for_months_still_knows_what_it_had_done(db: Database) -> None:
    """It may have ended between its commit and its acknowledgement: that batch comes first when it is back."""
    kept = {await note(db, timedelta(days=300)), await note(db, timedelta(days=329))}
    await note(db, timedelta(days=331))
    assert await forget_notes(db, "test") == 1
    assert await noted(db) == kept


async def test_a_clock_that_was_ahead_for_a_while_forgets_nothing_early(db: Database) -> None:
    kept = {await note(db, -timedelta(days=400)), await note(db, INBOX_KEPT - MINUTE)}
    assert await forget_notes(db, "test") == 0
    assert await noted(db) == kept


async def test_one_consumer_says_nothing_about_another(db: Database) -> None:
    await note(db, timedelta(0), "busy")
    idle = await note(db, timedelta(days=300), "idle")
    assert await forget_notes(db, "busy") + await forget_notes(db, "idle") + await forget_notes(db, "new") == 0
    assert idle in await noted(db)


async def test_several_batches_by_two_processes_at_once(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    newest = await note(db, timedelta(0))
    async with db.transaction() as session:
        rows = [{"consumer": "test", "event_id": uuid4()} for _ in range(95)]
        await session.execute(insert(INBOX), rows)
        await session.execute(
            update(INBOX).where(INBOX.c.event_id != newest).values(received_at=func.now() - INBOX_KEPT - MINUTE)
        )
    deleted = await asyncio.gather(*(forget_notes(db, "test") for _ in range(2)))
    assert sum(deleted) == 95
    assert await noted(db) == {newest}


async def test_what_another_transaction_holds_is_passed_over_and_not_waited_for(db: Database) -> None:
    await note(db, timedelta(0))
    held, old = await note(db, INBOX_KEPT + MINUTE), await note(db, INBOX_KEPT + MINUTE)
    async with db.transaction() as session:
        await session.execute(select(INBOX).where(INBOX.c.event_id == held).with_for_update())
        async with asyncio.timeout(5):
            assert await forget_notes(db, "test") == 1
    assert old not in await noted(db)
    assert await forget_notes(db, "test") == 1


async def test_the_log_of_events_is_shortened_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "FORGET_EVERY_S", 0.001)
    monkeypatch.setattr(retention, "JOINED_AFTER_S", 0.001)
    thrice = asyncio.Event()
    calls = 0

    async def prune() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            thrice.set()

    running = asyncio.create_task(pruning_events(prune).run())
    async with asyncio.timeout(5):
        await thrice.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
