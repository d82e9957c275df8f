"""The backlog's answers as the pages show them. Pure; mass is summed in grams, so that figures equal the API's."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from chassis.problems import Language
from gateway.pages.names import produce_name
from gateway.pages.shown import URGENT_H

GRAMS_PER_KG = 1000
BANDS_H = (12, 24, 48, 96, 240)
"""Where the forecast's bands of hours left end; the last has no end."""
BASES = ("fitted", "borrowed", "prior")
"""What a forecast may rest on, the most trustworthy first."""
HIGH, SOME = 0.5, 0.2
"""From which share at risk on an area is coloured as grave, and as worth a look."""

Key = TypeVar("Key", bound=Hashable)


def grams(quantity_kg: float) -> int:
    """The API's kilograms have three decimals at most."""
    return round(quantity_kg * GRAMS_PER_KG)


def tone(share: float) -> str:
    """The badge of a share at risk; its colour never stands without the number."""
    return "alarm" if share >= HIGH else "soon" if share >= SOME else "good"


class Weighed:
    """What is open and what of it is at risk, in grams, as a page shows them."""

    __slots__ = ()
    open_g: int
    at_risk_g: int

    @property
    def open_kg(self) -> float:
        return self.open_g / GRAMS_PER_KG

    @property
    def at_risk_kg(self) -> float:
        return self.at_risk_g / GRAMS_PER_KG

    @property
    def share(self) -> float:
        return self.at_risk_g / self.open_g if self.open_g else 0.0

    @property
    def tone(self) -> str:
        return tone(self.share)


@dataclass(frozen=True, slots=True)
class Row(Weighed):
    """One produce in one area."""

    adcode: str
    area: str
    province: str
    watch_52: bool
    poverty_832: bool
    produce: str
    name: str
    open_g: int
    at_risk_g: int
    hours_left: float
    listings: int
    forecast: str

    @property
    def is_urgent(self) -> bool:
        return self.hours_left <= URGENT_H

    @property
    def within(self) -> str:
        """The province, where the area is not that itself."""
        return "" if self.province == self.area else self.province

    @classmethod
    def of(cls, item: Mapping[str, Any], language: Language) -> "Row":
        area = item["area"]
        return cls(
            adcode=area["adcode"],
            area=area["name"],
            province=area["province"],
            watch_52=area["watch_52"],
            poverty_832=area["poverty_832"] is True,
            produce=item["produce"],
            name=produce_name(item["produce"], language),
            open_g=grams(item["open_kg"]),
            at_risk_g=grams(item["at_risk_kg"]),
            hours_left=item["hours_left_median"],
            listings=item["listings"],
            forecast=item["forecast"],
        )


@dataclass(frozen=True, slots=True)
class Sum(Weighed):
    """Of several rows."""

    open_g: int = 0
    at_risk_g: int = 0
    listings: int = 0

    def with_(self, row: Row) -> "Sum":
        return Sum(self.open_g + row.open_g, self.at_risk_g + row.at_risk_g, self.listings + row.listings)


def in_all(rows: Iterable[Row]) -> Sum:
    """Of all these rows."""
    total = Sum()
    for row in rows:
        total = total.with_(row)
    return total


def grouped(rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, Sum]:
    """The sum of each group, the most at risk first."""
    sums: dict[Key, Sum] = {}
    for row in rows:
        sums[key(row)] = sums.get(key(row), Sum()).with_(row)
    return dict(sorted(sums.items(), key=lambda each: -each[1].at_risk_g))


@dataclass(frozen=True, slots=True)
class Kind:
    """One produce over all areas."""

    produce: str
    name: str
    sum: Sum


def by_produce(rows: Iterable[Row]) -> list[Kind]:
    """The most at risk first."""
    return [Kind(*named, sum=each) for named, each in grouped(rows, lambda row: (row.produce, row.name)).items()]


@dataclass(frozen=True, slots=True)
class Band:
    """What has so many hours left; `until_h` is None where there is no end."""

    from_h: int
    until_h: int | None
    sum: Sum


def by_hours(rows: Iterable[Row]) -> list[Band]:
    """A row counts where its median lies: half of its kilograms have at most so many hours left."""
    ends = (*BANDS_H, None)
    sums = grouped(rows, lambda row: next((end for end in BANDS_H if row.hours_left < end), None))
    return [Band(begin, end, sums.get(end, Sum())) for begin, end in zip((0, *BANDS_H), ends, strict=True)]


@dataclass(frozen=True, slots=True)
class Basis:
    """How much of what is at risk is forecast from what."""

    name: str
    share: float


def by_basis(rows: Sequence[Row]) -> list[Basis]:
    """The shares are of what is at risk; what no row rests on is missing."""
    sums, total_g = grouped(rows, lambda row: row.forecast), in_all(rows).at_risk_g
    return [Basis(name, sums[name].at_risk_g / total_g if total_g else 0.0) for name in BASES if name in sums]


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the trend; what stood open and at risk is None where nobody looked."""

    day: str
    open_kg: float | None
    at_risk_kg: float | None
    sold_kg: float
    spoiled_kg: float

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> "Day":
        return cls(**{name: item[name] for name in ("day", "open_kg", "at_risk_kg", "sold_kg", "spoiled_kg")})


@dataclass(frozen=True, slots=True)
class Lot:
    """One open lot and its forecast."""

    id: str
    name: str
    variety: str
    grade: str
    adcode: str
    origin: str
    watch_52: bool
    min_price_fen_per_kg: int
    remaining_kg: float
    at_risk_kg: float
    share: float
    spoils_at: str
    hours_left: float
    forecast: str

    @property
    def tone(self) -> str:
        return tone(self.share)

    @property
    def is_urgent(self) -> bool:
        return self.hours_left <= URGENT_H

    @classmethod
    def of(cls, item: Mapping[str, Any], language: Language) -> "Lot":
        origin = item["origin"]
        return cls(
            id=item["id"],
            name=produce_name(item["produce"], language),
            variety=item["variety"] or "",
            grade=item["grade"],
            adcode=origin["adcode"],
            origin="".join(dict.fromkeys((origin["province"], origin["name"]))),
            watch_52=origin["watch_52"],
            min_price_fen_per_kg=item["min_price_fen_per_kg"],
            remaining_kg=item["remaining_kg"],
            at_risk_kg=item["at_risk_kg"],
            share=item["unsold_share"],
            spoils_at=item["spoils_at"],
            hours_left=item["hours_left"],
            forecast=item["forecast"],
        )
