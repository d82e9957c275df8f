"""Events come at least once; their effect happens exactly once, and one bad record stops nobody."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Collection, Sequence
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import insert, select, text
from sqlalchemy.exc import OperationalError

from chassis import inbox
from chassis.db import Database, WriteSession
from chassis.inbox import Consumer, Subscription
from chassis.outbox import to_record
from chassis.tables import OUTBOX
from chassis.transport.base import Batch, Record, TransportUnavailable
from contracts.event import Event
from tests.chassis.conftest import NOTES, NoteWritten


class Replayer:
    """A transport's receiving side that hands out these batches, and counts the acknowledgements."""

    def __init__(self, *batches: Sequence[Record]) -> None:
        self._batches = batches
        self.acknowledged = 0

    async def publish(self, records: Sequence[Record], *, after: Awaitable[object] | None = None) -> None:
        raise NotImplementedError

    async def consume(self, group: str, topics: Collection[str], *, limit: int = 500) -> AsyncIterator[Batch]:
        async def acknowledge() -> None:
            self.acknowledged += 1

        for records in self._batches:
            yield Batch(tuple(records), acknowledge)


async def keep(session: WriteSession, events: Sequence[Event]) -> None:
    """A handler whose effect can be counted: a second one for the same number is an error."""
    for event in events:
        assert isinstance(event, NoteWritten)
        if event.number < 0:
            raise ValueError(event.number)
        await session.execute(insert(NOTES).values(id=event.number, text=event.key))


def records(*numbers: int) -> list[Record]:
    return [to_record(NoteWritten(note_id=uuid4(), number=number), "/duijie/test") for number in numbers]


def consumer(db: Database, replayer: Replayer) -> Consumer:
    return Consumer("test", db, replayer, [Subscription(NoteWritten.TOPIC, keep)])


async def kept(db: Database) -> list[int]:
    async with db.reading() as session:
        return list((await session.scalars(select(NOTES.c.id).order_by(NOTES.c.id))).all())


async def dead(db: Database) -> list[Record]:
    async with db.reading() as session:
        rows = (await session.execute(select(OUTBOX).order_by(OUTBOX.c.id))).all()
    return [Record(row.topic, row.key, row.value, row.headers) for row in rows]


def counted(kind: str) -> float:
    """How many events this process has counted as such."""
    return REGISTRY.get_sample_value(f"duijie_events_{kind}_total", {"consumer": "test"}) or 0.0


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "RETRY_S", 0.001)
    monkeypatch.setattr(inbox, "TRANSIENT_RETRY_S", 0.001)


async def test_a_batch_that_comes_twice_has_its_effect_once(db: Database) -> None:
    batch = records(1, 2, 3)
    replayer = Replayer(batch, batch, [batch[1]])
    await consumer(db, replayer).run()
    assert await kept(db) == [1, 2, 3]
    assert replayer.acknowledged == 3


async def test_a_record_that_stands_twice_in_one_batch_has_its_effect_once(db: Database) -> None:
    heard: list[Event] = []

    async def hear(_: WriteSession, events: Sequence[Event]) -> None:
        heard.extend(events)

    first, second = records(1, 2)
    replayer = Replayer([first, second, first])
    await Consumer("test", db, replayer, [Subscription(NoteWritten.TOPIC, hear)]).run()
    assert [event.number for event in heard if isinstance(event, NoteWritten)] == [1, 2]


async def test_a_bad_record_goes_to_the_dead_letters_with_its_reason_and_the_others_have_their_effect(
    db: Database,
) -> None:
    batch = records(1, -1, 2)
    replayer = Replayer(batch)
    await consumer(db, replayer).run()
    assert await kept(db) == [1, 2]
    (letter,) = await dead(db)
    assert (letter.topic, letter.value) == ("test.notes.v1.dlq", batch[1].value)
    assert letter.headers["dlq_consumer"] == "test"
    assert "ValueError" in letter.headers["dlq_error"]
    assert replayer.acknowledged == 1


async def test_a_number_beyond_its_column_is_a_dead_letter_too_and_stops_nobody(db: Database) -> None:
    batch = records(1, 10**30, 2)
    replayer = Replayer(batch)
    async with asyncio.timeout(10):
        await consumer(db, replayer).run()
    assert await kept(db) == [1, 2]
    assert [letter.value for letter in await dead(db)] == [batch[1].value]
    assert replayer.acknowledged == 1


async def test_however_many_records_are_bad_their_batch_has_only_so_much_patience(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "RETRY_S", 0.2)
    monkeypatch.setattr(inbox, "PATIENCE_S", 0.5)
    started_s = time.monotonic()
    await consumer(db, Replayer(records(*range(-10, 0)), records(-11))).run()
    assert 1.0 <= time.monotonic() - started_s < 3.0  # and not 22: each would wait for 2 s
    assert len(await dead(db)) == 11


@pytest.fixture
def began(db: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the transactions that were begun."""
    numbers: list[int] = []
    transaction = db.transaction

    def counted() -> Any:
        numbers.append(len(numbers) + 1)
        return transaction()

    monkeypatch.setattr(db, "transaction", counted)
    return numbers


async def test_a_bad_record_costs_its_neighbours_few_transactions(db: Database, began: list[int]) -> None:
    await consumer(db, Replayer(records(*range(1, 100), -1, *range(100, 257)))).run()
    assert await kept(db) == list(range(1, 257))
    assert len(began) <= 2 * 8 + 1 + inbox.MAX_TRIES, "two for each halving, its tries, and its burial"


async def test_what_cant_be_read_is_not_tried_again_and_costs_its_neighbours_nothing(
    db: Database, began: list[int]
) -> None:
    batch = records(*range(10))
    batch[2:2] = [Record("test.notes.v1", "k", b"{", batch[0].headers)] * 3
    await consumer(db, Replayer(batch)).run()
    assert (await kept(db), len(await dead(db)), began) == (list(range(10)), 3, [1])


async def test_a_batch_waits_as_a_whole_for_a_database_that_is_away(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = 0
    transaction = db.transaction

    def away_twice() -> Any:
        nonlocal began
        began += 1
        if began <= 2:
            raise OperationalError("SELECT 1", {}, Exception("away"))
        return transaction()

    monkeypatch.setattr(db, "transaction", away_twice)
    await consumer(db, Replayer(records(*range(1, 10)))).run()
    assert (await kept(db), began) == (list(range(1, 10)), 3)


async def test_who_waits_for_a_missing_grant_or_table_holds_up_nobody_before_him_and_is_no_dead_letter(
    db: Database,
) -> None:
    async def late(session: WriteSession, events: Sequence[Event]) -> None:
        if any(isinstance(event, NoteWritten) and event.number == 7 for event in events):
            await session.execute(text("SELECT * FROM later"))
        await keep(session, events)

    async with asyncio.TaskGroup() as group:
        waiting = Consumer("test", db, Replayer(records(*range(1, 11))), [Subscription(NoteWritten.TOPIC, late)])
        consuming = group.create_task(waiting.run())
        async with asyncio.timeout(10):
            while len(await kept(db)) < 6:
                await asyncio.sleep(0.01)
        assert not consuming.done()
        async with db.transaction() as session:
            await session.execute(text("CREATE TABLE later ()"))
    assert (await kept(db), await dead(db)) == (list(range(1, 11)), [])


@pytest.mark.parametrize(
    "broken",
    [
        Record("test.notes.v1", "k", b"{", records(1)[0].headers),
        Record("test.notes.v1", "k", b'{"note_id": "138000", "number": "x"}', records(1)[0].headers),
        Record("test.notes.v1", "k", b"{}", {}),
        Record("test.notes.v1", "k", b"", records(1)[0].headers),
        records(2**40)[0],
        Record("test.notes.v1", "k", b"[" * 900_000, records(1)[0].headers),
        Record("test.notes.v1", "k", b'{"number": "138000' + b"x" * 900_000, records(1)[0].headers),
        Record("test.notes.v1", "k", b'{"note_id": "' + b"0" * 900_000 + b'"}', records(1)[0].headers),
        Record("test.notes.v1", "k", b"\xff\xfe\x00", records(1)[0].headers),
        Record("test.notes.v1", "k", records(9)[0].value, {**records(9)[0].headers, "ce_id": "7"}),
        Record("test.notes.v1", "k", records(9)[0].value, {**records(9)[0].headers, "ce_time": "soon"}),
        Record("test.notes.v1", "k\0", b"{", {**records(9)[0].headers, "a\0": "b\0"}),
    ],
    ids=[
        "no JSON",
        "wrong types",
        "no envelope",
        "a tombstone",
        "a number that no column holds",
        "900 kB of depth",
        "900 kB cut off",
        "900 kB of a field",
        "bytes",
        "no id",
        "no time",
        "NUL where PostgreSQL has none",
    ],
)
async def test_what_cant_be_read_is_dead_and_its_content_is_not_in_the_reason(db: Database, broken: Record) -> None:
    await consumer(db, Replayer([*records(6), broken, *records(7)], records(8))).run()
    assert await kept(db) == [6, 7, 8]
    (letter,) = await dead(db)
    assert (letter.topic, letter.value) == ("test.notes.v1.dlq", broken.value)
    assert "138000" not in letter.headers["dlq_error"]


async def test_a_type_that_is_not_known_is_passed_over(db: Database) -> None:
    (record,) = records(1)
    newer = Record(record.topic, record.key, b"\x01", {**record.headers, "ce_type": "duijie.test.from_tomorrow"})
    before = counted("unknown")
    await consumer(db, Replayer([newer, *records(2), newer], [newer])).run()
    assert (await kept(db), await dead(db)) == ([2], [])
    assert counted("unknown") - before == 3


async def test_each_record_is_counted_once_though_its_batch_was_redone(db: Database) -> None:
    batch = records(1, -1, 2)
    newer = Record("test.notes.v1", "k", b"", {**batch[0].headers, "ce_type": "duijie.test.from_tomorrow"})
    kinds = ("handled", "skipped", "unknown", "dead")
    before = [counted(kind) for kind in kinds]
    await consumer(
        db, Replayer([newer, *batch, batch[0]], [Record("test.notes.v1", "k", b"{", batch[0].headers)])
    ).run()
    assert [counted(kind) - was for kind, was in zip(kinds, before, strict=True)] == [2, 1, 1, 2]


async def test_a_known_type_with_more_in_it_than_today_has_its_effect(db: Database) -> None:
    (record,) = records(1)
    richer = Record(record.topic, record.key, record.value[:-1] + b',"from_tomorrow":{"x":[1]}}', record.headers)
    await consumer(db, Replayer([richer])).run()
    assert (await kept(db), await dead(db)) == ([1], [])


async def test_a_bad_record_is_tried_so_often_and_no_longer_than_three_seconds(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.undo()
    monkeypatch.setattr(inbox.asyncio, "sleep", note)
    await consumer(db, Replayer(records(-1))).run()
    assert len(waited) == inbox.MAX_TRIES - 1
    assert sum(waited) <= 3
    assert len(await dead(db)) == 1


async def test_the_next_batch_is_read_while_one_is_handled_and_none_is_acknowledged_before_its_effect(
    db: Database,
) -> None:
    one, two = records(1, 2)
    asked_for: list[int] = []
    acknowledged: list[int] = []

    class Watched(Replayer):
        async def consume(self, group: str, topics: Collection[str], *, limit: int = 500) -> AsyncIterator[Batch]:
            for number, record in enumerate((one, two), 1):

                async def acknowledge(number: int = number) -> None:
                    assert number in await kept(db)
                    acknowledged.append(number)

                asked_for.append(number)
                yield Batch((record,), acknowledge)

    async def keep_late(session: WriteSession, events: Sequence[Event]) -> None:
        await asyncio.sleep(0.02)
        assert asked_for == [1, 2]
        await keep(session, events)

    await Consumer("test", db, Watched(), [Subscription(NoteWritten.TOPIC, keep_late)]).run()
    assert sorted(acknowledged) == [1, 2], "the second is begun before the first is done"


async def test_what_goes_wrong_with_an_acknowledgement_ends_the_run_at_once_and_the_effect_stays(db: Database) -> None:
    class Lost(Replayer):
        async def consume(self, group: str, topics: Collection[str], *, limit: int = 500) -> AsyncIterator[Batch]:
            async def acknowledge() -> None:
                raise TransportUnavailable

            yield Batch(tuple(records(1)), acknowledge)
            yield Batch(tuple(records(2)), acknowledge)

    with pytest.raises(TransportUnavailable):
        await consumer(db, Lost()).run()
    assert await kept(db) == [1]


async def test_an_acknowledgement_that_fails_after_the_last_record_ends_the_run_too(db: Database) -> None:
    """Nothing more comes that would bring it to light."""

    class Silent(Replayer):
        async def consume(self, group: str, topics: Collection[str], *, limit: int = 500) -> AsyncIterator[Batch]:
            async def acknowledge() -> None:
                await asyncio.sleep(0.01)
                raise TransportUnavailable

            yield Batch(tuple(records(1)), acknowledge)
            await asyncio.Event().wait()

    async with asyncio.timeout(5):
        with pytest.raises(TransportUnavailable):
            await consumer(db, Silent()).run()
    assert await kept(db) == [1]


async def test_a_database_that_is_away_counts_no_try(db: Database) -> None:
    failures = iter([OperationalError("", {}, Exception())] * (3 * inbox.MAX_TRIES))

    async def flaky(session: WriteSession, events: Sequence[Event]) -> None:
        for failure in failures:
            raise failure
        await keep(session, events)

    await Consumer("test", db, Replayer(records(1)), [Subscription(NoteWritten.TOPIC, flaky)]).run()
    assert (await kept(db), await dead(db)) == ([1], [])


async def test_a_table_that_is_not_there_yet_counts_no_try_either(db: Database) -> None:
    """A program newer than its database would send every sound event to the dead letters."""
    tries = 0

    async def too_new(session: WriteSession, events: Sequence[Event]) -> None:
        nonlocal tries
        tries += 1
        if tries <= 3 * inbox.MAX_TRIES:
            await session.execute(text("INSERT INTO of_tomorrow VALUES (1)"))
        await keep(session, events)

    await Consumer("test", db, Replayer(records(1, 2)), [Subscription(NoteWritten.TOPIC, too_new)]).run()
    assert (await kept(db), await dead(db)) == ([1, 2], [])


async def test_two_consumers_each_have_the_effect(db: Database) -> None:
    seen: list[str] = []

    def subscription(name: str) -> Subscription:
        async def see(session: WriteSession, events: Sequence[Event]) -> None:
            seen.extend(name for _ in events)

        return Subscription(NoteWritten.TOPIC, see)

    batch = records(1, 2)
    for name in ("a", "b", "a"):
        await Consumer(name, db, Replayer(batch), [subscription(name)]).run()
    assert sorted(seen) == ["a", "a", "b", "b"]


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_way_records_are_delivered_each_has_its_effect_once(db: Database, seed: int) -> None:
    chance = random.Random(seed)
    batch = records(*range(6))
    deliveries = [chance.choices(batch, k=chance.randint(1, 8)) for _ in range(6)]
    await consumer(db, Replayer(*deliveries, batch)).run()
    assert await kept(db) == list(range(6))
