"""What is too large is told to whoever made it, and what got into the outbox nevertheless stops nobody."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, insert, select
from structlog.testing import capture_logs

from chassis import outbox
from chassis.app import create_app
from chassis.db import Database
from chassis.outbox import EVENT_MAX_B, EventTooLarge, Relay, append_records
from chassis.routes import Write, slice_router
from chassis.tables import OUTBOX
from chassis.transport.base import Record, Transport
from chassis.transport.kafka import KafkaTransport
from chassis.transport.kafka_log import KafkaLog
from chassis.transport.kafka_topics import ensure_topics
from contracts.event import DEAD_LETTERS
from tests.chassis.conftest import NOTES, NoteWritten
from tests.support.events import take
from tests.support.services import Issuer, client_of

router = slice_router("/notes", tag="notes")


@router.post("", status_code=204)
async def write_note(session: Write) -> None:
    await session.execute(insert(NOTES).values(id=1, text="a"))
    session.emit(NoteWritten(note_id=uuid4(), number=1))


async def test_an_event_that_would_not_fit_undoes_the_request_that_makes_it(
    db: Database, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "EVENT_MAX_B", 100)
    app = create_app("test", db=db, keys=issuer.keys, routers=[router])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False), base_url="http://duijie.test"
    ) as client:
        with capture_logs() as logged:
            answer = await client.post("/notes", headers=issuer.caller("producer"))
    assert answer.status_code == 500
    assert [each["type"] for each in logged if each["event"] == "event_too_large"] == [NoteWritten.TYPE]
    assert await count(db) == 0
    monkeypatch.undo()
    async with client_of(app) as client:
        assert (await client.post("/notes", headers=issuer.caller("producer"))).status_code == 204
    assert await count(db) == 1


class LongNote(NoteWritten):
    """The same with as much text as one likes."""

    text: str


@pytest.mark.parametrize(("length", "fits"), [(EVENT_MAX_B - 1_000, True), (EVENT_MAX_B, False)])
async def test_the_limit_counts_the_whole_record(db: Database, length: int, fits: bool) -> None:
    event = LongNote(note_id=uuid4(), number=1, text="x" * length)
    async with db.write_session() as session:
        if fits:
            await outbox.append(session, "/duijie/test", [(event, None)])
        else:
            with pytest.raises(EventTooLarge, match=f"{NoteWritten.TYPE} has"):
                await outbox.append(session, "/duijie/test", [(event, None)])


async def relayed(db: Database, transport: Transport, records: Sequence[Record]) -> None:
    """Put them into the outbox past the guard, and relay until it is empty."""
    async with db.transaction() as session:
        await append_records(session, records)
    relay = asyncio.create_task(Relay(db, transport).run())
    try:
        async with asyncio.timeout(20):
            while await waiting(db):
                assert not relay.done(), relay
                await asyncio.sleep(0.02)
    finally:
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)


async def test_what_kafka_refuses_for_its_size_goes_to_the_dead_letters_and_the_rest_is_sent(
    db: Database, kafka_bootstrap: str
) -> None:
    topic = f"test.{uuid4().hex}.v1"
    await ensure_topics(kafka_bootstrap, {topic: 2, topic + DEAD_LETTERS: 1})
    records = [Record(topic, f"key-{n % 3}", str(n).encode(), {"ce_id": str(n)}) for n in range(9)]
    records[4] = Record(topic, "key-1", b"x" * 2_000_000, {"ce_id": "4"})
    async with KafkaTransport(kafka_bootstrap) as transport:
        await relayed(db, transport, records)
        sent = list(dict.fromkeys(r.value for r in await take(transport, "matching", [topic], 8) if r.key == "key-1"))
        assert sent == [b"1", b"7"]
        found = [written.record async for written in KafkaLog(kafka_bootstrap).read([topic + DEAD_LETTERS])]
    (letter,) = found
    assert (letter.key, letter.value) == ("key-1", b"")
    assert letter.headers["ce_id"] == "4"
    assert letter.headers["dlq_body_bytes"] == "2000000"
    assert letter.headers["dlq_consumer"] == "/duijie/test"
    assert "MessageSizeTooLarge" in letter.headers["dlq_error"]


async def test_a_foreign_records_letter_may_be_too_large_too(db: Database, kafka_bootstrap: str) -> None:
    """A record just below the limit is above it with the reason of its death."""
    topic = f"test.{uuid4().hex}.v1.dlq"
    await ensure_topics(kafka_bootstrap, {topic: 1})
    reason = {"dlq_consumer": "matching", "dlq_error": "ValueError: no"}
    async with KafkaTransport(kafka_bootstrap) as transport:
        await relayed(db, transport, [Record(topic, "k", b"x" * 1_048_500, reason), Record(topic, "l", b"y", reason)])
    found = [written.record async for written in KafkaLog(kafka_bootstrap).read([topic])]
    assert [(r.topic, r.key, r.value, r.headers["dlq_consumer"]) for r in found] == [
        (topic, "k", b"", "matching"),
        (topic, "l", b"y", "matching"),
    ]


async def count(db: Database) -> int:
    async with db.reading() as session:
        return (await session.execute(select(func.count()).select_from(NOTES))).scalar_one()


async def waiting(db: Database) -> int:
    async with db.reading() as session:
        return (await session.execute(select(func.count()).select_from(OUTBOX))).scalar_one()
