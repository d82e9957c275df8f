"""The database's clock, by which deadlines, expiry and freshness are judged whatever a process believes."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

NOW = select(func.clock_timestamp())


async def database_now(session: AsyncSession) -> datetime:
    """This very moment: later than the transaction's beginning, which a wait for a lock may have left behind."""
    now: datetime = (await session.execute(NOW)).scalar_one()
    return now
