"""What the pages of the board show: what the listing service's `/v1/board` says, for a reader."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chassis.problems import Language
from gateway.pages.asking import Api, Told
from gateway.pages.forms import Option
from gateway.pages.shown import SOON_H, URGENT_H, by_name
from gateway.proxy import ServiceUnavailable

BADGE_TURNS_H: Mapping[str, int] = {"urgent": URGENT_H, "soon": SOON_H}
"""Until when a lot's badge is of that kind, for the script that goes on with it."""
LOTS = 24
"""Of a page: as many as a phone shows without waiting."""


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot. No personal data, no place finer than the county: the service gives none."""

    id: str
    produce: str
    name: str
    variety: str
    grade: str
    temperature_class: str
    adcode: str
    county: str
    origin: str
    watch_52: bool
    poverty_832: bool
    hours_left: float
    quantity_kg: float
    remaining_kg: float
    sold_kg: float
    floor_fen_per_kg: int
    photos: Sequence[str]
    available_from: str
    spoils_at: str
    households: int | None
    story: str

    @property
    def is_urgent(self) -> bool:
        """Whether it spoils within a day."""
        return self.hours_left <= URGENT_H

    @property
    def is_soon(self) -> bool:
        return URGENT_H < self.hours_left <= SOON_H

    @property
    def photo(self) -> str:
        """The first, small; empty without any."""
        return f"{self.photos[0]}?size=thumbnail" if self.photos else ""

    @property
    def photo_to_share(self) -> str:
        """Large enough for a preview, and small enough for those who fetch one."""
        return f"{self.photos[0]}?size=medium" if self.photos else ""

    @classmethod
    def of(cls, item: Mapping[str, Any], language: Language) -> "Lot":
        """A line of `/v1/board`; what it calls its produce counts, for its catalogue may be newer than ours."""
        origin = item["origin"]
        name = item["name_zh"] if language == "zh-CN" else item["name_en"]
        return cls(
            id=item["id"],
            produce=item["produce"],
            name=name or item["name_en"],
            variety=item["variety"] or "",
            grade=item["grade"],
            temperature_class=item["temperature_class"],
            adcode=origin["adcode"],
            county=origin["name"],
            origin="".join(dict.fromkeys((origin["province"], origin["name"]))),
            watch_52=origin["watch_52"],
            poverty_832=origin["poverty_832"] is True,
            hours_left=item["hours_left"],
            quantity_kg=item["quantity_kg"],
            remaining_kg=item["remaining_kg"],
            sold_kg=item["sold_kg"],
            floor_fen_per_kg=item["min_price_fen_per_kg"],
            photos=item.get("photos", ()),  # a service from before there were photos says nothing of them
            available_from=item["available_from"],
            spoils_at=item["spoils_at"],
            households=item["households"],
            story=item["story"] or "",
        )


@dataclass(frozen=True, slots=True)
class Filter(Option):
    """What one may narrow the board to, and how many lots that leaves."""

    lots: int


@dataclass(frozen=True, slots=True)
class Totals:
    """The board in figures, and what one may narrow it to."""

    lots: int = 0
    remaining_kg: float = 0
    sold_kg: float = 0
    provinces: Sequence[Filter] = ()
    counties: Sequence[Filter] = ()
    kinds: Sequence[Filter] = ()

    @classmethod
    def of(cls, summary: Mapping[str, Any], language: Language, province: str) -> "Totals":
        """`province`: two digits, the one whose counties are offered."""
        provinces: dict[str, Filter] = {}
        for each in summary["counties"]:
            code, known = each["county"]["adcode"][:2], provinces.get(each["county"]["adcode"][:2])
            lots = each["lots"] + (known.lots if known else 0)
            provinces[code] = Filter(code, each["county"]["province"], lots)
        counties = [
            Filter(each["county"]["adcode"], each["county"]["name"], each["lots"])
            for each in summary["counties"]
            if province and each["county"]["adcode"].startswith(province)
        ]
        name = "name_zh" if language == "zh-CN" else "name_en"
        kinds = [Filter(each["produce"], each[name] or each["name_en"], each["lots"]) for each in summary["kinds"]]
        return cls(
            lots=summary["lots"],
            remaining_kg=summary["remaining_kg"],
            sold_kg=summary["sold_kg"],
            provinces=[provinces[code] for code in sorted(provinces)],
            counties=sorted(counties, key=lambda each: each.value),
            kinds=sorted(kinds, key=lambda each: by_name(each.name)),
        )


@dataclass(frozen=True, slots=True)
class Board:
    """A page of lots, or the name of the text that says why there is none."""

    lots: Sequence[Lot] = ()
    next: str | None = None
    trouble: str | None = None
    status: int = 200


async def read_board(api: Api, query: Mapping[str, str], language: Language) -> Board:
    """Ask the listing service; a board that can't be read says so."""
    told = await _told(api, "/v1/board", {**query, "limit": f"{LOTS}"})
    if told is not None and told.status == 422:
        return Board(trouble="not_understood", status=422)
    if told is None or not told.ok:
        return Board(trouble="unavailable", status=503)
    return Board([Lot.of(item, language) for item in told.said["items"]], told.said["next"])


async def read_totals(api: Api, language: Language, province: str, adcode: str = "") -> Totals:
    """Of everything, or of one area. A board without its figures is a board still."""
    told = await _told(api, "/v1/board/summary", {"adcode": adcode})
    return Totals() if told is None or not told.ok else Totals.of(told.said, language, province)


async def read_both(
    api: Api, query: Mapping[str, str], language: Language, *, adcode: str = ""
) -> tuple[Board, Totals]:
    """The lots that were asked for, and the figures of the whole board, or of `adcode`."""
    board, totals = await asyncio.gather(
        read_board(api, query, language), read_totals(api, language, query.get("adcode", "")[:2], adcode)
    )
    return board, totals


async def read_lot(api: Api, listing_id: object, language: Language) -> Lot:
    """Raises Refused, as the API does, for what is not on the board."""
    return Lot.of(await api.get(f"/v1/board/{listing_id}"), language)


async def _told(api: Api, path: str, query: Mapping[str, str]) -> Told | None:
    try:
        return await api.ask(path, **query)
    except ServiceUnavailable:
        return None
