"""Proposing and activating, on a real database."""

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from chassis.clock import database_now
from chassis.db import Database
from services.matching.optimiser.policy import POLICY_1, Policy
from services.matching.policies import queries, service
from services.matching.policies.models import POLICY_PERIODS, InThePast, Period, UnknownVersion, spans_of

KINDER = replace(POLICY_1, rescue_fen_per_kg=300)
MICROSECOND = timedelta(microseconds=1)


async def propose(db: Database, policy: Policy = KINDER) -> int:
    async with db.transaction() as session:
        return await service.propose(session, policy, why="kinder", by="officer")


async def activate(db: Database, version: int, starts_at: datetime | None = None) -> Period:
    async with db.transaction() as session:
        return await service.activate(session, version, starts_at=starts_at, by="officer")


async def in_force(db: Database) -> Policy:
    async with db.reading() as session:
        return await queries.in_force(session)


async def now_of(db: Database) -> datetime:
    async with db.reading() as session:
        return await database_now(session)


async def test_a_new_database_is_governed_by_policy_1_from_the_beginning(db: Database) -> None:
    assert await in_force(db) == POLICY_1
    async with db.reading() as session:
        begun = (await session.execute(queries.in_force_at(datetime(1970, 1, 1, tzinfo=UTC)))).one()
    assert begun.version == 1


async def test_a_proposal_gets_the_next_version_keeps_its_numbers_and_decides_nothing(db: Database) -> None:
    assert [await propose(db), await propose(db, replace(KINDER, version=77))] == [2, 3]
    async with db.reading() as session:
        kept = await service.find(session, 3)
    assert kept.policy == replace(KINDER, version=3)
    assert (kept.why, kept.proposed_by) == ("kinder", "officer")
    assert await in_force(db) == POLICY_1


async def test_proposals_at_once_get_a_version_each(db: Database) -> None:
    assert sorted(await asyncio.gather(*(propose(db) for _ in range(8)))) == list(range(2, 10))


async def test_an_activation_is_in_force_from_now_and_the_past_stands(db: Database) -> None:
    version = await propose(db)
    period = await activate(db, version)
    assert await in_force(db) == replace(KINDER, version=2)
    async with db.reading() as session:
        before = (await session.execute(queries.in_force_at(period.starts_at - MICROSECOND))).one()
    assert before.version == 1


async def test_an_activation_to_come_waits_for_its_instant_and_another_may_take_its_place(db: Database) -> None:
    version = await propose(db)
    begins = await now_of(db) + timedelta(days=3)
    await activate(db, version, begins)
    assert (await in_force(db)).version == 1
    await activate(db, 1, begins)
    async with db.reading() as session:
        then = (await session.execute(queries.in_force_at(begins))).one()
    assert then.version == 1


async def test_the_past_is_not_rewritten(db: Database) -> None:
    version = await propose(db)
    with pytest.raises(InThePast, match="what was in force before stands"):
        await activate(db, version, await now_of(db) - timedelta(seconds=1))
    async with db.reading() as session:
        assert len(await queries.periods(session)) == 1


async def test_a_version_that_nobody_proposed_is_not_activated(db: Database) -> None:
    with pytest.raises(UnknownVersion, match="There is no policy 9; the newest is 1"):
        await activate(db, 9)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE policies SET weights = '{}'",
        "DELETE FROM policies",
        "TRUNCATE policies CASCADE",
        "UPDATE policy_periods SET starts_at = now()",
        "DELETE FROM policy_periods",
    ],
)
async def test_no_row_is_ever_changed_whoever_tries(db: Database, change: str) -> None:
    with pytest.raises(DBAPIError, match="is never changed"):
        async with db.transaction() as session:
            await session.execute(text(change))
    assert await in_force(db) == POLICY_1


@pytest.mark.parametrize("seed", range(4))
async def test_the_database_finds_the_same_one_as_the_spans_at_every_instant(db: Database, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(3):
        await propose(db)
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        {
            "version": chance.randint(1, 4),
            "starts_at": begins + timedelta(hours=chance.randrange(6)),
            "activated_by": "x",
        }
        for _ in range(15)
    ]
    async with db.transaction() as session:
        await session.execute(insert(POLICY_PERIODS), rows)
    async with db.reading() as session:
        spans = spans_of(await queries.periods(session))
        for span in spans:
            for instant in (span.starts_at, (span.until or begins + timedelta(days=9)) - MICROSECOND):
                found = (await session.execute(queries.in_force_at(instant))).all()
                assert [row.version for row in found] == [span.version]
