"""What the pages of the backlog ask the API for; everything at once, in the reader's name."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from catalogue import places, produce
from catalogue.places import Area, Level
from chassis.problems import Language, NotFound
from gateway.pages.backlog import views
from gateway.pages.backlog.plane import Plane, plane
from gateway.pages.backlog.views import Band, Basis, Day, Kind, Lot, Row, Sum
from gateway.pages.explanations import Why
from gateway.pages.forms import Option
from gateway.pages.names import name_of
from gateway.pages.reader import Reader
from gateway.pages.shown import by_name
from gateway.proxy import ServiceUnavailable

SHOWN, LOTS_SHOWN, MOST = 50, 50, 500
"""Rows of a table, lots of a table, and as many as the API gives at once."""
PAGES_MAX = 10
"""Of 500 rows: more than provinces times kinds of produce come to. A table to download ends there, too."""
TREND_DAYS = 14
AWAY = "away"
"""The state of an explanation that can't be had just now."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of the backlog; empty is all of it."""

    level: Level = Level.COUNTY
    produce: str = ""
    adcode: str = ""
    after: str = ""

    @property
    def part(self) -> dict[str, str]:
        return {"produce": self.produce, "adcode": self.adcode}


@dataclass(frozen=True, slots=True)
class Figures:
    """The sums of a part of the backlog."""

    total: Sum
    kinds: Sequence[Kind]
    bands: Sequence[Band]
    bases: Sequence[Basis]


@dataclass(frozen=True, slots=True)
class Barometer:
    """`watched` are the counties under special supervision; `rows` has none of them again."""

    as_of: str
    figures: Figures
    watched: Sequence[Row]
    watched_sum: Sum
    calm: Sequence[Option]
    """The counties under supervision in which nothing waits, of the part that was asked for."""
    rows: Sequence[Row]
    next: str | None
    plane: Plane
    is_whole_plane: bool
    days: Sequence[Day]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why that lot does not move; the state is the API's, or `AWAY`."""

    lot_id: str
    why: Why


@dataclass(frozen=True, slots=True)
class AreaPage:
    """One area with the lots in it. `above` are the areas that it lies in, `rows` its `parts`, by produce."""

    area: Area
    adcode: str
    above: Sequence[Option]
    watch_52: bool
    poverty_832: bool
    as_of: str
    figures: Figures
    rows: Sequence[Row]
    parts: Level
    lots: Sequence[Lot]
    next: str | None
    days: Sequence[Day]
    why: Explanation | None


async def read_barometer(reader: Reader, asked: Asked) -> Barometer:
    """Behind the first page without what stands above the table. Raises Refused and ServiceUnavailable."""
    api, part = reader.api, asked.part
    whole, watched, shown, dots, trend = await asyncio.gather(
        _all_rows(reader, level=Level.PROVINCE, **part),
        _all_rows(reader, level=Level.COUNTY, watch_52="true", **part),
        api.get("/v1/backlog", level=asked.level, limit=SHOWN, after=asked.after, **part),
        api.get("/v1/backlog", level=asked.level, limit=MOST, **part),
        api.get("/v1/backlog/trend", days=TREND_DAYS, **part),
    )
    drawn = _rows(dots, reader.language)
    return Barometer(
        as_of=shown["as_of"],
        figures=figures_of(whole, drawn if dots["next"] is None else whole),
        watched=() if asked.after else watched,  # the pages behind the first do not begin with them again
        watched_sum=views.in_all(watched),
        calm=() if asked.after else _calm(watched, asked),
        rows=others(_rows(shown, reader.language), asked.level),
        next=shown["next"],
        plane=plane(drawn, places.adcode_prefix(asked.adcode) if asked.adcode else ""),
        is_whole_plane=dots["next"] is None,
        days=[Day.of(each) for each in trend["items"]],
    )


def _calm(watched: Sequence[Row], asked: Asked) -> Sequence[Option]:
    waits, prefix = {row.adcode for row in watched}, places.adcode_prefix(asked.adcode) if asked.adcode else ""
    its = [each for each in places.all_places() if each.watch_52 and each.adcode.startswith(prefix)]
    return [Option(each.adcode, each.full_name) for each in its if each.adcode not in waits]


async def read_table(reader: Reader, asked: Asked) -> Sequence[Row]:
    """The table to download: of counties the supervised ones first. Of larger areas these alone, for the supervised
    counties lie in them: whoever sums a column would count them twice. Raises Refused and ServiceUnavailable."""
    if asked.level is not Level.COUNTY:
        return await _all_rows(reader, level=asked.level, **asked.part)
    watched, rows = await asyncio.gather(
        _all_rows(reader, level=Level.COUNTY, watch_52="true", **asked.part),
        _all_rows(reader, level=Level.COUNTY, **asked.part),
    )
    return [*watched, *others(rows, asked.level)]


async def read_area(reader: Reader, asked: Asked, why: UUID | None) -> AreaPage:
    """Raises NotFound for a code that is no area's, Refused and ServiceUnavailable."""
    area = places.area(asked.adcode)
    if area is None:
        raise NotFound()
    below = _level_below(area.level)
    rows, lots, trend, explanation = await asyncio.gather(
        _all_rows(reader, level=below, **asked.part),
        reader.api.get("/v1/backlog/lots", limit=LOTS_SHOWN, after=asked.after, **asked.part),
        reader.api.get("/v1/backlog/trend", days=TREND_DAYS, **asked.part),
        _explain(reader, why),
    )
    counties = [place for place in places.all_places() if place.adcode.startswith(area.prefix)]
    return AreaPage(
        area=area,
        adcode=area.prefix.ljust(Level.COUNTY.digits, "0"),
        above=_above(area),
        watch_52=any(county.watch_52 for county in counties),
        poverty_832=any(county.poverty_832 for county in counties),
        as_of=lots["as_of"],
        figures=figures_of(rows, rows),
        rows=sorted(rows, key=lambda row: not row.watch_52),
        parts=below,
        lots=[Lot.of(each, reader.language) for each in lots["items"]],
        next=lots["next"],
        days=[Day.of(each) for each in trend["items"]],
        why=explanation,
    )


def figures_of(whole: Sequence[Row], finest: Sequence[Row]) -> Figures:
    """`finest` are the same kilograms by the smallest areas there are: so medians of hours left say the most."""
    return Figures(views.in_all(whole), views.by_produce(whole), views.by_hours(finest), views.by_basis(whole))


def others(rows: Sequence[Row], level: Level) -> Sequence[Row]:
    """Without the supervised counties, which stand above them already."""
    return [row for row in rows if not (level is Level.COUNTY and row.watch_52)]


def produce_options(language: Language) -> list[Option]:
    """Every kind of the catalogue, by its name."""
    named = [Option(each.slug, name_of(each, language)) for each in produce.all_produce()]
    return sorted(named, key=lambda each: by_name(each.name))


def province_options() -> list[Option]:
    """Every province, by its code."""
    return [Option(each.prefix.ljust(Level.COUNTY.digits, "0"), each.name) for each in places.provinces()]


def _rows(answer: Any, language: Language) -> list[Row]:
    return [Row.of(each, language) for each in answer["items"]]


async def _all_rows(reader: Reader, **query: str) -> list[Row]:
    """Page by page; in truth one page, seldom two: provinces times kinds of produce."""
    rows: list[Row] = []
    after = ""
    for _ in range(PAGES_MAX):
        answer = await reader.api.get("/v1/backlog", limit=MOST, after=after, **query)
        rows += _rows(answer, reader.language)
        after = answer["next"]
        if after is None:
            break
    return rows


async def _explain(reader: Reader, why: UUID | None) -> Explanation | None:
    """None where nothing is asked for, and where the API does not tell this reader."""
    if why is None:
        return None
    try:
        told = await reader.api.ask(f"/v1/listings/{why}/explanation")
    except ServiceUnavailable:
        return Explanation(str(why), Why(AWAY))
    return Explanation(str(why), Why.of(told.said)) if told.ok else None


def _level_below(level: Level) -> Level:
    return {Level.PROVINCE: Level.PREFECTURE}.get(level, Level.COUNTY)


def _above(area: Area) -> list[Option]:
    """The province and prefecture that it lies in, where they are more than itself."""
    prefixes = (area.prefix[: level.digits] for level in Level if level.digits < len(area.prefix))
    found = [places.area(prefix) for prefix in prefixes]
    return [Option(each.prefix.ljust(Level.COUNTY.digits, "0"), each.name) for each in found if each is not None]
