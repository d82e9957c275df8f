"""The database's clock, by which deadlines, expiry and freshness are judged whatever a process believes."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession


async def database_now(session: AsyncSession) -> datetime:
    """This very moment: later than the transaction's beginning, which a wait for a lock may have left behind."""
    now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return now
