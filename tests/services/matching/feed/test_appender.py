"""Numbering under concurrency: invariant I11, pages joined = the committed sequence, whoever writes, reads or dies."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import func, select, text

from chassis import feed
from chassis.db import Database, WriteSession
from chassis.feed import LOOP
from services.matching.feed.models import FEED
from services.matching.feed.service import Note, note_all
from tests.services.matching.feed.happenings import (
    State,
    Subscriber,
    agreed,
    append_all,
    appending,
    happen,
    is_gapless,
)
from tests.support.services import Issuer

WRITERS = 16
MATCHES = 10
TRANSACTIONS = 12
SEED = 20200214


class UndoneOnPurpose(Exception):
    """A business transaction that fails after it has noted."""


@asynccontextmanager
async def undone(db: Database) -> AsyncIterator[WriteSession]:
    """A transaction that fails at its end."""
    with suppress(UndoneOnPurpose):
        async with db.transaction() as session:
            yield session
            raise UndoneOnPurpose


class Market:
    """Sixteen writers change matches under their row locks, as the service does, and note it for random accounts.

    A match's step is in its row, so one that is undone is taken again by the next who changes the match.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._random = random.Random(SEED)
        self.accounts = [uuid4() for _ in range(5)]
        self.committed: dict[UUID, set[tuple[int, int]]] = defaultdict(set)

    async def open(self) -> None:
        async with self._db.transaction() as session:
            await session.execute(text("CREATE TABLE matches_of_test (id int PRIMARY KEY, step int NOT NULL)"))
            await session.execute(
                text("INSERT INTO matches_of_test SELECT n, 0 FROM generate_series(1, :n) AS n"), {"n": MATCHES}
            )

    async def trade(self) -> None:
        await asyncio.gather(*[self._write() for _ in range(WRITERS)])

    async def _write(self) -> None:
        for _ in range(TRANSACTIONS):
            try:
                await self._change(sorted(self._random.sample(range(1, MATCHES + 1), 2)))
            except UndoneOnPurpose:
                continue

    async def _change(self, matches: list[int]) -> None:
        async with self._db.transaction() as session:
            notes = []
            for match in matches:
                change = text("UPDATE matches_of_test SET step = step + 1 WHERE id = :id RETURNING step")
                step = (await session.execute(change, {"id": match})).scalar_one()
                notes.append(agreed(match, *self._random.sample(self.accounts, 2), step=step))
                await note_all(session, notes[-1:])
                await asyncio.sleep(self._random.choice([0, 0, 0.002, 0.01]))  # others commit higher ids meanwhile
            if self._random.random() < 0.2:
                raise UndoneOnPurpose
        for each in notes:
            assert isinstance(each.match, State)
            for account in each.accounts:
                self.committed[account].add((each.match.id, each.match.step))


async def follow(reader: Subscriber, trading: asyncio.Task[None]) -> None:
    """Page through while the market trades, sometimes at the very end of the feed."""
    sizes = random.Random(reader.after)
    while not trading.done():
        await reader.turn(sizes.choice([1, 2, 5, 50]))
        await asyncio.sleep(0)


async def interrupted(db: Database, trading: asyncio.Task[None]) -> None:
    """An appender that is killed and started again, wherever it stands."""
    moments = random.Random(SEED)
    while not trading.done():
        async with appending(db):
            await asyncio.sleep(moments.uniform(0, 0.02))


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "BATCH", 7)


@pytest.mark.usefixtures("small_batches")
async def test_pages_joined_are_the_committed_sequence_under_sixteen_writers_and_two_appenders_one_of_them_dying(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    market = Market(db)
    await market.open()
    readers = [Subscriber(client, issuer, account) for account in market.accounts]
    trading = asyncio.create_task(market.trade())
    async with appending(db):
        await asyncio.gather(trading, interrupted(db, trading), *[follow(reader, trading) for reader in readers])
    await append_all(db)
    for account, reader in zip(market.accounts, readers, strict=True):
        await reader.read_on()
        assert is_gapless(reader.seqs)
        assert len(reader.events) == len(set(reader.events)), "an event came twice"
        assert set(reader.events) == market.committed[account]
        for match in range(1, MATCHES + 1):
            steps = [step for each, step in reader.events if each == match]
            assert steps == sorted(steps), "a match's events changed places"
        assert (await Subscriber(client, issuer, account).read_on()).items == reader.items


async def test_who_commits_late_comes_later_where_a_cursor_over_ids_would_skip_them(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    account = uuid4()
    reader = Subscriber(client, issuer, account)
    seen_by_id: list[int] = []

    async def look_by_id() -> None:
        """What a reader does who takes the ids for a sequence: the test's own proof that it can fail."""
        async with db.reading() as session:
            newer = select(FEED.pending.c.id).where(FEED.pending.c.id > max(seen_by_id, default=0))
            seen_by_id.extend((await session.scalars(newer)).all())

    async with db.transaction() as slow:
        await note_all(slow, [agreed(1, account)])
        await happen(db, agreed(2, account))
        await look_by_id()
        await append_all(db)
        await reader.read_on()
        assert reader.events == [(2, 1)]
    await look_by_id()
    await append_all(db)
    await reader.read_on()
    assert (reader.events, reader.seqs) == ([(2, 1), (1, 1)], [1, 2])
    assert seen_by_id == [2], "the row with the lower id was never seen by its id"


async def test_what_was_undone_leaves_no_gap(client: httpx.AsyncClient, issuer: Issuer, db: Database) -> None:
    account = uuid4()
    await happen(db, agreed(1, account))
    async with undone(db) as session:
        await note_all(session, [agreed(2, account)])
    await happen(db, agreed(3, account))
    await append_all(db)
    reader = await Subscriber(client, issuer, account).read_on()
    assert (reader.events, reader.seqs) == ([(1, 1), (3, 1)], [1, 2])


@pytest.mark.usefixtures("small_batches")
async def test_an_appender_that_dies_between_two_batches_loses_nothing(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    account = uuid4()
    await happen(db, *[agreed(number, account) for number in range(20)])
    assert await FEED.append_batch(db) == 7
    reader = await Subscriber(client, issuer, account).read_on()
    assert reader.seqs == [1, 2, 3, 4, 5, 6, 7]
    await append_all(db)
    await reader.read_on()
    assert reader.events == [(number, 1) for number in range(20)]
    assert is_gapless(reader.seqs)


async def test_an_appender_that_dies_inside_a_batch_has_done_nothing(db: Database) -> None:
    await happen(db, agreed(1, uuid4()))
    async with undone(db) as session:
        await session.execute(FEED.append, {"batch": 10})
    async with db.reading() as session:
        rows = [await session.scalar(select(func.count()).select_from(t)) for t in (FEED.pending, FEED.items)]
    assert rows == [1, 0]


async def test_two_appenders_take_turns_and_the_second_sees_what_the_first_left(db: Database) -> None:
    accounts = [uuid4() for _ in range(4)]
    await happen(db, *[agreed(number, *accounts) for number in range(50)])
    numbered = await asyncio.gather(*[FEED.append_batch(db) for _ in range(8)])
    assert sorted(numbered) == [0] * 7 + [50]
    async with db.reading() as session:
        heads = (await session.scalars(select(FEED.heads.c.seq))).all()
    assert list(heads) == [50] * 4


async def test_an_appender_waits_for_its_turn_and_then_sees_what_was_committed_meanwhile(db: Database) -> None:
    async with db.transaction() as other:
        await other.execute(select(func.pg_advisory_xact_lock(feed.APPENDER_LOCK)))
        waiting = asyncio.create_task(FEED.append_batch(db))
        await asyncio.sleep(0.2)  # long enough for one that does not wait
        await happen(db, agreed(1, uuid4()))
        assert not waiting.done()
    assert await waiting == 1


async def test_both_sides_of_an_event_are_numbered_in_one_batch(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "BATCH", 1)
    await happen(db, agreed(1, uuid4(), uuid4()))
    await FEED.append_batch(db)
    async with db.reading() as session:
        assert (await session.scalars(select(FEED.items.c.seq))).all() == [1, 1]


async def test_who_is_both_sides_hears_of_it_once(client: httpx.AsyncClient, issuer: Issuer, db: Database) -> None:
    account = uuid4()
    await happen(db, agreed(1, account, account))
    await append_all(db)
    assert (await Subscriber(client, issuer, account).read_on()).seqs == [1]


async def test_a_commit_in_this_process_wakes_the_appender(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "POLL_S", 3600)
    reader = Subscriber(client, issuer, uuid4())
    account = reader.account_id
    async with asyncio.timeout(10), appending(db):
        for number in range(1, 4):
            await asyncio.sleep(0.05)  # it sleeps by now
            await happen(db, agreed(number, account))
            while not await reader.turn(5):
                await asyncio.sleep(0.01)
    assert reader.events == [(1, 1), (2, 1), (3, 1)]


async def test_an_appender_that_is_woken_and_cancelled_at_once_ends(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "POLL_S", 3600)
    task = asyncio.create_task(FEED.keep_appending(db))
    await asyncio.sleep(0.2)  # it waits to be woken
    db.wake(LOOP).set()
    task.cancel()
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()


async def test_an_appender_elsewhere_finds_them_by_polling(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    reader = Subscriber(client, issuer, uuid4())
    elsewhere = Database(db.engine.url.render_as_string(hide_password=False), source="/duijie/matching")
    try:
        async with asyncio.timeout(10), appending(elsewhere):
            await happen(db, agreed(1, reader.account_id))
            while not await reader.turn(5):
                await asyncio.sleep(0.01)
    finally:
        await elsewhere.close()


async def test_a_matchs_later_event_never_has_an_earlier_time(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    """The transaction that began first writes last: the time is that of the writing."""
    account = uuid4()
    async with db.transaction() as began_first:
        await began_first.execute(select(func.now()))
        await happen(db, agreed(1, account, step=1))
        await note_all(began_first, [agreed(1, account, step=2)])
    await append_all(db)
    first, second = (await Subscriber(client, issuer, account).read_on()).items
    assert (first["match"]["step"], second["match"]["step"]) == (1, 2)
    assert first["at"] < second["at"]


async def test_nothing_to_note_is_no_statement(db: Database) -> None:
    none: list[Note] = []
    await happen(db, *none)
    assert await FEED.append_batch(db) == 0
