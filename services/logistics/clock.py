"""The one clock that decides: the database's, whatever that of this process says."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession


async def database_now(session: AsyncSession) -> datetime:
    """Now, also after waiting for a lock (`now()` would be when the transaction began)."""
    now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return now
