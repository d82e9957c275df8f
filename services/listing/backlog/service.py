"""What is noted of lots as they sell or spoil, what is made of it, and what a supervisor may ask."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, DateTime, Double, Text, bindparam, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.bulk import insert_given, parameters_of
from chassis.db import Database, WriteSession
from chassis.retention import delete_in_batches
from services.listing.backlog import hazard, queries
from services.listing.backlog.hazard import band_of, hours_by_band
from services.listing.backlog.models import Hazard, Sight, Stand
from services.listing.backlog.queries import local_day
from services.listing.listings.models import Spell
from services.listing.listings.queries import database_now

WINDOW = timedelta(days=28)
"""What the rates are fitted on: long enough for sparse cells, short enough to follow a season."""
KEPT = timedelta(days=92)
TALLY_BATCH = 500

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
    """The hours of a spell by band, and what ended it in the band of its end."""
    day, end_h = local_day(spell.until), _hours(spell.ends_at - spell.until)
    for band, hours in enumerate(hours_by_band(_hours(spell.ends_at - spell.since), end_h)):
        if hours > 0 and spell.remaining_g > 0:
            yield (day, spell.produce, spell.adcode, band), {"exposure_gh": spell.remaining_g * hours}
    if spell.sold_g or spell.spoiled_g:
        figures = {"sold_g": spell.sold_g, "sales": int(spell.sold_g > 0), "spoiled_g": spell.spoiled_g}
        yield (day, spell.produce, spell.adcode, band_of(end_h)), figures


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


async def reckoned_at(session: AsyncSession, after: queries.Place | None) -> datetime:
    """The full minute, so that what is asked of several levels adds up; of a later page, that of the first."""
    return after.as_of if after else minute_of(await database_now(session))


def minute_of(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _hours(span: timedelta) -> float:
    return max(0.0, span / timedelta(hours=1))
