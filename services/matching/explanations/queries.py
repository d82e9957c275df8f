"""Reading what an explanation needs: where a listing stands, and a market with what of it is promised."""

from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import Database
from services.matching.explanations.models import Standing, State
from services.matching.markets import MARKET_CHANGES
from services.matching.matches.models import Match
from services.matching.optimiser.explain import Promised
from services.matching.optimiser.market import Market
from services.matching.orders.models import Order
from services.matching.rounds.models import Round
from services.matching.rounds.snapshot import PRODUCE, Snapshot, order_of, read
from services.matching.supply.models import Supply

LAST_ROUND = select(Round.id, Round.cleared_at, Round.certified_gap).where(Round.produce == Supply.produce)
PROMISED = (
    select(Match.listing_id, Match.order_id, func.sum(Match.quantity_g).label("quantity_g"))
    .join(Order, Order.id == Match.order_id)
    .where(
        Order.produce == PRODUCE,
        Order.held_g + Order.agreed_g > 0,
        Order.deliver_by > func.clock_timestamp(),
        Match.status != "released",
    )
    .group_by(Match.listing_id, Match.order_id)
)
PROMISED_ORDERS = select(*Order.__table__.c).where(
    Order.produce == PRODUCE, Order.held_g + Order.agreed_g > 0, Order.deliver_by > func.clock_timestamp()
)


async def standing_of(session: AsyncSession, listing_id: UUID, producer_id: UUID | None) -> Standing | None:
    """Where this producer's listing stands (None as `producer_id`: anybody's); None when matching knows of none."""
    last = LAST_ROUND.order_by(Round.id.desc()).limit(1).lateral("last")
    waits = exists().where(MARKET_CHANGES.c.produce == Supply.produce)
    wanted = (
        select(
            Supply,
            waits.label("waits"),
            (Supply.spoils_at <= func.clock_timestamp()).label("spoiled"),
            *last.c,
        )
        .join(last, Supply.listing_id.is_not(None), isouter=True)
        .where(Supply.listing_id == listing_id, *([] if producer_id is None else [Supply.producer_id == producer_id]))
    )
    found = (await session.execute(wanted)).one_or_none()
    if found is None:
        return None
    supply: Supply = found.Supply
    in_a_round = found.cleared_at is not None and found.cleared_at > supply.entered_at
    state = _state_of(supply, spoiled=found.spoiled, in_a_round=in_a_round, waits=found.waits)
    return Standing(
        supply.produce, state, found.id if in_a_round else None, found.certified_gap if in_a_round else None
    )


def _state_of(supply: Supply, *, spoiled: bool, in_a_round: bool, waits: bool) -> State:
    if supply.quantity_g and not supply.free_g:
        return "sold"
    if supply.status != "open" or spoiled:
        return "closed"
    if supply.promised_g:
        return "partly"
    return "pending" if waits and not in_a_round else "unsold"


async def market_of(db: Database, produce: str) -> tuple[Snapshot, Promised]:
    """A market as it is now, and what of its orders is held or agreed; all by one state of the database."""
    async with db.reading() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        seen, listings, refused = await read(session, produce)
        market = {"produce": produce}
        pairs = (await session.execute(PROMISED, market)).all()
        orders = (await session.execute(PROMISED_ORDERS, market)).all()
    own_g = {(str(pair.listing_id), str(pair.order_id)): int(pair.quantity_g) for pair in pairs}
    promised = [order_of(row, wanted_g=row.held_g + row.agreed_g) for row in orders]
    return seen, Promised(Market.of(listings, promised, refused), own_g)
