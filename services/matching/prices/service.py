"""What is paid for produce at the farm gate just now: for who has to name a price."""

from collections.abc import Sequence
from functools import partial

from catalogue.produce import all_produce
from chassis.db import Database
from chassis.kept import Kept
from services.matching.prices import queries
from services.matching.prices.queries import Paid

DAYS = 14
KEPT_S = 60.0


class PriceBoard:
    """Prices as they were up to a minute ago: each process asks its database once a minute for what it is asked."""

    def __init__(self) -> None:
        self._kept = Kept[str | None, Sequence[Paid]](at_most=len(all_produce()) + 1)

    async def paid(self, db: Database, produce: str | None) -> Sequence[Paid]:
        """Of that produce, traded or not; without one, of whatever was traded. `produce` is one of the catalogue's."""
        return await self._kept.of(produce, partial(_read, db, produce), KEPT_S)


async def _read(db: Database, produce: str | None) -> Sequence[Paid]:
    asked = [produce] if produce else [each.slug for each in all_produce()]
    async with db.reading() as session:
        found = await queries.paid(session, asked, DAYS)
    return [each for each in found if produce or each.matches]
