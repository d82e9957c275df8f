"""What is done with the ledger: open a fund, write what was posted to it, verify its chain."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from catalogue.days import bounds_of, local_day
from chassis.bulk import among, copy_in, given, insert_given, parameters, parameters_of
from chassis.clock import database_now
from chassis.db import Database, WriteSession
from services.logistics.subsidy import ledger, queries, seals
from services.logistics.subsidy.fund import BUCKETS, Fund
from services.logistics.subsidy.ledger import Balances, Batch, Head, Posting, Transfer
from services.logistics.subsidy.models import CAP_USAGE, LEDGER_HEADS, PAID_STATEMENTS, SEALS, SUBSIDIES, TRANSFERS
from services.logistics.subsidy.queries import CAP_KEY, CapKey
from services.logistics.subsidy.seals import Seal

_LATER = {"settlement_id", "came_back_at", "claimed_back_at"}
_NEW = tuple(name for name in SUBSIDIES.c.keys() if name not in _LATER)  # noqa: SIM118
_NOTE_SUBSIDIES = insert_given(SUBSIDIES, *_NEW).on_conflict_do_nothing()
_CHANGED = (
    "subject_id",
    "order_ref",
    "status",
    "refused_by",
    "programme_id",
    "amount_fen",
    "rule_version",
    "turn",
    "posted_at",
)
_GIVEN = given(SUBSIDIES, *_CHANGED)
_UPDATE_SUBSIDIES = (
    update(SUBSIDIES)
    .where(SUBSIDIES.c.subject_id == _GIVEN.c.subject_id)
    .values({name: _GIVEN.c[name] for name in _CHANGED[1:]})
)
_NEW_CAP_USAGE = insert_given(CAP_USAGE, *CAP_KEY, "used")
_ADD_CAP_USAGE = _NEW_CAP_USAGE.on_conflict_do_update(
    index_elements=list(CAP_KEY), set_={"used": CAP_USAGE.c.used + _NEW_CAP_USAGE.excluded.used}
)

SEALED_AFTER = timedelta(minutes=5)
"""The midnight, a day is sealed."""
_AT = Transfer._fields.index("at")

MOMENT = timedelta(microseconds=1)
"""The least there is between two instants."""


@dataclass(frozen=True, slots=True)
class Verified:
    """`head` is the hash that the chain leads to; `first_bad_seq` the place of the first wrong transfer."""

    ok: bool
    transfers: int
    head: str
    first_bad_seq: int | None = None


async def open_fund(
    session: WriteSession, programme_id: UUID, amount_fen: int, least_fen: int, at: datetime
) -> Balances:
    """Begin a programme's chain with the transfer that brings its budget; the balances after it."""
    opening = Posting("fund", "opening", at, amount_fen, rule_version=1)
    batch = ledger.apply(Head.genesis(str(programme_id)), [opening], {})
    balances = batch.head.balances
    row = _head_row(batch.head) | {"programme_id": programme_id, "at": at, "least_fen": least_fen, "version": 1}
    row |= dict.fromkeys(BUCKETS, 0) | {"exhausted_at": at if amount_fen < least_fen else None}
    await session.execute(insert(LEDGER_HEADS).values(row))
    await _insert_transfers(session, [(programme_id, batch)])
    return balances


async def write(session: WriteSession, funds: Collection[Fund]) -> list[Fund]:
    """Write what was posted to these locked funds; those that ran out by it, with their state after it."""
    batches = [(fund, fund.batch()) for fund in funds if fund.touched]
    await _insert_transfers(session, [(fund.programme_id, batch) for fund, batch in batches])
    ran_out = []
    for fund, batch in batches:
        exhausted_at = fund.exhausted_since(batch)
        if exhausted_at is not None and fund.exhausted_at is None:
            fund.version += 1
            ran_out.append(fund)
        fund.head, fund.exhausted_at = batch.head, exhausted_at
        row = _head_row(batch.head) | {name: fund.counts[name] for name in BUCKETS}
        row |= {"at": fund.at, "exhausted_at": exhausted_at, "least_fen": fund.least_fen}
        row |= {"version": fund.version, "changes": fund.changes}
        head = update(LEDGER_HEADS).where(LEDGER_HEADS.c.programme_id == fund.programme_id)
        await session.execute(head.values(row))
    return ran_out


async def add_subsidies(session: WriteSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Under the lock of a fund, which keeps others from deciding on the same."""
    if rows:
        await copy_in(session, SUBSIDIES, _NEW, map(itemgetter(*_NEW), rows))


async def note_unsupported(session: WriteSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """What asked while no programme was active: no fund's lock keeps others from noting the same."""
    if rows:
        await session.execute(_NOTE_SUBSIDIES, parameters_of(rows, *_NEW))


async def change_subsidies(session: WriteSession, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        await session.execute(_UPDATE_SUBSIDIES, parameters_of(rows, *_CHANGED))


async def freeze(
    session: WriteSession,
    settlement_id: UUID,
    programme_id: UUID,
    payee_id: UUID,
    begins_at: datetime,
    ends_at: datetime,
) -> tuple[int, int]:
    """Put what was posted for this payee in the period, and is in no statement, into this one; how many, and their fen.

    Nothing more is posted in the period: it is over, or the caller holds the lock of the programme's fund.
    """
    s = SUBSIDIES.c
    frozen = (
        update(SUBSIDIES)
        .where(s.programme_id == programme_id, s.payee_id == payee_id, s.status == "posted", s.settlement_id.is_(None))
        .where(s.posted_at >= begins_at, s.posted_at < ends_at)
        .values(settlement_id=settlement_id)
        .returning(s.amount_fen)
        .cte()
    )
    sums = select(func.count(), func.coalesce(func.sum(frozen.c.amount_fen), 0)).select_from(frozen)
    count, fen = (await session.execute(sums)).one()
    return count, int(fen)


async def pay_out(session: WriteSession, settlement_id: UUID, at: datetime) -> int:
    """Mark a statement as paid; the fen of what is still owed of it. Under the lock of the programme's fund."""
    s = SUBSIDIES.c
    owed = select(func.coalesce(func.sum(s.amount_fen), 0)).where(
        s.settlement_id == settlement_id, s.status == "posted"
    )
    fen = int((await session.execute(owed)).scalar_one())
    await session.execute(insert(PAID_STATEMENTS).values(settlement_id=settlement_id, paid_at=at))
    return fen


async def tell_returned(session: WriteSession, subject_ids: Collection[UUID], at: datetime) -> None:
    """These subsidies were paid, and their parcels came back: that is to be recovered."""
    s = SUBSIDIES.c
    returned = update(SUBSIDIES).where(among(s.subject_id, subject_ids), s.came_back_at.is_(None))
    await session.execute(returned.values(came_back_at=at))


async def add_cap_usage(session: WriteSession, used: Mapping[CapKey, int]) -> None:
    """Count what was granted; under the lock of the programme's head."""
    if not used:
        return
    columns = dict(zip(CAP_KEY, zip(*used, strict=True), strict=True)) | {"used": used.values()}
    await session.execute(_ADD_CAP_USAGE, parameters(columns))


async def seal_days(db: Database) -> int:
    """Seal every day (Asia/Shanghai) that has been over for a while and on which something was entered; how many."""
    async with db.reading() as session:
        waiting = await queries.unsealed(session)
        last_day = local_day(await database_now(session) - SEALED_AFTER) - timedelta(days=1)
    sealed = 0
    for programme_id, since in waiting:
        if local_day(since) <= last_day:
            sealed += await _seal_days_of(db, programme_id, last_day)
    return sealed


async def _seal_days_of(db: Database, programme_id: UUID, last_day: date) -> int:
    """Up to this day. The head's moment is put behind it first, so that nothing is ever entered before it any more,
    whatever a clock says; and no seal is built on one that is not there."""
    over_at, sealed = bounds_of(last_day)[1], 0
    async with db.transaction() as session:
        fund = (await queries.locked_funds(session, [programme_id]))[programme_id]
        later = update(LEDGER_HEADS).where(LEDGER_HEADS.c.programme_id == programme_id, LEDGER_HEADS.c.at < over_at)
        await session.execute(later.values(at=over_at))
    async with db.transaction() as session:
        last = await queries.last_seal(session, programme_id)
        seq, prev = (0, str(programme_id)) if last is None else (last.seq, last.hash)
        while seq < fund.head.seq:
            (following,) = await queries.transfers_after(session, programme_id, seq, 1)
            day = local_day(datetime.fromisoformat(following.at))
            if day > last_day:
                break
            stood = await queries.standing_at(session, programme_id, bounds_of(day)[1] - MOMENT, fund.head.seq)
            seal = seals.sealed(stood, day.isoformat(), prev)
            row = asdict(seal) | {"programme_id": programme_id, "day": day}
            added = await session.execute(insert(SEALS).values(row).on_conflict_do_nothing().returning(SEALS.c.day))
            if added.one_or_none() is None:
                break  # another worker is at it
            seq, prev, sealed = seal.seq, seal.hash, sealed + 1
    return sealed


async def exported(db: Database, programme_id: UUID) -> AsyncIterator[bytes]:
    """The programme's ledger as a file to verify (see `seals`), a page at a time."""
    async with db.reading() as session:
        kept = await queries.head_of(session, programme_id)
        days = [seal for seal in await queries.seals_of(session, programme_id) if seal.seq <= kept.seq]
    async for page in queries.pages_of_chain(db, programme_id, kept.seq):
        covered = [seal for seal in days if page[0].seq <= seal.seq <= page[-1].seq]
        yield await asyncio.to_thread(_as_bytes, page, covered)
    yield f"{seals.end_of(kept, days[-1].hash if days else None)}\n".encode()


def _as_bytes(transfers: Sequence[Transfer], days: Sequence[Seal]) -> bytes:
    return "".join(f"{line}\n" for line in seals.lines_of(transfers, days)).encode()


async def verify(db: Database, programme_id: UUID) -> Verified:
    """Walk the whole chain, a page at a time, to the head that the programme's row keeps.

    The head is read first: what is added meanwhile stands behind it.
    """
    async with db.reading() as session:
        kept = await queries.head_of(session, programme_id)
    reached = Head.genesis(str(programme_id))
    async for page in queries.pages_of_chain(db, programme_id, kept.seq):
        # a thread of its own: hashing a page takes longer than other requests should wait
        walked = await asyncio.to_thread(ledger.verify, page, reached)
        reached = walked.head
        if not walked.ok:
            return Verified(False, reached.seq, reached.hash, walked.first_bad_seq)
    if reached == kept:
        return Verified(True, reached.seq, reached.hash)
    return Verified(False, reached.seq, reached.hash, reached.seq + 1 if reached.seq < kept.seq else None)


def _head_row(head: Head) -> dict[str, Any]:
    balances = {f"{account}_fen": fen for account, fen in asdict(head.balances).items()}
    return {"seq": head.seq, "hash": head.hash, **balances}


async def _insert_transfers(session: WriteSession, batches: Sequence[tuple[UUID, Batch]]) -> None:
    rows = [_row(programme_id, each) for programme_id, batch in batches for each in batch.transfers]
    if rows:
        await copy_in(session, TRANSFERS, ("programme_id", *Transfer._fields), rows)


def _row(programme_id: UUID, transfer: Transfer) -> tuple[object, ...]:
    return programme_id, *transfer[:_AT], _instant(transfer.at), *transfer[_AT + 1 :]


@lru_cache(maxsize=64)  # a batch is of few instants
def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
