"""What stood in the database before a migration means the same after it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db import Database
from chassis.migrations import migrate
from duijie.databases import DATABASES

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
LOGISTICS = DATABASES["logistics"]


async def row(connection: AsyncConnection, table: str, **values: Any) -> None:
    names, places = ", ".join(values), ", ".join(f":{name}" for name in values)
    await connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), values)


async def programme(connection: AsyncConnection) -> UUID:
    made = uuid4()
    times = {"starts_at": NOON, "ends_at": LATER}
    said = {"name": "n", "funder": "f", "kind": "courier_parcel", "created_by": made}
    await row(connection, "programmes", id=made, **said, **times)
    return made


async def claimed(connection: AsyncConnection, fund: UUID, subject: UUID, **said: Any) -> None:
    """A clawback of one parcel; dismissed where it says when it was decided."""
    clawback, is_live = uuid4(), "decided_at" not in said
    status = {"status": "noticed" if is_live else "dismissed", "amount_fen": 1, "recovered_fen": 0, "evidence": "e"}
    times = {"noticed_at": NOON, "objection_until": LATER}
    await row(connection, "clawbacks", id=clawback, programme_id=fund, payee_id=fund, **status, **times, **said)
    await row(connection, "clawback_lines", clawback_id=clawback, subject_id=subject, is_live=is_live)


async def test_flags_of_before_know_their_programme_and_what_was_claimed_back_is_not_claimed_again(
    postgres_url: str,
) -> None:
    await migrate(postgres_url, LOGISTICS.folder, "0021")
    db = Database(postgres_url, source="/duijie/test")
    try:
        names = ("live", "dismissed for that", "dismissed before it", "dismissed for its weight", "never", "not back")
        parcels = {name: uuid4() for name in names}
        async with db.engine.begin() as connection:
            fund, settlement = await programme(connection), uuid4()
            bounds = {"begins_at": NOON, "ends_at": LATER, "frozen_at": LATER, "frozen_by": fund}
            whose = {"programme_id": fund, "party": "carrier", "payee_id": fund, "lines": 1, "amount_fen": 1}
            await row(connection, "settlements", id=settlement, **whose, **bounds)
            flag = {"rule": "impossible_speed", "subject": "SF1", "evidence": "{}", "status": "open"}
            await row(connection, "fraud_flags", id=uuid4(), settlement_id=settlement, raised_at=LATER, **flag)
            granted = {"status": "posted", "first_status": "reserved", "turn": 1, "buyer_id": fund}
            for name, each in parcels.items():
                back = {"came_back_at": None if name == "not back" else NOON}
                await row(connection, "subsidies", subject_id=each, match_id=uuid4(), **granted, **back)
            returned = "returned_after_payment"
            await claimed(connection, fund, parcels["live"], cause="other")
            await claimed(connection, fund, parcels["dismissed for that"], cause=returned, decided_at=LATER)
            early = NOON - timedelta(hours=1)
            await claimed(connection, fund, parcels["dismissed before it"], cause=returned, decided_at=early)
            weight = {"cause": "false_weight", "decided_at": LATER}
            await claimed(connection, fund, parcels["dismissed for its weight"], **weight)
        await LOGISTICS.migrate(postgres_url)
        async with db.reading() as session:
            assert await session.scalar(text("SELECT programme_id FROM fraud_flags")) == fund
            waiting = "SELECT subject_id FROM subsidies WHERE came_back_at IS NOT NULL AND claimed_back_at IS NULL"
            found = set(await session.scalars(text(waiting)))
        open_names = ("dismissed before it", "dismissed for its weight", "never")
        assert found == {parcels[name] for name in open_names}
    finally:
        await db.close()
