"""Which markets have changed since they were last cleared: one row a change, so that no writer waits for another."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Column, Identity, Table, Text, Uuid, any_, bindparam, delete

from chassis.bulk import insert_given, parameters_of
from chassis.db import WriteSession
from services.matching.tables import Base

MARKET_CHANGES = Table(
    "market_changes",
    Base.metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("produce", Text, nullable=False),
    Column("row_id", Uuid),
)
"""`row_id`: the listing or order that is new, has other terms, or is free again; without one all of the market is.

A round deletes exactly the rows that its snapshot held: what is committed meanwhile waits for the next round."""

INSERT = insert_given(MARKET_CHANGES, "produce", "row_id")
FORGET = delete(MARKET_CHANGES).where(MARKET_CHANGES.c.id == any_(bindparam("ids", type_=ARRAY(BigInteger))))


async def mark_changed(session: WriteSession, changed: Iterable[tuple[str, UUID | None]]) -> None:
    """These listings or orders of these markets may have something new to match; None: any of that market may."""
    rows = [{"produce": produce, "row_id": row_id} for produce, row_id in dict.fromkeys(changed)]
    if rows:
        await session.execute(INSERT, parameters_of(rows, "produce", "row_id"))


async def forget_changes(session: WriteSession, ids: Sequence[int]) -> None:
    """These changes were part of a round; exactly these."""
    await session.execute(FORGET, {"ids": list(ids)})
