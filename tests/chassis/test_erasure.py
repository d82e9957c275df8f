"""Nothing is written for an account after its erasure was heard of, however the two meet."""

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import func, insert, select, update
from structlog.testing import capture_logs

from chassis.app import create_app
from chassis.db import Database, WriteSession
from chassis.problems import Unauthenticated
from chassis.tables import IDEMPOTENCY
from tests.chassis.conftest import ERASED, THINGS
from tests.support.services import Issuer, client_of


class Killed(BaseException):
    """What no work goes on after."""


async def erase(db: Database, *account_ids: UUID) -> None:
    async with db.transaction() as session:
        await ERASED.remember(session, account_ids)


async def erased_among(db: Database, account_ids: Collection[UUID]) -> set[UUID]:
    async with db.transaction() as session:
        return await ERASED.among(session, account_ids)


async def test_an_erased_account_is_remembered_and_refused_and_others_are_not(db: Database) -> None:
    gone, other = uuid4(), uuid4()
    await erase(db, gone)
    await erase(db, gone)
    await erase(db)
    assert await erased_among(db, [other, gone, gone]) == {gone}
    assert await erased_among(db, []) == set()
    async with db.transaction() as session:
        await ERASED.refuse(session, other)
        with pytest.raises(Unauthenticated):
            await ERASED.refuse(session, gone)


async def test_who_only_says_less_of_the_erased_holds_off_no_erasure(db: Database) -> None:
    gone, going = uuid4(), uuid4()
    await erase(db, gone)
    async with db.transaction() as session:
        assert await ERASED.known_among(session, [going, gone]) == {gone}
        assert await ERASED.known_among(session, []) == set()
        async with asyncio.timeout(2):
            await erase(db, going)
        assert await ERASED.known_among(session, [going, gone]) == {going, gone}


async def test_the_answers_to_it_are_forgotten_with_it(db: Database) -> None:
    gone, other = uuid4(), uuid4()
    rows = [
        {"caller": str(each), "key": "k", "request_hash": b"", "status": 200, "headers": {}, "body": b""}
        for each in (gone, other)
    ]
    async with db.transaction() as session:
        await session.execute(insert(IDEMPOTENCY), rows)
    await erase(db, gone)
    await ERASED.forget(db)
    async with db.reading() as session:
        assert (await session.scalars(select(IDEMPOTENCY.c.caller))).all() == [str(other)]


async def test_one_that_is_being_erased_is_refused_without_waiting(db: Database) -> None:
    gone = uuid4()
    async with db.transaction() as session:
        await ERASED.remember(session, [gone])
        async with asyncio.timeout(2):
            assert await erased_among(db, [gone]) == {gone}


async def test_who_is_held_off_is_asked_for_once_a_transaction(db: Database) -> None:
    gone, other = uuid4(), uuid4()
    await erase(db, gone)
    queries: list[str] = []
    async with db.write_session() as session:
        driver = (await (await session.connection()).get_raw_connection()).driver_connection
        assert driver is not None
        with driver.query_logger(lambda asked: queries.append(asked.query)):
            assert await ERASED.among(session, [gone, other]) == {gone}
            asked_for_both = len(queries)
            assert await ERASED.among(session, [other]) == set()
            assert len(queries) == asked_for_both, "nobody can have erased it meanwhile"
            assert await ERASED.among(session, [gone, other]) == {gone}
            await db.commit(session)
            before = len(queries)
            assert await ERASED.among(session, [other]) == set()
            assert len(queries) > before, "after the commit somebody may have"


async def test_what_is_asked_within_a_savepoint_is_held_no_longer_than_that(db: Database) -> None:
    gone = uuid4()
    async with db.transaction() as session:
        async with session.begin_nested() as savepoint:
            assert await ERASED.among(session, [gone]) == set()
            await savepoint.rollback()
        await erase(db, gone)
        assert await ERASED.among(session, [gone]) == {gone}


async def test_holding_an_erasure_off_tells_the_time_by_the_database(db: Database) -> None:
    gone, other = uuid4(), uuid4()
    await erase(db, gone)
    async with db.transaction() as session:
        before: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
        now = await ERASED.hold(session, [gone, other])
        after: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
        assert before < now < after
        assert session.held == {other}
        assert await ERASED.among(session, [gone, other]) == {gone}


async def test_an_erasure_waits_for_what_is_being_written_and_sees_it(db: Database) -> None:
    gone, thing_id = uuid4(), uuid4()

    async def seen_by_the_erasure() -> list[UUID]:
        async with db.transaction() as session:
            await ERASED.remember(session, [gone])
            return list((await session.scalars(select(THINGS.c.id))).all())

    async with db.transaction() as session:
        assert await ERASED.among(session, [gone]) == set()
        await session.execute(insert(THINGS).values(id=thing_id, text="x"))
        erasing = asyncio.create_task(seen_by_the_erasure())
        await asyncio.sleep(0.1)
        assert not erasing.done()
    assert await erasing == [thing_id]


async def test_of_many_writers_at_once_none_writes_what_the_erasure_does_not_see(db: Database) -> None:
    gone = uuid4()

    async def write() -> UUID | None:
        async with db.transaction() as session:
            if await ERASED.among(session, [gone]):
                return None
            thing_id = uuid4()
            await session.execute(insert(THINGS).values(id=thing_id, text="x"))
            return thing_id

    async def seen() -> set[UUID]:
        await asyncio.sleep(0.005)
        async with db.transaction() as session:
            await ERASED.remember(session, [gone])
            return set((await session.scalars(select(THINGS.c.id))).all())

    erasing = asyncio.create_task(seen())
    written = {each for each in await asyncio.gather(*(write() for _ in range(60))) if each is not None}
    assert await erasing == written


async def test_steps_go_on_from_where_they_were_each_batch_in_a_transaction_of_its_own(db: Database) -> None:
    gone, first, second = uuid4(), uuid4(), uuid4()
    calls: list[tuple[str, UUID | None]] = []

    async def batches(session: WriteSession, account_id: UUID, after: UUID | None) -> UUID | None:
        calls.append((f"batches of {account_id}", after))
        if after == second and len(calls) == 3:
            raise Killed
        return {None: first, first: second}.get(after)

    async def last(session: WriteSession, account_id: UUID, after: UUID | None) -> None:
        calls.append((f"last of {account_id}", after))

    await erase(db, gone)
    with pytest.raises(Killed):
        await ERASED.forget(db, batches, last)
    await ERASED.forget(db, batches, last)
    of_batches = f"batches of {gone}"
    assert calls == [
        *((of_batches, after) for after in (None, first, second)),
        (of_batches, second),
        (f"last of {gone}", None),
    ]
    await erase(db, gone)
    await ERASED.forget(db, batches, last)
    assert len(calls) == 5, "who was forgotten is not forgotten again"


async def test_two_at_once_forget_each_account_once(db: Database) -> None:
    gone = [uuid4() for _ in range(6)]
    forgotten: list[UUID] = []

    async def forget(session: WriteSession, account_id: UUID, after: UUID | None) -> None:
        await asyncio.sleep(0.01)
        forgotten.append(account_id)

    await erase(db, *gone)
    await asyncio.gather(*(ERASED.forget(db, forget) for _ in range(3)))
    assert sorted(forgotten) == sorted(gone)


async def waiting(db: Database) -> dict[UUID, tuple[int, float]]:
    """Of each account with something left to forget: how often in a row it failed, and for how long it waits (s)."""
    rows = select(ERASED.table, func.clock_timestamp().label("now")).where(ERASED.table.c.forgotten_at.is_(None))
    async with db.reading() as session:
        found = (await session.execute(rows)).all()
    return {row.account_id: (row.tries, (row.try_at - row.now).total_seconds()) for row in found}


def failures() -> float:
    return REGISTRY.get_sample_value("duijie_tasks_failed_total", {"service": "test", "task": "erasures"}) or 0.0


async def let_pauses_end(db: Database) -> None:
    async with db.transaction() as session:
        await session.execute(update(ERASED.table).values(try_at=func.now()))


async def test_who_was_heard_of_first_is_forgotten_first(db: Database) -> None:
    gone = sorted((uuid4() for _ in range(4)), reverse=True)
    forgotten: list[UUID] = []

    async def forget(session: WriteSession, account_id: UUID, after: UUID | None) -> None:
        forgotten.append(account_id)

    for each in gone:
        await erase(db, each)
    await ERASED.forget(db, forget)
    assert forgotten == gone


async def test_one_that_fails_stops_no_other_and_is_put_off_for_longer_each_time(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    poisoned, others = uuid4(), [uuid4() for _ in range(3)]
    calls: list[UUID] = []
    mended = False

    async def forget(session: WriteSession, account_id: UUID, after: UUID | None) -> None:
        calls.append(account_id)
        await session.execute(insert(THINGS).values(id=account_id, text="x"))
        if account_id == poisoned and not mended:
            raise ValueError("poison")

    await erase(db, poisoned)
    await erase(db, *others)
    before = failures()
    with capture_logs() as logs:
        await ERASED.forget(db, forget)
    assert sorted(calls) == sorted([poisoned, *others])
    async with db.reading() as session:
        assert set((await session.scalars(select(THINGS.c.id))).all()) == set(others), "nothing of the failure stands"
    ((tries, pause_s),) = (await waiting(db)).values()
    assert (tries, 0.0 < pause_s <= 1.0) == (1, True)
    (said,) = [each for each in logs if each["event"] == "erasure_failed"]
    assert (said["account_id"], said["service"], said["step"], said["tries"]) == (str(poisoned), "test", 1, 1)
    assert (said["log_level"], said["pause_s"], "poison" in said["error"]) == ("error", 1.0, True)
    assert failures() == before + 1
    await ERASED.forget(db, forget)
    assert calls.count(poisoned) == 1, "it waits"
    for expected_s in (2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 120.0, 120.0):
        await let_pauses_end(db)
        await ERASED.forget(db, forget)
        _, pause_s = (await waiting(db))[poisoned]
        assert expected_s - 1 < pause_s <= expected_s
    mended = True
    await let_pauses_end(db)
    await ERASED.forget(db, forget)
    assert await waiting(db) == {}


async def test_one_that_has_failed_for_days_still_stops_no_other(db: Database) -> None:
    poisoned, other = uuid4(), uuid4()
    await erase(db, poisoned)
    await erase(db, other)
    async with db.transaction() as session:
        mine = ERASED.table.c.account_id == poisoned
        await session.execute(update(ERASED.table).where(mine).values(step=1, tries=5000))

    async def forget(session: WriteSession, account_id: UUID, after: UUID | None) -> None:
        if account_id == poisoned:
            raise ValueError("poison")

    await ERASED.forget(db, forget)
    ((account_id, (tries, pause_s)),) = (await waiting(db)).items()
    assert (account_id, tries) == (poisoned, 5001)
    assert 119 < pause_s <= 120


async def test_what_gets_on_again_is_as_if_it_had_never_failed(db: Database) -> None:
    gone, calls = uuid4(), 0

    async def forget(session: WriteSession, account_id: UUID, after: UUID | None) -> UUID | None:
        nonlocal calls
        calls += 1
        if calls in {1, 3}:
            raise ValueError("poison")
        return account_id

    await erase(db, gone)
    for _ in range(2):
        await let_pauses_end(db)
        await ERASED.forget(db, forget)
        assert (await waiting(db))[gone][0] == 1


async def test_a_database_that_is_lost_is_nobodys_failure(db: Database) -> None:
    nowhere = Database("postgresql+asyncpg://nobody:x@127.0.0.1:1/none", source="/duijie/test")
    with pytest.raises(OSError):  # noqa: PT011  whatever the system calls it
        await ERASED.forget(nowhere)


async def test_an_erasure_that_waits_for_long_is_told_as_late(db: Database, issuer: Issuer) -> None:
    async def ready() -> tuple[int, Any]:
        async with client_of(app) as client:
            answer = await client.get("/readyz")
        return answer.status_code, answer.json()["late"]

    app = create_app("test", db=db, keys=issuer.keys, routers=[], erasures=ERASED)
    await erase(db, uuid4())
    assert await ready() == (200, {})
    async with db.transaction() as session:
        await session.execute(update(ERASED.table).values(heard_at=func.now() - timedelta(seconds=615)))
    assert await ready() == (200, {"erasures": "an erased account is not forgotten after 615 s"})
    await ERASED.forget(db)
    assert await ready() == (200, {})
