"""Nothing is written for an account after its erasure was heard of, however the two meet."""

import asyncio
from collections.abc import Collection
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select

from chassis.db import Database
from chassis.problems import Unauthenticated
from chassis.tables import IDEMPOTENCY
from tests.chassis.conftest import ERASED, THINGS


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


async def test_the_answers_to_it_are_forgotten_with_it(db: Database) -> None:
    gone, other = uuid4(), uuid4()
    rows = [
        {"caller": str(each), "key": "k", "request_hash": b"", "status": 200, "headers": {}, "body": b""}
        for each in (gone, other)
    ]
    async with db.transaction() as session:
        await session.execute(insert(IDEMPOTENCY), rows)
    await erase(db, gone)
    async with db.reading() as session:
        assert (await session.scalars(select(IDEMPOTENCY.c.caller))).all() == [str(other)]


async def test_one_that_is_being_erased_is_refused_without_waiting(db: Database) -> None:
    gone = uuid4()
    async with db.transaction() as session:
        await ERASED.remember(session, [gone])
        async with asyncio.timeout(2):
            assert await erased_among(db, [gone]) == {gone}


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
