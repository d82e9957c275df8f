"""The lists of the public surface: a page of things, newest first."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase

Thing = TypeVar("Thing", bound=DeclarativeBase)
"""Of a table whose ids are of version 7: in the order of their making."""


async def newest(
    session: AsyncSession,
    of: type[Thing],
    *conditions: ColumnElement[bool],
    before: UUID | None,
    limit: int,
    **equal: object,
) -> Sequence[Thing]:
    """At most `limit` of them, made before the one with the id `before`; `equal`: columns and their values, if any."""
    columns = of.__table__.c
    wanted = select(of).where(*conditions).order_by(columns.id.desc()).limit(limit)
    wanted = wanted.where(*(columns[name] == value for name, value in equal.items() if value is not None))
    if before is not None:
        wanted = wanted.where(columns.id < before)
    return (await session.scalars(wanted)).all()
