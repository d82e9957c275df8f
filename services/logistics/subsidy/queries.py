"""Reading the ledger, and locking the heads of those who post to it."""

from collections import Counter
from collections.abc import AsyncIterator, Collection
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Row, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.bulk import among, given, parameters
from chassis.db import Database, WriteSession
from services.logistics.subsidy.fund import BUCKETS, Fund
from services.logistics.subsidy.ledger import Balances, Head, Transfer, instant_text, moved
from services.logistics.subsidy.models import CAP_USAGE, LEDGER_HEADS, PAID_STATEMENTS, SEALS, SUBSIDIES, TRANSFERS
from services.logistics.subsidy.seals import Seal

VERIFY_PAGE = 5000

CAP_KEY = ("programme_id", "day", "party", "party_id")
_ASKED = given(CAP_USAGE, *CAP_KEY)
_USED = select(CAP_USAGE).join(_ASKED, and_(*(CAP_USAGE.c[name] == _ASKED.c[name] for name in CAP_KEY)))


async def locked_funds(session: WriteSession, programme_ids: Collection[UUID]) -> dict[UUID, Fund]:
    """The funds of these programmes, locked in the order of their ids: the last locks a transaction takes.

    What is posted to any of them is of one instant.
    """
    if not programme_ids:
        return {}
    heads = (
        select(LEDGER_HEADS, func.clock_timestamp().label("now"))
        .where(LEDGER_HEADS.c.programme_id.in_(programme_ids))
        .order_by(LEDGER_HEADS.c.programme_id)
        .with_for_update()
    )
    funds = {row.programme_id: _fund(row) for row in await session.execute(heads)}
    for fund in funds.values():
        fund.at = max(each.at for each in funds.values())
    return funds


async def head_of(session: AsyncSession, programme_id: UUID) -> Head:
    """Where the chain of a programme stands."""
    row = (await session.execute(select(LEDGER_HEADS).where(LEDGER_HEADS.c.programme_id == programme_id))).one()
    return _head(row)


async def transfers_after(
    session: AsyncSession, programme_id: UUID, seq: int, limit: int, *, last: int | None = None
) -> list[Transfer]:
    """The next `limit` transfers behind `seq`, none behind `last`."""
    wanted = (
        select(TRANSFERS)
        .where(TRANSFERS.c.programme_id == programme_id, TRANSFERS.c.seq > seq)
        .order_by(TRANSFERS.c.seq)
        .limit(limit)
    )
    if last is not None:
        wanted = wanted.where(TRANSFERS.c.seq <= last)
    return [_transfer(row) for row in await session.execute(wanted)]


async def pages_of_chain(db: Database, programme_id: UUID, last: int) -> AsyncIterator[list[Transfer]]:
    """The chain up to `last`, a transaction a page: rows are only ever added, so no snapshot is needed."""
    seq = 0
    while True:
        async with db.reading() as session:
            page = await transfers_after(session, programme_id, seq, VERIFY_PAGE, last=last)
        if page:
            yield page
            seq = page[-1].seq
        if len(page) < VERIFY_PAGE:
            return


async def seals_of(
    session: AsyncSession, programme_id: UUID, *, after: date | None = None, limit: int | None = None
) -> list[Seal]:
    """The sealed days of a programme behind `after`, in their order."""
    wanted = select(SEALS).where(SEALS.c.programme_id == programme_id).order_by(SEALS.c.day).limit(limit)
    if after is not None:
        wanted = wanted.where(SEALS.c.day > after)
    return [_seal(row) for row in await session.execute(wanted)]


async def last_seal(session: AsyncSession, programme_id: UUID, seq: int | None = None) -> Seal | None:
    """The last seal of a programme, or the last that covers no more than up to `seq`."""
    wanted = select(SEALS).where(SEALS.c.programme_id == programme_id).order_by(SEALS.c.day.desc()).limit(1)
    if seq is not None:
        wanted = wanted.where(SEALS.c.seq <= seq)
    row = (await session.execute(wanted)).one_or_none()
    return None if row is None else _seal(row)


async def unsealed(session: AsyncSession) -> list[tuple[UUID, datetime]]:
    """Programmes whose chain has grown since their last seal, and since when: the first transfer behind it."""
    h, t = LEDGER_HEADS.c, TRANSFERS.c
    sealed = select(func.max(SEALS.c.seq)).where(SEALS.c.programme_id == h.programme_id).scalar_subquery()
    following = and_(t.programme_id == h.programme_id, t.seq == func.coalesce(sealed, 0) + 1)
    wanted = select(h.programme_id, t.at).join_from(LEDGER_HEADS, TRANSFERS, following).order_by(h.programme_id)
    return [(programme_id, at) for programme_id, at in await session.execute(wanted)]


async def standing_at(session: AsyncSession, programme_id: UUID, moment: datetime, last: int) -> Head:
    """Where the chain stood at a moment: after the last transfer, of those up to `last`, that is not later.

    The moments of a chain rise, so the place is found by halving: a look at the primary key each.
    """
    low, high = 0, last  # seq `low` is not later, `high + 1` is
    while low < high:
        middle = (low + high + 1) // 2
        at = select(TRANSFERS.c.at).where(TRANSFERS.c.programme_id == programme_id, TRANSFERS.c.seq == middle)
        if (await session.execute(at)).scalar_one() <= moment:
            low = middle
        else:
            high = middle - 1
    return await head_after(session, programme_id, low)


async def head_after(session: AsyncSession, programme_id: UUID, seq: int) -> Head:
    """The chain's head after this transfer: the balances of the last seal before it, and the sums from there."""
    if seq == 0:
        return Head.genesis(str(programme_id))
    seal = await last_seal(session, programme_id, seq)
    start, since = (Balances(), 0) if seal is None else (seal.balances, seal.seq)
    mine = TRANSFERS.c.programme_id == programme_id
    sums = await session.execute(
        select(TRANSFERS.c.kind, func.sum(TRANSFERS.c.amount_fen))
        .where(mine, TRANSFERS.c.seq > since, TRANSFERS.c.seq <= seq)
        .group_by(TRANSFERS.c.kind)
    )
    digest = (await session.execute(select(TRANSFERS.c.hash).where(mine, TRANSFERS.c.seq == seq))).scalar_one()
    return Head(str(programme_id), seq, digest, moved(start, {kind: int(fen) for kind, fen in sums}))


async def subsidies_of(session: AsyncSession, subject_ids: Collection[UUID]) -> dict[UUID, Row[tuple[object, ...]]]:
    if not subject_ids:
        return {}
    rows = await session.execute(select(SUBSIDIES).where(among(SUBSIDIES.c.subject_id, subject_ids)))
    return {row.subject_id: row for row in rows}


async def paid_among(session: AsyncSession, subject_ids: Collection[UUID]) -> set[UUID]:
    """Those of these subsidies whose money has been paid; under the locks of their funds."""
    if not subject_ids:
        return set()
    wanted = (
        select(SUBSIDIES.c.subject_id)
        .join(PAID_STATEMENTS, PAID_STATEMENTS.c.settlement_id == SUBSIDIES.c.settlement_id)
        .where(among(SUBSIDIES.c.subject_id, subject_ids), SUBSIDIES.c.status == "posted")
    )
    return set((await session.scalars(wanted)).all())


async def orders_taken(session: AsyncSession, orders: Collection[tuple[UUID, str]]) -> set[tuple[UUID, str]]:
    """Those of these (buyer, order_ref) that have their one subsidy."""
    if not orders:
        return set()
    buyers = {buyer_id for buyer_id, _ in orders}
    rows = await session.execute(
        select(SUBSIDIES.c.buyer_id, SUBSIDIES.c.order_ref).where(
            among(SUBSIDIES.c.order_ref, {order_ref for _, order_ref in orders}), among(SUBSIDIES.c.buyer_id, buyers)
        )
    )
    return {(row.buyer_id, row.order_ref) for row in rows} & set(orders)


CapKey = tuple[UUID, date, str, UUID]
"""Programme, Shanghai day, `producer` or `carrier`, their id."""


async def cap_usage(session: AsyncSession, keys: Collection[CapKey]) -> dict[CapKey, int]:
    """What was granted so far, where anything was."""
    if not keys:
        return {}
    columns = dict(zip(CAP_KEY, zip(*keys, strict=True), strict=True))
    rows = await session.execute(_USED, parameters(columns))
    return {(row.programme_id, row.day, row.party, row.party_id): row.used for row in rows}


def _head(row: Row[tuple[object, ...]]) -> Head:
    balances = Balances(row.funder_fen, row.available_fen, row.reserved_fen, row.posted_fen, row.paid_fen)
    return Head(str(row.programme_id), row.seq, row.hash, balances)


def _fund(row: Row[tuple[object, ...]]) -> Fund:
    return Fund(
        programme_id=row.programme_id,
        head=_head(row),
        at=max(row.now, row.at),  # the clock may have been read before the lock was had
        least_fen=row.least_fen,
        exhausted_at=row.exhausted_at,
        version=row.version,
        counts=Counter({name: getattr(row, name) for name in BUCKETS}),
        changes=row.changes,
    )


def _seal(row: Row[tuple[object, ...]]) -> Seal:
    shown = {name: getattr(row, name) for name in Seal.__slots__}
    return Seal(**shown | {"programme_id": str(row.programme_id), "day": row.day.isoformat()})


def _transfer(row: Row[tuple[object, ...]]) -> Transfer:
    return Transfer(
        seq=row.seq,
        id=str(row.id),
        kind=row.kind,
        debit=row.debit,
        credit=row.credit,
        amount_fen=row.amount_fen,
        parcel_id=None if row.parcel_id is None else str(row.parcel_id),
        match_id=None if row.match_id is None else str(row.match_id),
        rule_version=row.rule_version,
        at=instant_text(row.at),
        prev=row.prev,
        hash=row.hash,
    )
