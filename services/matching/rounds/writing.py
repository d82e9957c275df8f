"""Writing a round: under the locks of both sides, what still fits of its plan becomes matches.

Two rounds of one market can't promise a gram twice, whatever was solved: the quantities only grow while the row has
that much free, by a condition of the statement and by a check of the table.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Table, Uuid, any_, column, func, insert, literal, select, tuple_, update
from uuid_utils.compat import uuid7

from chassis.db import WriteSession
from contracts.supply import RemainingChanged
from services.matching.clock import database_now
from services.matching.feed.service import note_all
from services.matching.markets import forget_changes, mark_changed
from services.matching.matches.models import REFUSED_PAIRS, Match
from services.matching.matches.service import note_of
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import Policy
from services.matching.orders.models import Order
from services.matching.rounds.fitting import Fitting, Row, Sides, fitting
from services.matching.rounds.models import Round
from services.matching.rounds.snapshot import Snapshot, refused_pairs
from services.matching.supply.models import Supply, point_of

SUPPLY: Table = Supply.__table__  # type: ignore[assignment]
ORDERS: Table = Order.__table__  # type: ignore[assignment]
MATCHES: Table = Match.__table__  # type: ignore[assignment]


async def write(session: WriteSession, snapshot: Snapshot, plan: Plan, policy: Policy) -> Round:
    """Make the matches that still fit, tell of them, and forget the changes that the snapshot had included."""
    round_id = uuid7()
    lots = await _locked(session, SUPPLY.c.listing_id, {match.listing_id for match in plan.matches})
    bids = await _locked(session, ORDERS.c.id, {match.order_id for match in plan.matches})
    # Read under the locks, which a no is written under: what was declined while this was solved is seen.
    refused = await _refused(session, plan)
    now = await database_now(session)
    made = fitting(plan.matches, Sides(lots, bids, snapshot.terms, refused), policy, now)
    matches = [_match(each, round_id, now) for each in made]
    await _promise(session, made)
    await _insert(session, matches)
    await forget_changes(session, snapshot.changes)
    skipped = len(plan.matches) - len(made)
    if skipped:
        await mark_changed(session, [snapshot.produce])
    return Round(
        id=round_id,
        produce=snapshot.produce,
        cleared_at=now,
        policy=plan.policy,
        listings=len(snapshot.market.listings.ids),
        orders=len(snapshot.market.orders.ids),
        arcs=plan.arcs,
        matches=len(made),
        skipped=skipped,
        matched_g=sum(each.planned.quantity_g for each in made),
        value_mfen=plan.value_mfen,
        greedy_value_mfen=plan.greedy_value_mfen,
        certified_gap=plan.certified_gap,
    )


async def _locked(session: WriteSession, id_column: Any, ids: set[str]) -> dict[str, Row]:
    """These rows as they are now, locked in the order of their ids."""
    wanted = id_column == any_(literal([UUID(each) for each in ids], ARRAY(Uuid)))
    chosen = select(*id_column.table.columns).where(wanted).order_by(id_column).with_for_update()
    rows = (await session.execute(chosen)).all()
    return {str(row._mapping[id_column]): row for row in rows}


async def _refused(session: WriteSession, plan: Plan) -> frozenset[tuple[str, str]]:
    """Those of the planned pairs that have said no at their present terms."""
    planned = func.unnest(
        literal([UUID(match.listing_id) for match in plan.matches], ARRAY(Uuid)),
        literal([UUID(match.order_id) for match in plan.matches], ARRAY(Uuid)),
    ).table_valued(column("listing_id", Uuid), column("order_id", Uuid))
    planned = planned.render_derived(name="planned")
    pair = tuple_(REFUSED_PAIRS.c.listing_id, REFUSED_PAIRS.c.order_id)
    chosen = refused_pairs().where(pair.in_(select(planned.c.listing_id, planned.c.order_id)))
    found = (await session.execute(chosen)).all()
    return frozenset((str(row.listing_id), str(row.order_id)) for row in found)


def _match(each: Fitting, round_id: UUID, now: datetime) -> Match:
    planned, lot, bid, journey = each.planned, each.lot, each.bid, each.journey
    origin = point_of(lot.origin_adcode, lot.origin_lon, lot.origin_lat)
    destination = point_of(bid.destination_adcode, bid.destination_lon, bid.destination_lat)
    assert origin is not None, "without a point it would have been set aside"
    assert destination is not None, "without a point it would have been set aside"
    return Match(
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
        deliver_by=bid.deliver_by,
        spoils_at=lot.spoils_at,
        min_remaining_life_h=bid.min_remaining_life_h,
        producer_consents=lot.auto_agree,
        buyer_consents=bid.auto_agree,
        agree_by=None if each.agreed else journey.agree_by(now),
        created_at=now,
    )


async def _promise(session: WriteSession, made: Sequence[Fitting]) -> None:
    """Enter the matches into the books of both sides, and tell what is left of each listing."""
    for row in await _enter(session, SUPPLY.c.listing_id, _sums(made, "listing_id"), {"version": SUPPLY.c.version + 1}):
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
    await _enter(session, ORDERS.c.id, _sums(made, "order_id"), {})


def _sums(made: Sequence[Fitting], side: str) -> dict[UUID, tuple[int, int]]:
    """Grams held and grams agreed by listing or by order."""
    sums: dict[UUID, tuple[int, int]] = {}
    for each in made:
        id_ = UUID(getattr(each.planned, side))
        held_g, agreed_g = sums.get(id_, (0, 0))
        quantity_g = each.planned.quantity_g
        sums[id_] = (held_g, agreed_g + quantity_g) if each.agreed else (held_g + quantity_g, agreed_g)
    return sums


async def _enter(
    session: WriteSession, id_column: Any, sums: dict[UUID, tuple[int, int]], also: dict[str, Any]
) -> Sequence[Any]:
    if not sums:
        return []
    books = id_column.table
    added = (
        func.unnest(
            literal(list(sums), ARRAY(Uuid)),
            literal([held_g for held_g, _ in sums.values()], ARRAY(BigInteger)),
            literal([agreed_g for _, agreed_g in sums.values()], ARRAY(BigInteger)),
        )
        .table_valued(column("id", Uuid), column("held_g", BigInteger), column("agreed_g", BigInteger))
        .render_derived(name="added")
    )
    entered = (
        update(books)
        .where(
            id_column == added.c.id,
            books.c.quantity_g - books.c.held_g - books.c.agreed_g >= added.c.held_g + added.c.agreed_g,
        )
        .values(held_g=books.c.held_g + added.c.held_g, agreed_g=books.c.agreed_g + added.c.agreed_g, **also)
        .returning(*books.columns)
    )
    rows = (await session.execute(entered)).all()
    assert len(rows) == len(sums), "the rows were locked and had that much free"
    return rows


async def _insert(session: WriteSession, matches: Sequence[Match]) -> None:
    """Write the matches, and put each into the events and into both feeds."""
    if not matches:
        return
    names = [each.name for each in MATCHES.columns]
    await session.execute(insert(MATCHES), [{name: getattr(match, name) for name in names} for match in matches])
    facts = [match.fact() for match in matches]
    session.emit(*facts)
    await note_all(session, [note_of(match, fact) for match, fact in zip(matches, facts, strict=True)])
