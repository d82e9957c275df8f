"""The public board as a page: what the listing service's `/v1/board` says, for a reader."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from chassis.problems import Language
from gateway.fetch import fetch
from gateway.proxy import ServiceUnavailable, Upstream

URGENT_H = 24
FEN_PER_YUAN = 100


@dataclass(frozen=True, slots=True)
class Lot:
    """One line of the board. No personal data, no place finer than the county: the service gives none."""

    name: str
    variety: str
    grade: str
    origin: str
    hours_left: float
    remaining_kg: float
    sold_kg: float
    price_yuan_per_kg: str
    watch_52: bool
    poverty_832: bool
    photo: str

    @property
    def is_urgent(self) -> bool:
        return self.hours_left <= URGENT_H

    @classmethod
    def of(cls, item: Mapping[str, Any], language: Language) -> "Lot":
        origin = item["origin"]
        name = item["name_zh"] if language == "zh-CN" else item["name_en"]
        fen = item["min_price_fen_per_kg"]
        return cls(
            name=name or item["name_en"],
            variety=item["variety"] or "",
            grade=item["grade"],
            origin="".join(dict.fromkeys((origin["province"], origin["name"]))),
            hours_left=item["hours_left"],
            remaining_kg=item["remaining_kg"],
            sold_kg=item["sold_kg"],
            price_yuan_per_kg=f"{fen // FEN_PER_YUAN}.{fen % FEN_PER_YUAN:02}",
            watch_52=origin["watch_52"],
            poverty_832=origin["poverty_832"] is True,
            # a service from before there were photos says nothing of them
            photo=next((f"{each}?size=thumbnail" for each in item.get("photos", ())), ""),
        )


@dataclass(frozen=True, slots=True)
class Board:
    """A page of lots, or the name of the text that says why there is none."""

    lots: Sequence[Lot] = ()
    next: str | None = None
    trouble: str | None = None
    status: int = 200


async def read_board(upstream: Upstream | None, query: Mapping[str, str], language: Language) -> Board:
    """Ask the listing service; a board that can't be read says so."""
    if upstream is None:
        return Board(trouble="unavailable", status=503)
    try:
        answer = await fetch(upstream, "/v1/board", urlencode(query))
        if answer.status == 422:
            return Board(trouble="not_understood", status=422)
        if answer.status != 200:
            return Board(trouble="unavailable", status=503)
        read = answer.json()
    except ServiceUnavailable:
        return Board(trouble="unavailable", status=503)
    return Board([Lot.of(item, language) for item in read["items"]], read["next"])
