"""Reading what an explanation needs: where a listing stands, and a market with what of it is promised."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Uuid, any_, bindparam, exists, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import Database
from services.matching.explanations.models import Standing, State
from services.matching.markets import MARKET_CHANGES
from services.matching.matches.models import Match
from services.matching.optimiser.explain import Promised
from services.matching.optimiser.market import Market
from services.matching.rounds.models import Round
from services.matching.rounds.snapshot import (
    BID,
    PRODUCE,
    Snapshot,
    bids_of,
    columns_of,
    in_columns,
    instant_of,
    orders_in,
    read,
)
from services.matching.supply.models import Supply

LAST = (
    select(Round.id, Round.cleared_at, Round.seconds, Round.certified_gap)
    .where(Round.produce == Supply.produce)
    .order_by(Round.id.desc())
    .limit(1)
    .lateral("last")
)
STANDING = (
    select(
        Supply,
        exists().where(MARKET_CHANGES.c.produce == Supply.produce).label("waits"),
        (Supply.spoils_at <= func.clock_timestamp()).label("spoiled"),
        *LAST.c,
    )
    .join(LAST, true(), isouter=True)
    .where(Supply.listing_id == bindparam("listing_id"))
)
ASKED: Any = bindparam("listing_ids", type_=ARRAY(Uuid))
NOW: Any = bindparam("now", type_=DateTime(timezone=True))
PROMISED = (
    select(Match.listing_id, Match.order_id, func.sum(Match.quantity_g).label("quantity_g"))
    .where(Match.listing_id == any_(ASKED), Match.status != "released")
    .group_by(Match.listing_id, Match.order_id)
)
PROMISED_ORDERS = in_columns(bids_of(BID.held_g + BID.agreed_g)).where(
    BID.produce == PRODUCE, BID.held_g + BID.agreed_g > 0, BID.deliver_by > NOW
)


async def standing_of(session: AsyncSession, listing_id: UUID) -> Standing | None:
    """Where a listing stands; None when matching knows of none."""
    found = (await session.execute(STANDING, {"listing_id": listing_id})).one_or_none()
    if found is None:
        return None
    supply: Supply = found.Supply
    in_a_round = found.id is not None and found.cleared_at - timedelta(seconds=found.seconds) > supply.entered_at
    state = _state_of(supply, spoiled=found.spoiled, in_a_round=in_a_round, waits=found.waits)
    standing = Standing(supply.producer_id, supply.produce, state)
    if in_a_round and state in {"unsold", "partly"}:
        return replace(standing, round_id=found.id, certified_gap=found.certified_gap)
    return standing


def _state_of(supply: Supply, *, spoiled: bool, in_a_round: bool, waits: bool) -> State:
    if supply.agreed_g and supply.agreed_g == supply.quantity_g:
        return "sold"
    if supply.status != "open" or spoiled:
        return "closed"
    if supply.promised_g:
        return "partly"
    return "pending" if waits and not in_a_round else "unsold"


async def market_of(db: Database, produce: str, listing_ids: Sequence[str]) -> tuple[Snapshot, Promised]:
    """A market as it is now, and what of its orders is held or agreed; all by one state of the database."""
    async with db.reading() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        seen, listings, refused = await read(session, produce)
        pairs = (await session.execute(PROMISED, {"listing_ids": [UUID(each) for each in listing_ids]})).all()
        of_now = {"produce": produce, "now": instant_of(seen.now_us)}
        orders, _ = orders_in(await columns_of(session, PROMISED_ORDERS, of_now))
    own_g = {(str(pair.listing_id), str(pair.order_id)): int(pair.quantity_g) for pair in pairs}
    return seen, Promised(Market.of_tables(listings, orders, refused), own_g)
