"""The database's clock, which goes on while a transaction waits."""

from sqlalchemy import text

from chassis.clock import database_now
from chassis.db import Database


async def test_it_tells_this_very_moment_however_long_ago_the_transaction_began(db: Database) -> None:
    async with db.transaction() as session:
        began = await session.scalar(text("SELECT now()"))
        await session.execute(text("SELECT pg_sleep(0.05)"))
        first, second = await database_now(session), await database_now(session)
    assert (first - began).total_seconds() >= 0.05
    assert second > first
