"""Reading what was paid."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


class Paid(NamedTuple):
    """What the agreed matches of one produce were of; farm-gate prices in fen per kg, None without a match."""

    produce: str
    matches: int
    producers: int
    buyers: int
    quantity_g: int
    quartiles: Sequence[int] | None


# one look into the index a produce; the states stand in the text, or no partial index would be taken
PAID = text("""
    SELECT asked.produce, paid.matches, paid.producers, paid.buyers, paid.quantity_g, paid.quartiles
    FROM unnest(CAST(:produce AS text[])) AS asked(produce)
    CROSS JOIN LATERAL (
        SELECT count(*) AS matches, count(DISTINCT producer_id) AS producers, count(DISTINCT buyer_id) AS buyers,
               coalesce(sum(quantity_g), 0)::bigint AS quantity_g,
               percentile_disc(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY price_fen_per_kg) AS quartiles
        FROM matches
        WHERE matches.produce = asked.produce AND status IN ('agreed', 'fulfilled')
          AND created_at >= now() - make_interval(days => :days)
    ) AS paid
    ORDER BY asked.produce
""")


async def paid(session: AsyncSession, produce: Sequence[str], days: int) -> Sequence[Paid]:
    """Of each of these, by the matches made in the last days that stand agreed or are fulfilled."""
    rows = await session.execute(PAID, {"produce": list(produce), "days": days})
    return [Paid(*row) for row in rows]
