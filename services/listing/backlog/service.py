"""What is noted of lots as they sell or spoil, what is made of it, and what a supervisor may ask."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from sqlalchemy import (
    ARRAY,
    DateTime,
    Double,
    Select,
    Text,
    bindparam,
    cast,
    delete,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from catalogue.days import local_day
from catalogue.places import Level
from chassis.bulk import insert_given, parameters_of
from chassis.clock import database_now
from chassis.db import Database, WriteSession
from chassis.kept import Kept
from chassis.retention import delete_in_batches
from services.listing.backlog import hazard, queries
from services.listing.backlog.figures import Area, Behind, Lot
from services.listing.backlog.hazard import band_of, hours_by_band
from services.listing.backlog.models import Hazard, Sight, Snapshot, Stand
from services.listing.backlog.queries import BacklogPlace, Wanted
from services.listing.listings.models import Spell

if TYPE_CHECKING:
    from services.listing.backlog.standing import Standing

WINDOW = timedelta(days=28)
"""What the rates are fitted on: long enough for sparse cells, short enough to follow a season."""
KEPT = timedelta(days=92)
TALLY_BATCH = 500

NEW = timedelta(hours=hazard.NEW_H)

SNAPSHOT_GOOD = timedelta(minutes=3)
"""Older ones are of a worker that is away."""
SNAPSHOTS_KEPT = timedelta(minutes=10)
"""Who reads on later than that reads on in the newest."""

KEY = ("day", "produce", "adcode", "band")
FIGURES = ("exposure_gh", "sold_g", "sales", "spoiled_g")
_GIVEN = insert_given(Sight.__table__, *KEY, *FIGURES)  # type: ignore[arg-type]
NOTE = _GIVEN.on_conflict_do_update(
    index_elements=KEY, set_={each: Sight.__table__.c[each] + _GIVEN.excluded[each] for each in FIGURES}
)

_FITTED = (
    func.unnest(*(bindparam(name, type_=ARRAY(Text)) for name in ("produce", "adcode", "rates")))
    .table_valued("produce", "adcode", "rates", name="fitted")
    .render_derived()
)
_RATES = insert(Hazard.__table__).from_select(  # type: ignore[arg-type]
    ["produce", "adcode", "rates", "fitted_at"],
    select(
        _FITTED.c.produce,
        _FITTED.c.adcode,
        cast(_FITTED.c.rates, ARRAY(Double)),  # as text: unnest would take an array of arrays apart
        bindparam("fitted_at", type_=DateTime(timezone=True)),
    ),
)


class Shelf:
    """The snapshots that this process has read; a page that is asked for costs no more than its own sums then.

    At the full minute all who read come at once. Who asks for what is just being read, or reckoned, waits for it, and
    keeps no connection meanwhile; and one moment is reckoned at a time, for it costs the database as much as a
    snapshot does.
    """

    AT_MOST: Final = 3

    def __init__(self) -> None:
        self._snapshots = Kept[UUID, "Standing | None"](self.AT_MOST)
        self._reckoned = Kept[datetime, "Standing | None"](at_most=0)
        self._one = asyncio.Lock()

    async def snapshot(self, db: Database, snapshot_id: UUID) -> "Standing | None":
        """The lots of a snapshot; None of one that is gone."""
        whole: tuple[Any, ...] = (Snapshot.produce, Snapshot.evidence, Snapshot.lots)
        wanted = select(*whole).where(Snapshot.id == snapshot_id)
        return await self._snapshots.of(snapshot_id, partial(_unpacked, db, wanted))

    async def reckoned(self, db: Database, as_of: datetime) -> "Standing":
        """The lots as they stand now, judged as of that moment."""
        standing = await self._reckoned.of(as_of, partial(self._reckon, db, as_of))
        assert standing is not None, "it is one row, of however many lots"
        return standing

    async def _reckon(self, db: Database, as_of: datetime) -> "Standing | None":
        async with self._one:
            return await _unpacked(db, queries.packed(as_of))


async def note(session: WriteSession, spells: Sequence[Spell]) -> None:
    """Add what was seen to the figures of its day, produce, county and band."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for spell in spells:
        for key, figures in _sights(spell):
            row = rows.setdefault(key, dict(zip(KEY, key, strict=True)) | dict.fromkeys(FIGURES, 0))
            for name, figure in figures.items():
                row[name] += figure
    if rows:  # in one order, so that two batches can't wait for each other
        await session.execute(NOTE, parameters_of([rows[key] for key in sorted(rows)], *KEY, *FIGURES))


def _sights(spell: Spell) -> Iterable[tuple[tuple[Any, ...], Mapping[str, float]]]:
    """The hours of a spell by band, and what ended it in the band of its end; the lot's first hour apart."""
    day, end_h = local_day(spell.until), _hours(spell.ends_at - spell.until)
    grown_at = spell.posted_at + NEW
    new_h = _hours(min(grown_at, spell.until) - spell.since)
    stood = enumerate(hours_by_band(_hours(spell.ends_at - max(spell.since, grown_at)), end_h))
    for band, hours in ((hazard.NEW, new_h), *stood):
        if hours > 0 and spell.remaining_g > 0:
            yield (day, spell.produce, spell.adcode, band), {"exposure_gh": spell.remaining_g * hours}
    if spell.sold_g or spell.spoiled_g:
        band = hazard.NEW if spell.until < grown_at else band_of(end_h)
        figures = {"sold_g": spell.sold_g, "sales": int(spell.sold_g > 0), "spoiled_g": spell.spoiled_g}
        yield (day, spell.produce, spell.adcode, band), figures


async def tally_ended(db: Database) -> int:
    """Note what of closed lots nobody bought; how many lots."""
    tallied, last = 0, TALLY_BATCH
    while last == TALLY_BATCH:
        async with db.transaction() as session:
            ended = await queries.locked_ended(session, TALLY_BATCH)
            now = await database_now(session)
            await note(session, [listing.last_spell(now) for listing in ended])
        last = len(ended)
        tallied += last
    return tallied


async def refit(db: Database) -> None:
    """Fit the rates to what was seen, and look how the backlog stands by them.

    Safe in two processes at once: each writes in one order, and undoes only what is older than its own.
    """
    async with db.reading() as session:
        now = await database_now(session)
        seen = await queries.seen_since(session, local_day(now - WINDOW), now)
    fitted = await asyncio.to_thread(hazard.fit, seen)
    async with db.transaction() as session:
        await _keep_rates(session, fitted, now)
    async with db.transaction() as session:
        await _keep_stand(session, await database_now(session))


async def _keep_rates(session: WriteSession, fitted: dict[hazard.Cell, hazard.Rates], now: datetime) -> None:
    newer = {"rates": _RATES.excluded.rates, "fitted_at": _RATES.excluded.fitted_at}
    cells = sorted(fitted)
    columns = {
        "produce": [cell.produce for cell in cells],
        "adcode": [cell.adcode for cell in cells],
        "rates": ["{" + ",".join(map(repr, fitted[cell])) + "}" for cell in cells],
        "fitted_at": now,
    }
    await session.execute(_RATES.on_conflict_do_update(index_elements=["produce", "adcode"], set_=newer), columns)
    await session.execute(delete(Hazard).where(Hazard.fitted_at < now))


async def _keep_stand(session: WriteSession, now: datetime) -> None:
    """The day's last look counts: of what is gone since an earlier one nothing stands."""
    names = ["day", "produce", "adcode", "open_g", "at_risk_g", "looked_at"]
    new = insert(Stand).from_select(names, queries.stand_at(now))
    newer = {each: new.excluded[each] for each in ("open_g", "at_risk_g", "looked_at")}
    await session.execute(new.on_conflict_do_update(index_elements=["day", "produce", "adcode"], set_=newer))
    gone = update(Stand).where(Stand.day == local_day(now), Stand.looked_at < now, Stand.open_g > 0)
    await session.execute(gone.values(open_g=0, at_risk_g=0))


async def forget_old(db: Database) -> None:
    """Delete days that no trend shows any more."""
    for table in (Sight, Stand):
        await delete_in_batches(db, table.__table__, table.day < func.current_date() - KEPT.days)


async def keep_snapshot(db: Database) -> None:
    """Pack the lots as they stand at this full minute, once a minute, and let go of what no page asks for any more."""
    async with db.transaction() as session:
        now = await database_now(session)
        as_of = minute_of(now)
        await session.execute(delete(Snapshot).where(Snapshot.as_of < now - SNAPSHOTS_KEPT))
        if await session.scalar(select(Snapshot.as_of).where(Snapshot.as_of == as_of)) is None:
            columns = queries.packed(as_of).add_columns(literal(as_of), literal(uuid4())).subquery()
            new = insert(Snapshot).from_select(["produce", "evidence", "lots", "as_of", "id"], select(columns))
            await session.execute(new.on_conflict_do_nothing())


async def areas(
    db: Database, shelf: Shelf, level: Level, wanted: Wanted, after: BacklogPlace | None, limit: int
) -> tuple[datetime, list[Area]]:
    """The moment of the figures, and of each area and produce: open, at risk, and until when half has to be sold."""
    as_of, standing = await _standing(db, shelf, after)
    found = await asyncio.to_thread(standing.areas, level.digits, wanted.part, _behind(after), limit)
    return as_of, found


async def lots(
    db: Database, shelf: Shelf, wanted: Wanted, after: BacklogPlace | None, limit: int
) -> tuple[datetime, list[Lot]]:
    """The moment of the figures, and each lot with its forecast, most at risk first."""
    as_of, standing = await _standing(db, shelf, after)
    return as_of, await asyncio.to_thread(standing.lots, wanted.part, _behind(after), limit)


async def _standing(db: Database, shelf: Shelf, after: BacklogPlace | None) -> tuple[datetime, "Standing"]:
    """That of the last minute, so that what is asked of several levels adds up; of a later page, that of the first.

    Where that is gone, for the page lay open for long, it is the last minute's again. Where there is none at all, for
    the worker is away, what stands now is reckoned for it: at a moment of our own, for anybody can write a cursor.
    """
    async with db.reading() as session:
        now = await database_now(session)
        near = await queries.snapshot_near(session, after.as_of if after else None, minute_of(now) - SNAPSHOT_GOOD)
    kept = None if near is None else await shelf.snapshot(db, near.id)
    if near is not None and kept is not None:
        return near.as_of, kept
    as_of = after.as_of if after and _is_of_a_page(after.as_of, now) else minute_of(now)
    return as_of, await shelf.reckoned(db, as_of)


def _is_of_a_page(as_of: datetime, now: datetime) -> bool:
    """Whether it may be the moment of a page that was told lately."""
    return as_of == minute_of(as_of) and now - SNAPSHOTS_KEPT <= as_of <= now


async def _unpacked(db: Database, columns: Select[Any]) -> "Standing | None":
    from services.listing.backlog.standing import Standing  # numpy: an API begins without it

    async with db.reading() as session:
        row = (await session.execute(columns)).one_or_none()
    return None if row is None else await asyncio.to_thread(Standing, row.produce, row.evidence, row.lots)


def _behind(after: BacklogPlace | None) -> Behind | None:
    return (after.grams, after.key) if after else None


def minute_of(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _hours(span: timedelta) -> float:
    return max(0.0, span / timedelta(hours=1))
