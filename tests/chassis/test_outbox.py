"""The relay sends what was committed, in order, and forgets it only when it was acknowledged."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Collection, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest

from chassis import outbox
from chassis.db import Database
from chassis.outbox import Relay
from chassis.transport.base import Record, RecordTooLarge, TransportUnavailable
from chassis.worker import Task, Worker
from contracts.event import DEAD_LETTERS, Envelope
from tests.chassis.conftest import NoteWritten
from tests.support.services import event_of, told
from tests.support.waiting import until


class Recorder:
    """A transport's sending side that keeps what it was given, and can be out of reach."""

    def __init__(self) -> None:
        self.sent: list[Record] = []
        self.reachable = True

    async def publish(self, records: Sequence[Record], *, after: Awaitable[object] | None = None) -> None:
        if after is not None:
            await after
        if not self.reachable:
            raise TransportUnavailable
        self.sent.extend(records)

    def consume(self, group: str, topics: Collection[str], *, limit: int = 500) -> AsyncIterator[None]:
        raise NotImplementedError


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(relay.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def write(db: Database, note_id: UUID, number: int) -> None:
    async with db.transaction() as session:
        session.emit(NoteWritten(note_id=note_id, number=number))


async def test_what_is_committed_is_sent_in_order_and_then_forgotten(db: Database) -> None:
    recorder, note = Recorder(), uuid4()
    async with running(Relay(db, recorder)):
        for number in range(20):
            await write(db, note, number)
        await until(lambda: len(recorder.sent) == 20)
        async with asyncio.timeout(10):
            while await told(db):
                await asyncio.sleep(0.01)
    assert [event_of(record).number for record in recorder.sent] == list(range(20))


async def test_the_envelope_says_who_when_and_about_what(db: Database) -> None:
    recorder, note = Recorder(), uuid4()
    await write(db, note, 1)
    async with running(Relay(db, recorder)):
        await until(lambda: recorder.sent)
    envelope = Envelope.from_headers(recorder.sent[0].headers)
    assert (envelope.source, envelope.subject, envelope.type) == ("/duijie/test", str(note), NoteWritten.TYPE)
    assert recorder.sent[0].headers["ce_specversion"] == "1.0"
    assert recorder.sent[0].key == str(note)


async def test_what_was_not_acknowledged_stays_and_is_sent_later(db: Database) -> None:
    recorder = Recorder()
    recorder.reachable = False
    await write(db, uuid4(), 1)
    with pytest.raises(TransportUnavailable):
        await Relay(db, recorder).run()
    assert len(await told(db)) == 1
    recorder.reachable = True
    async with running(Relay(db, recorder)):
        await until(lambda: len(recorder.sent) == 1)


async def test_of_two_relays_one_works_and_the_other_takes_over_when_it_dies(db: Database) -> None:
    first, second = Recorder(), Recorder()
    async with running(Relay(db, first)) as working:
        await write(db, uuid4(), 1)
        await until(lambda: first.sent)
        async with running(Relay(db, second)):
            await write(db, uuid4(), 2)
            await until(lambda: len(first.sent) == 2)
            assert second.sent == []
            working.cancel()
            await write(db, uuid4(), 3)
            # what was sent just before, but not yet forgotten, may be sent once more
            await until(lambda: second.sent and event_of(second.sent[-1]).number == 3)


async def test_many_writers_at_once_lose_nothing_and_keep_the_order_of_each_key(db: Database) -> None:
    recorder = Recorder()
    notes = [uuid4() for _ in range(8)]

    async def writer(note: UUID) -> None:
        for number in range(25):
            await write(db, note, number)

    async with running(Relay(db, recorder)):
        await asyncio.gather(*(writer(note) for note in notes))
        await until(lambda: len(recorder.sent) == 200)
    for note in notes:
        of_note = [event_of(record).number for record in recorder.sent if record.key == str(note)]
        assert of_note == list(range(25))


class Slow(Recorder):
    """Acknowledges nothing until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.begun = 0
        self.acknowledge = asyncio.Event()

    async def publish(self, records: Sequence[Record], *, after: Awaitable[object] | None = None) -> None:
        self.asked += 1
        if after is not None:
            await after
        self.begun += 1
        await self.acknowledge.wait()
        await super().publish(records)


async def test_a_batch_is_sent_only_after_the_one_before_was_acknowledged(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH", 2)
    slow, note = Slow(), uuid4()
    for number in range(5):
        await write(db, note, number)
    async with running(Relay(db, slow)):
        await until(lambda: slow.begun)
        await asyncio.sleep(0.2)
        assert slow.begun == 1
        assert len(await told(db)) == 5
        slow.acknowledge.set()
        await until(lambda: len(slow.sent) == 5)
    assert [event_of(record).number for record in slow.sent] == list(range(5))


async def test_a_row_below_those_being_sent_that_is_committed_meanwhile_is_sent_next(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH", 2)
    slow = Slow()
    async with db.transaction() as late:
        await outbox.append_records(late, [outbox.to_record(NoteWritten(note_id=uuid4(), number=0), "/duijie/test")])
        for number in range(1, 5):
            await write(db, uuid4(), number)
        relaying = running(Relay(db, slow))
        await relaying.__aenter__()
        await until(lambda: slow.asked == 2)  # so 3 and 4 have been read
    slow.acknowledge.set()
    await until(lambda: len(slow.sent) == 5)
    await relaying.__aexit__(None, None, None)
    assert [event_of(record).number for record in slow.sent] == [1, 2, 3, 4, 0]


class Hasty(Slow):
    """Says at once that a batch is too large, before it waits for the one before; takes single records."""

    async def publish(self, records: Sequence[Record], *, after: Awaitable[object] | None = None) -> None:
        if after is not None:
            raise RecordTooLarge
        if len(records) > 1:
            await self.acknowledge.wait()
        self.sent.extend(records)


async def test_what_is_sent_in_halves_for_its_size_waits_for_the_batch_before(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH", 2)
    hasty, note = Hasty(), uuid4()
    for number in range(4):
        await write(db, note, number)
    async with running(Relay(db, hasty)):
        await asyncio.sleep(0.3)
        assert hasty.sent == []
        hasty.acknowledge.set()
        await until(lambda: len(hasty.sent) == 4)
    assert [event_of(record).number for record in hasty.sent] == [0, 1, 2, 3]


class Picky(Recorder):
    """Takes no record with a negative number."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    async def publish(self, records: Sequence[Record], *, after: Awaitable[object] | None = None) -> None:
        self.calls += 1
        if after is not None:
            await after
        if any(not record.topic.endswith(DEAD_LETTERS) and event_of(record).number < 0 for record in records):
            raise RecordTooLarge
        self.sent.extend(records)


async def test_one_record_that_is_too_large_costs_its_batch_few_sendings(db: Database) -> None:
    picky, note = Picky(), uuid4()
    numbers = [*range(700), -1, *range(700, 1000)]
    async with db.transaction() as session:
        session.emit(*[NoteWritten(note_id=note, number=number) for number in numbers])
    async with running(Relay(db, picky)):
        await until(lambda: len(picky.sent) == len(numbers))
    sent = [event_of(record).number for record in picky.sent if record.topic == NoteWritten.TOPIC]
    assert sent == list(range(1000))
    (letter,) = [record for record in picky.sent if record.topic != NoteWritten.TOPIC]
    assert (letter.topic, letter.value) == (NoteWritten.TOPIC + DEAD_LETTERS, b"")
    assert picky.calls < 40


class Narrow(Recorder):
    """A line over which no more than so many records get through in time."""

    room = 7

    async def publish(self, records: Sequence[Record], *, after: Awaitable[object] | None = None) -> None:
        if after is not None:
            await after
        if len(records) > self.room:
            raise TransportUnavailable
        self.sent.extend(records)


async def test_over_a_slow_line_less_is_sent_at_a_time_until_it_gets_through(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.worker.RESTART_MAX_S", 0.01)
    narrow, note = Narrow(), uuid4()
    async with db.transaction() as session:
        session.emit(*[NoteWritten(note_id=note, number=number) for number in range(100)])
    worker = asyncio.create_task(Worker("test", [Task("relay", Relay(db, narrow).run)]).run())
    try:
        await until(lambda: len(narrow.sent) == 100)
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    assert [event_of(record).number for record in narrow.sent] == list(range(100))


async def test_a_batch_holds_no_more_bytes_than_are_allowed_but_one_record_always(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH_BYTES", 2500)
    sizes: list[int] = []

    class Measuring(Recorder):
        async def publish(self, records: Sequence[Record], *, after: Awaitable[object] | None = None) -> None:
            sizes.append(sum(len(record.value) for record in records))
            await super().publish(records, after=after)

    recorder = Measuring()
    bodies = [b"x" * size for size in (1000, 1000, 1000, 9000, 10, 1000)]
    async with db.transaction() as session:
        await outbox.append_records(session, [Record("test.notes.v1", "k", body, {}) for body in bodies])
    async with running(Relay(db, recorder)):
        await until(lambda: len(recorder.sent) == len(bodies))
    assert [record.value for record in recorder.sent] == bodies
    assert sizes == [3000, 9000, 1010]


async def test_a_relay_that_waits_long_for_the_transport_keeps_its_lock(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.db.BEAT_S", 0.05)
    slow = Slow()
    await write(db, uuid4(), 1)
    async with running(Relay(db, slow)):
        await until(lambda: slow.begun)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.6), db.holding(outbox.RELAY_LOCK, retry_s=0.02, stale_after_s=0.3):
                pass
        slow.acknowledge.set()
        await until(lambda: len(slow.sent) == 1)
