"""A dead letter can be read and sent again, and then has its effect exactly where it had none."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from sqlalchemy import select

from chassis import inbox
from chassis.db import Database, WriteSession
from chassis.dead_letters import (
    REDRIVEN_WITHIN,
    Letter,
    Log,
    Written,
    body_of,
    dead_letter,
    letters,
    redrive,
    without_body,
)
from chassis.inbox import Consumer, Subscription
from chassis.outbox import Relay, to_record
from chassis.tables import INBOX
from chassis.transport.base import Record, Transport
from chassis.transport.kafka import KafkaTransport
from chassis.transport.kafka_log import KafkaLog
from chassis.transport.kafka_topics import ensure_topics
from chassis.transport.postgres import PostgresTransport
from chassis.worker import Task, Worker
from contracts.event import DEAD_LETTERS, Event
from tests.chassis.conftest import NoteWritten

NOW = datetime(2026, 7, 1, tzinfo=UTC)


class Shop:
    """A transport, its log, and a topic with its dead letters."""

    def __init__(self, transport: Transport, log: Log, topic: str) -> None:
        self.transport = transport
        self.log = log
        self.topic = topic

    async def bury(self, *records: Record) -> None:
        await self.transport.publish([dead_letter(record, "matching", "ValueError: no") for record in records])

    async def letters(self) -> list[Letter]:
        return await letters(self.log, [self.topic])

    async def sent(self) -> list[Record]:
        return [written.record async for written in self.log.read([self.topic])]


@pytest.fixture(params=["postgres_url", "kafka_bootstrap"])
def where(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture
async def shop(where: str) -> AsyncIterator[Shop]:
    topic = f"test.{uuid4().hex}.v1"
    if where.startswith("postgresql"):
        async with PostgresTransport(where) as transport:
            yield Shop(transport, transport, topic)
        return
    await ensure_topics(where, {topic: 2, topic + DEAD_LETTERS: 2})
    async with KafkaTransport(where) as kafka:
        yield Shop(kafka, KafkaLog(where), topic)


def written_to(topic: str, key: str, body: bytes = b"{}", **headers: str) -> Record:
    return Record(topic, key, body, {"ce_type": "duijie.test.thing", "content-type": "application/json", **headers})


async def test_letters_are_listed_shown_redriven_in_order_and_known_as_such_afterwards(shop: Shop) -> None:
    buried = [written_to(shop.topic, f"key-{n % 2}", str(n).encode()) for n in range(6)]
    await shop.bury(*buried)
    found = await shop.letters()
    assert len({letter.id for letter in found}) == 6
    assert {(each.topic, each.type, each.consumer, each.error, each.state) for each in found} == {
        (shop.topic, "duijie.test.thing", "matching", "ValueError: no", "waiting")
    }
    assert abs(found[0].at - datetime.now(UTC)) < timedelta(minutes=1)
    first = next(letter for letter in found if letter.key == "key-1")
    assert await body_of(shop.log, first) == b"1"

    assert await redrive(shop.log, shop.transport, found[:5]) == 5
    sent = await shop.sent()
    for key in ("key-0", "key-1"):
        chosen = [letter.id for letter in found[:5] if letter.key == key]
        assert [record for record in sent if record.key == key] == [r for r in buried if r.key == key][: len(chosen)]
    redriven = {letter.id for letter in await shop.letters() if letter.state == "redriven"}
    assert redriven == {letter.id for letter in found[:5]}


async def test_where_nothing_died_there_are_no_letters(shop: Shop) -> None:
    assert await shop.letters() == []
    assert await letters(shop.log, ["no.such.topic.v1"]) == []


async def test_what_is_redriven_and_dies_again_is_a_new_letter(shop: Shop) -> None:
    await shop.bury(written_to(shop.topic, "k"))
    await redrive(shop.log, shop.transport, await shop.letters())
    await shop.bury(*await shop.sent())
    assert sorted(letter.state for letter in await shop.letters()) == ["redriven", "waiting"]


async def test_what_no_one_could_read_goes_back_byte_for_byte(shop: Shop) -> None:
    poison = Record(shop.topic, "", b"\xff\x00{", {"odd": "草莓"})
    await shop.bury(poison)
    await redrive(shop.log, shop.transport, await shop.letters())
    assert await shop.sent() == [poison]


async def test_a_large_letter_goes_back_whole(shop: Shop) -> None:
    large = written_to(shop.topic, "k", b"x" * 900_000)
    await shop.bury(large)
    await redrive(shop.log, shop.transport, await shop.letters())
    assert await shop.sent() == [large]


class Torn:
    """A transport that dies after so many calls."""

    def __init__(self, transport: Transport, calls: int) -> None:
        self._transport, self._calls = transport, calls

    async def publish(self, records: Sequence[Record], *, after: Awaitable[object] | None = None) -> None:
        if self._calls == 0:
            raise ConnectionResetError
        self._calls -= 1
        await self._transport.publish(records)


async def test_a_redrive_that_is_cut_short_repeats_and_never_loses(postgres_url: str) -> None:
    async with PostgresTransport(postgres_url) as transport:
        shop = Shop(transport, transport, "test.torn.v1")
        await shop.bury(written_to(shop.topic, "k"))
        with pytest.raises(ConnectionResetError):
            await redrive(shop.log, Torn(transport, calls=1), await shop.letters())  # type: ignore[arg-type]
        (letter,) = await shop.letters()
        assert letter.state == "waiting"
        await redrive(shop.log, transport, [letter])
        assert len(await shop.sent()) == 2


async def test_after_a_redrive_only_who_failed_handles_it(
    db: Database, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One consumer fails on one event of three, the other on none; both see all of them again."""
    monkeypatch.setattr(inbox, "RETRY_S", 0.001)
    broken = True
    handled: list[tuple[str, int]] = []

    def subscription(name: str, fails: Callable[[int], bool]) -> Subscription:
        async def handle(session: WriteSession, events: Sequence[Event]) -> None:
            for event in events:
                assert isinstance(event, NoteWritten)
                if fails(event.number):
                    raise ValueError("not yet")
            handled.extend((name, event.number) for event in events if isinstance(event, NoteWritten))

        return Subscription(NoteWritten.TOPIC, handle)

    events = [to_record(NoteWritten(note_id=uuid4(), number=number), "/duijie/test") for number in range(3)]
    async with PostgresTransport(postgres_url) as transport:
        await transport.publish(events)
        consumers = [
            Consumer("matching", db, transport, [subscription("matching", lambda number: broken and number == 1)]),
            Consumer("logistics", db, transport, [subscription("logistics", lambda number: False)]),
        ]
        async with _running(*consumers, Relay(db, transport)):
            found = await _until(lambda: letters(transport, [NoteWritten.TOPIC]))
            await _until(lambda: _enough(handled, 5))
            assert [(each.consumer, each.type) for each in found] == [("matching", NoteWritten.TYPE)]
            broken = False
            assert await redrive(transport, transport, found) == 1
            await _until(lambda: _enough(handled, 6))
            await _until(lambda: _enough(handled, 7), within_s=0.5)
    assert sorted(handled) == [(name, number) for name in ("logistics", "matching") for number in range(3)]
    async with db.reading() as session:
        assert len((await session.scalars(select(INBOX.c.event_id))).all()) == 6


async def test_foreign_poison_on_kafka_dies_and_what_is_behind_it_has_its_effect(
    db: Database, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind is written by another client, as no producer of ours would."""
    monkeypatch.setattr(inbox, "RETRY_S", 0.01)
    topic = f"test.{uuid4().hex}.v1"
    await ensure_topics(kafka_bootstrap, {topic: 1, topic + DEAD_LETTERS: 1})
    (good,) = (to_record(NoteWritten(note_id=uuid4(), number=n), "/duijie/test") for n in [7])
    own = [(name, text.encode()) for name, text in good.headers.items()]
    newer = [(name, b"duijie.test.from_tomorrow" if name == "ce_type" else text) for name, text in own]
    poison: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]] = [
        (b"k", b"{", own),
        (b"k", b'{"note_id": 1, "number": "x"}', own),
        (b"k", b"x" * 900_000, own),
        (b"\x00\xff", b"{}", [("a", b"\x00\xff")]),
        (b"k", None, []),
    ]
    handled: list[Event] = []

    async def handle(session: WriteSession, events: Sequence[Event]) -> None:
        handled.extend(events)

    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as foreign:
        for key, value, headers in [*poison, (b"k", b"{}", newer), (good.key.encode(), good.value, own)]:
            await foreign.send_and_wait(topic, value, key=key, headers=headers)
    log = KafkaLog(kafka_bootstrap)
    async with KafkaTransport(kafka_bootstrap) as transport:
        consumer = Consumer("test", db, transport, [Subscription(topic, handle)])
        async with _running(consumer, Relay(db, transport)):
            found = await _until(lambda: _all_of(log, topic, len(poison)), within_s=20)
            await _until(lambda: _handled(handled), within_s=5)
        assert handled == [NoteWritten.model_validate_json(good.value)]
        assert [letter.size for letter in found] == [1, 29, 900_000, 2, 0]
        assert await redrive(log, transport, found) == len(poison)
    again = [written.record.value async for written in log.read([topic])][-len(poison) :]
    assert again == [value or b"" for _, value, _ in poison]


async def _all_of(log: Log, topic: str, count: int) -> list[Letter]:
    found = await letters(log, [topic])
    return found if len(found) == count else []


async def _handled(handled: list[Event]) -> list[Event]:
    return handled


def letter_of(record: Record, at: datetime = NOW) -> Letter:
    return Letter.of(Written("7", at, record))


def test_what_was_redriven_is_redriven_again_only_when_asked_for() -> None:
    letter = replace(letter_of(dead_letter(written_to("t", "k"), "m", "e")), redriven=True)
    assert letter.why_not(NOW) == "it was redriven before"
    assert letter.why_not(NOW, again=True) is None


@pytest.mark.parametrize(("days", "allowed"), [(13, True), (15, False)])
def test_what_others_may_have_forgotten_is_not_redriven(days: int, allowed: bool) -> None:
    old = written_to("t", "k", ce_time=(NOW - timedelta(days=days)).isoformat())
    why = letter_of(dead_letter(old, "m", "e")).why_not(NOW, again=True)
    assert (why is None) == allowed
    assert why is None or str(REDRIVEN_WITHIN.days) in why


@pytest.mark.parametrize("time", ["", "yesterday", "2026-06-30T00:00:00"])
def test_a_time_that_cant_be_read_holds_nothing_up(time: str) -> None:
    assert letter_of(dead_letter(written_to("t", "k", ce_time=time), "m", "e")).why_not(NOW) is None


def test_what_was_too_large_to_keep_is_not_redriven_and_fits_whatever_it_was() -> None:
    monster = Record("t", "k" * 9_000, b"x" * 9_000_000, {f"header-{n}": "草" * 9_000 for n in range(900)})
    for record in (monster, dead_letter(monster, "matching", "e" * 9_000)):
        rest = without_body(record, "/duijie/test", "MessageSizeTooLarge")
        assert (rest.topic, rest.value, rest.headers["dlq_body_bytes"]) == ("t.dlq", b"", "9000000")
        assert sum(len((name + text).encode()) for name, text in rest.headers.items()) < 100_000
        assert letter_of(rest).why_not(NOW) == "its body was too large to be kept"


def test_a_record_cant_pass_for_a_receipt() -> None:
    forged = written_to("t", "k", dlq_redriven_of="t.dlq/7", dlq_body_bytes="1")
    assert set(dead_letter(forged, "m", "e").headers) == {"ce_type", "content-type", "dlq_consumer", "dlq_error"}


@asynccontextmanager
async def _running(*loops: Consumer | Relay) -> AsyncIterator[None]:
    worker = Worker("test", [Task(f"loop-{number}", loop.run) for number, loop in enumerate(loops)])
    running = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _until(ask: Callable[[], object], within_s: float = 10.0) -> list[Letter]:
    """What `ask` answers once it is not empty, or the last answer when the time is over."""
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        answer: list[Letter] = await ask()  # type: ignore[misc]
        if answer or asyncio.get_running_loop().time() > deadline:
            return answer
        await asyncio.sleep(0.02)


async def _enough(handled: list[tuple[str, int]], count: int) -> bool:
    return len(handled) >= count
