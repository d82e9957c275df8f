"""Writing a round: under the locks of both sides, what still fits of its plan becomes matches.

Two rounds of one market can't promise a gram twice, whatever was solved: the quantities only grow while the row has
that much free, by a condition of the statement and by a check of the table.
"""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Table,
    Text,
    Update,
    Uuid,
    any_,
    bindparam,
    cast,
    column,
    func,
    select,
    tuple_,
    update,
)
from uuid_utils.compat import uuid7

from chassis.bulk import insert_given, parameters_of
from chassis.db import WriteSession
from contracts.supply import RemainingChanged
from services.matching.feed.service import note_all
from services.matching.free import IS_SOMEBODYS_BID, IS_SOMEBODYS_LOT
from services.matching.markets import FORGET, mark_changed
from services.matching.matches.models import REFUSED_PAIRS, Match, NewMatch, fact_of
from services.matching.matches.service import note_of
from services.matching.optimiser.plan import Match as Planned
from services.matching.optimiser.plan import Plan
from services.matching.rounds.columns import ORDERS, SUPPLY
from services.matching.rounds.fitting import Fitting, Row, Sides, fitting
from services.matching.rounds.models import Round
from services.matching.rounds.snapshot import Snapshot, refused_pairs
from services.matching.supply.models import point_of

MATCHES: Table = Match.__table__  # type: ignore[assignment]
ROUNDS: Table = Round.__table__  # type: ignore[assignment]


# Statements are made once: making one takes SQLAlchemy longer than PostgreSQL takes for a row or two.


def _lock(id_column: Any, is_somebodys: ColumnElement[bool]) -> Select[Any]:
    """Rows by their `ids`, locked in the order of these, but for those of who was erased while this was solved."""
    wanted = id_column == any_(bindparam("ids", type_=ARRAY(Uuid)))
    return select(*id_column.table.columns).where(wanted, is_somebodys).order_by(id_column).with_for_update()


def _entry(side: str, id_column: Any, **also: Any) -> Update:
    """Add grams to the books of the rows of `{side}_ids`, where they still have that much free."""
    books = id_column.table
    added = (
        func.unnest(
            bindparam(f"{side}_ids", type_=ARRAY(Uuid)),
            bindparam(f"{side}_grams_held", type_=ARRAY(BigInteger)),
            bindparam(f"{side}_grams_agreed", type_=ARRAY(BigInteger)),
        )
        .table_valued(column("id", Uuid), column("held_g", BigInteger), column("agreed_g", BigInteger))
        .render_derived(name=f"added_to_{side}s")
    )
    return (
        update(books)
        .where(
            id_column == added.c.id,
            books.c.quantity_g - books.c.held_g - books.c.agreed_g >= added.c.held_g + added.c.agreed_g,
        )
        .values(held_g=books.c.held_g + added.c.held_g, agreed_g=books.c.agreed_g + added.c.agreed_g, **also)
    )


def _entries() -> Select[Any]:
    """Both sides' entries; a row for each lot as it is then, with the number of bids entered."""
    lots = _entry("lot", SUPPLY.c.listing_id, version=SUPPLY.c.version + 1).returning(*SUPPLY.columns).cte("lots")
    bids = _entry("bid", ORDERS.c.id).returning(ORDERS.c.id).cte("bids")
    return select(*lots.c, select(func.count()).select_from(bids).scalar_subquery().label("bids"))


def _moment() -> Select[Any]:
    """The database's clock, and those of the pairs of `listing_ids` and `order_ids` that have said no at their present
    terms."""
    planned = func.unnest(bindparam("listing_ids", type_=ARRAY(Uuid)), bindparam("order_ids", type_=ARRAY(Uuid)))
    pairs = planned.table_valued(column("listing_id", Uuid), column("order_id", Uuid)).render_derived(name="planned")
    pair = tuple_(REFUSED_PAIRS.c.listing_id, REFUSED_PAIRS.c.order_id)
    refused = refused_pairs().where(pair.in_(select(pairs.c.listing_id, pairs.c.order_id))).subquery().c
    return select(
        func.clock_timestamp().label("now"),
        *(func.array_agg(cast(each, Text)).label(name) for name, each in refused.items()),
    )


LOCK_LOTS, LOCK_BIDS = _lock(SUPPLY.c.listing_id, IS_SOMEBODYS_LOT), _lock(ORDERS.c.id, IS_SOMEBODYS_BID)
ENTER = _entries()
MOMENT = _moment()
INSERT_MATCHES = insert_given(MATCHES, *MATCHES.c.keys())
INSERT_ROUND = insert_given(ROUNDS, *ROUNDS.c.keys()).add_cte(FORGET.cte("forgotten"))


async def write(session: WriteSession, snapshot: Snapshot, plan: Plan, *, whole: bool, began_s: float) -> Round:
    """Make the matches that still fit, keep the round, and forget the changes that the snapshot had included; all told.

    `whole`: the plan is of all of the market. `began_s`: when the round began, by `time.perf_counter`.
    """
    round_id = uuid7()
    lots = await _locked(session, LOCK_LOTS, {match.listing_id for match in plan.matches})
    bids = await _locked(session, LOCK_BIDS, {match.order_id for match in plan.matches})
    # Read under the locks, which a no is written under: what was declined while this was solved is seen.
    now, refused = await _moment_of(session, plan)
    made = fitting(plan.matches, Sides(lots, bids, snapshot.terms, refused), snapshot.policy, now)
    matches = [_match(each, round_id, now) for each in made]
    await _promise(session, made)
    await _insert(session, matches)
    fitted = {each.planned for each in made}
    skipped = [each for each in plan.matches if each not in fitted]
    await mark_changed(session, _look_again(snapshot, plan, skipped))
    cleared = Round(
        id=round_id,
        produce=snapshot.produce,
        cleared_at=now,
        policy=plan.policy,
        listings=len(snapshot.market.listings.ids),
        orders=len(snapshot.market.orders.ids),
        arcs=plan.arcs,
        matches=len(made),
        skipped=len(skipped),
        matched_g=sum(each.planned.quantity_g for each in made),
        value_mfen=plan.value_mfen,
        greedy_value_mfen=plan.greedy_value_mfen,
        certified_gap=plan.certified_gap,
        whole=whole,
        seconds=time.perf_counter() - began_s,
    )
    kept = {name: getattr(cleared, name) for name in ROUNDS.c.keys()}  # noqa: SIM118  a ColumnCollection
    await session.execute(INSERT_ROUND, parameters_of([kept], *kept) | {"ids": list(snapshot.changes)})
    session.emit(cleared.fact())
    return cleared


def _look_again(snapshot: Snapshot, plan: Plan, skipped: Iterable[Planned]) -> list[tuple[str, UUID | None]]:
    """What the next round has to see that no change of anybody's tells it of."""
    if plan.stopped_early and plan.matches:
        return [(snapshot.produce, None)]
    return [(snapshot.produce, UUID(side)) for each in skipped for side in (each.listing_id, each.order_id)]


async def _locked(session: WriteSession, lock: Select[Any], ids: set[str]) -> dict[str, Row]:
    """These rows as they are now, by their ids, which stand in their first column."""
    rows = (await session.execute(lock, {"ids": [UUID(each) for each in ids]})).all()
    return {str(row[0]): row for row in rows}


async def _moment_of(session: WriteSession, plan: Plan) -> tuple[datetime, frozenset[tuple[str, str]]]:
    """Now, and the pairs of this plan that have said no."""
    planned = {
        "listing_ids": [UUID(match.listing_id) for match in plan.matches],
        "order_ids": [UUID(match.order_id) for match in plan.matches],
    }
    now, listing_ids, order_ids = (await session.execute(MOMENT, planned)).one()
    return now, frozenset(zip(listing_ids or (), order_ids or (), strict=True))


def _match(each: Fitting, round_id: UUID, now: datetime) -> NewMatch:
    planned, lot, bid, journey = each.planned, each.lot, each.bid, each.journey
    origin = point_of(lot.origin_adcode, lot.origin_lon, lot.origin_lat)
    destination = point_of(bid.destination_adcode, bid.destination_lon, bid.destination_lat)
    assert origin is not None, "without a point it would have been set aside"
    assert destination is not None, "without a point it would have been set aside"
    return NewMatch(
        id=uuid7(),
        version=1,
        status="agreed" if each.agreed else "proposed",
        reason=None,
        words=None,
        round_id=round_id,
        listing_id=lot.listing_id,
        order_id=bid.id,
        producer_id=lot.producer_id,
        buyer_id=bid.buyer_id,
        produce=lot.produce,
        quantity_g=planned.quantity_g,
        price_fen_per_kg=planned.price_fen_per_kg,
        freight_fen_per_kg=planned.freight_fen_per_kg,
        amount_fen=planned.amount_fen,
        distance_m=planned.distance_m,
        temperature_class=lot.temperature_class,
        origin_adcode=lot.origin_adcode,
        origin_lon=origin.lon,
        origin_lat=origin.lat,
        destination_adcode=bid.destination_adcode,
        destination_lon=destination.lon,
        destination_lat=destination.lat,
        ready_at=journey.ready_at,
        arrives_at=journey.arrives_at,
        under_way_s=journey.under_way_s,
        deliver_by=bid.deliver_by,
        spoils_at=lot.spoils_at,
        min_remaining_life_h=bid.min_remaining_life_h,
        producer_consents=lot.auto_agree,
        buyer_consents=bid.auto_agree,
        agree_by=None if each.agreed else journey.agree_by(now),
        created_at=now,
        price_basis="delivered" if planned.worth.delivered else "farm_gate",
        ceiling_fen_per_kg=planned.worth.ceiling_fen_per_kg,
        floor_fen_per_kg=planned.worth.floor_fen_per_kg,
        rescue_fen_per_kg=planned.worth.rescue_fen_per_kg,
        watch_52_fen_per_kg=planned.worth.watch_52_fen_per_kg,
        poverty_832_fen_per_kg=planned.worth.poverty_832_fen_per_kg,
        spread_mfen=planned.worth.spread_mfen,
    )


async def _promise(session: WriteSession, made: Sequence[Fitting]) -> None:
    """Enter the matches into the books of both sides, and tell what is left of each listing."""
    for row in await _enter(session, made) if made else ():
        session.emit(
            RemainingChanged(
                listing_id=row.listing_id,
                version=row.version,
                listing_version=row.listing_version,
                quantity_g=row.quantity_g,
                remaining_g=row.quantity_g - row.held_g - row.agreed_g,
                held_g=row.held_g,
                agreed_g=row.agreed_g,
            )
        )


async def _enter(session: WriteSession, made: Sequence[Fitting]) -> Sequence[Any]:
    """The lots as they are then."""
    lots, bids = _sums(made, "listing_id"), _sums(made, "order_id")
    rows: Sequence[Any] = (await session.execute(ENTER, _added("lot", lots) | _added("bid", bids))).all()
    assert len(rows) == len(lots), "the lots were locked and had that much free"
    assert rows[0].bids == len(bids), "the orders were locked and wanted that much"
    return rows


def _sums(made: Sequence[Fitting], side: str) -> dict[UUID, tuple[int, int]]:
    """Grams held and grams agreed by listing or by order."""
    sums: dict[UUID, tuple[int, int]] = {}
    for each in made:
        id_ = UUID(getattr(each.planned, side))
        held_g, agreed_g = sums.get(id_, (0, 0))
        quantity_g = each.planned.quantity_g
        sums[id_] = (held_g, agreed_g + quantity_g) if each.agreed else (held_g + quantity_g, agreed_g)
    return sums


def _added(side: str, sums: dict[UUID, tuple[int, int]]) -> dict[str, list[Any]]:
    return {
        f"{side}_ids": list(sums),
        f"{side}_grams_held": [held_g for held_g, _ in sums.values()],
        f"{side}_grams_agreed": [agreed_g for _, agreed_g in sums.values()],
    }


async def _insert(session: WriteSession, matches: Sequence[NewMatch]) -> None:
    """Write the matches, and put each into the events and into both feeds."""
    if not matches:
        return
    await session.execute(INSERT_MATCHES, parameters_of([vars(match) for match in matches], *MATCHES.c.keys()))
    facts = [fact_of(match) for match in matches]
    session.emit(*facts)
    await note_all(session, [note_of(match, fact) for match, fact in zip(matches, facts, strict=True)])
