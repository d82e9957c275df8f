"""Listings and orders as they come, sound or not: one by one, or many in columns.

Market.of sorts them out: what can't be reckoned with is named here, in one place for both forms.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self, TypeVar

import numpy as np
import numpy.typing as npt

from services.matching.optimiser.policy import GRADES, TEMPERATURE_CLASSES, IntArray

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

MAX_PRICE_FEN_PER_KG = 1_000_000
MAX_QUANTITY_G = 10**10
LATEST_US = 253_402_300_800_000_000  # the year 10000
PRICE_BASES = ("delivered", "farm_gate")
BEYOND = 2**62  # what no number of a sound row comes near


@dataclass(frozen=True, slots=True)
class Listing:
    """One lot on offer. Times are microseconds since 1970 (UTC); coordinates WGS-84 degrees."""

    id: str
    quantity_g: int  # as listed: what the quarters of the spread are counted on
    committed_g: int  # agreed or held, over all rounds
    remaining_g: int  # free to be matched now
    floor_fen_per_kg: int
    grade: str
    lon: float
    lat: float
    available_from_us: int
    available_until_us: int | None
    spoils_at_us: int  # in the temperature class it travels in
    temperature_class: str
    watch_52: bool | None = False
    poverty_832: bool | None = False  # None: unknown, which is not "no"
    divisible: bool = True


@dataclass(frozen=True, slots=True)
class Order:
    """What one buyer still wants. Times are microseconds since 1970 (UTC); coordinates WGS-84 degrees."""

    id: str
    wanted_g: int  # not yet agreed or held
    ceiling_fen_per_kg: int
    min_grade: str
    lon: float
    lat: float
    deliver_by_us: int
    min_remaining_life_us: int
    deliver_from_us: int | None = None
    committed_g: int = 0  # agreed or held, over all rounds
    min_fill_g: int = 0
    price_basis: Literal["delivered", "farm_gate"] = "delivered"
    listing_id: str | None = None  # pinned to this listing


Check = tuple[str, BoolArray]


@dataclass(frozen=True, slots=True)
class _Table:
    ids: Sequence[str]

    def rows(self, rows: IntArray) -> Self:
        """These rows only, in this order."""
        taken = rows.tolist()
        columns: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        for name, column in columns.items():
            columns[name] = column[rows] if isinstance(column, np.ndarray) else [column[row] for row in taken]
        return replace(self, **columns)

    def oddities(self) -> dict[int, str]:
        """Why a row can't be reckoned with, by the row: the first reason of several."""
        reasons: dict[int, str] = {}
        for reason, sound in self._checks():
            for row in np.flatnonzero(~sound).tolist():
                reasons.setdefault(row, reason)
        return reasons

    def content(self) -> Sequence[npt.NDArray[Any]]:
        """What rows are sorted by, the foremost first."""
        raise NotImplementedError

    def _checks(self) -> Iterator[Check]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class ListingTable(_Table):
    """Columns of `Listing`. Unknown: -1 as a grade, class or flag, NaN as a coordinate."""

    quantity_g: IntArray
    committed_g: IntArray
    remaining_g: IntArray
    floor_fen_per_kg: IntArray
    grade: IntArray  # index into GRADES
    lon: FloatArray
    lat: FloatArray
    available_from_us: IntArray
    available_until_us: IntArray  # LATEST_US: no end
    spoils_at_us: IntArray
    temperature_class: IntArray  # index into TEMPERATURE_CLASSES
    watch_52: IntArray  # 1, 0, -1: unknown
    poverty_832: IntArray
    divisible: BoolArray

    @classmethod
    def of(cls, listings: Iterable[Listing]) -> tuple["ListingTable", list[str]]:
        """The table of these, and the ids of those that are malformed: None or a text where a number belongs."""
        return _table_of(cls, listings, _listing_row)

    def content(self) -> Sequence[npt.NDArray[Any]]:
        numbers = self.spoils_at_us, self.floor_fen_per_kg, self.remaining_g
        return *numbers, self.lon, self.lat, self.available_from_us

    def _checks(self) -> Iterator[Check]:
        yield "quantity_out_of_range", _within(self.quantity_g, 1, MAX_QUANTITY_G) & (self.committed_g >= 0)
        yield "quantity_out_of_range", _within(self.remaining_g, 0, MAX_QUANTITY_G)
        yield "price_out_of_range", _within(self.floor_fen_per_kg, 0, MAX_PRICE_FEN_PER_KG)
        yield "grade_unknown", self.grade >= 0
        yield "temperature_class_unknown", self.temperature_class >= 0
        yield "place_unknown", _on_the_globe(self.lon, self.lat)
        yield "time_out_of_range", _in_time(self.available_from_us, self.available_until_us, self.spoils_at_us)


@dataclass(frozen=True, slots=True)
class OrderTable(_Table):
    """Columns of `Order`. Unknown: -1 as a grade or basis, NaN as a coordinate."""

    wanted_g: IntArray
    ceiling_fen_per_kg: IntArray
    min_grade: IntArray  # index into GRADES
    lon: FloatArray
    lat: FloatArray
    deliver_by_us: IntArray
    min_remaining_life_us: IntArray
    deliver_from_us: IntArray
    committed_g: IntArray
    min_fill_g: IntArray
    price_basis: IntArray  # index into PRICE_BASES
    listing_id: Sequence[str | None]

    @classmethod
    def of(cls, orders: Iterable[Order]) -> tuple["OrderTable", list[str]]:
        """The table of these, and the ids of those that are malformed: None or a text where a number belongs."""
        return _table_of(cls, orders, _order_row)

    @property
    def delivered(self) -> BoolArray:
        """Where the ceiling includes the freight."""
        delivered: BoolArray = self.price_basis == PRICE_BASES.index("delivered")
        return delivered

    def content(self) -> Sequence[npt.NDArray[Any]]:
        place = self.lon, self.lat, self.deliver_by_us, self.min_remaining_life_us
        return -self.ceiling_fen_per_kg, self.wanted_g, *place

    def _checks(self) -> Iterator[Check]:
        yield "quantity_out_of_range", _within(self.wanted_g, 0, MAX_QUANTITY_G)
        yield "quantity_out_of_range", (self.committed_g >= 0) & (self.min_fill_g >= 0)
        yield "price_out_of_range", _within(self.ceiling_fen_per_kg, 0, MAX_PRICE_FEN_PER_KG)
        yield "grade_unknown", self.min_grade >= 0
        yield "price_basis_unknown", self.price_basis >= 0
        yield "place_unknown", _on_the_globe(self.lon, self.lat)
        yield "time_out_of_range", _in_time(self.deliver_from_us, self.deliver_by_us, self.min_remaining_life_us)


TableT = TypeVar("TableT", ListingTable, OrderTable)
DTYPES: dict[object, Any] = {IntArray: np.int64, FloatArray: np.float64, BoolArray: np.bool_}


def _table_of(
    table: type[TableT], rows: Iterable[Any], row_of: Callable[[Any], Sequence[object]]
) -> tuple[TableT, list[str]]:
    sound: list[Sequence[object]] = []
    malformed: list[str] = []
    row: Any
    for row in rows:
        try:
            sound.append([row.id, *row_of(row)])
        except TypeError:
            malformed.append(row.id)
    columns: list[Any] = list(zip(*sound, strict=True)) or [()] * len(fields(table))
    for place, column in enumerate(fields(table)):
        if column.type in DTYPES:
            columns[place] = np.array(columns[place], DTYPES[column.type])
    return table(*columns), malformed


def _listing_row(lot: Listing) -> Sequence[object]:
    return (
        _int(lot.quantity_g),
        _int(lot.committed_g),
        _int(lot.remaining_g),
        _int(lot.floor_fen_per_kg),
        place_in(GRADES, lot.grade),
        lot.lon + 0.0,
        lot.lat + 0.0,
        _int(lot.available_from_us),
        LATEST_US if lot.available_until_us is None else _int(lot.available_until_us),
        _int(lot.spoils_at_us),
        place_in(TEMPERATURE_CLASSES, lot.temperature_class),
        flag(lot.watch_52),
        flag(lot.poverty_832),
        lot.divisible,
    )


def _order_row(bid: Order) -> Sequence[object]:
    return (
        _int(bid.wanted_g),
        _int(bid.ceiling_fen_per_kg),
        place_in(GRADES, bid.min_grade),
        bid.lon + 0.0,
        bid.lat + 0.0,
        _int(bid.deliver_by_us),
        _int(bid.min_remaining_life_us),
        _int(bid.deliver_from_us or 0),
        _int(bid.committed_g),
        _int(bid.min_fill_g),
        place_in(PRICE_BASES, bid.price_basis),
        bid.listing_id,
    )


def place_in(names: Sequence[str], name: str) -> int:
    """Where it stands among these; -1 where it is none of them."""
    return names.index(name) if name in names else -1


def flag(value: bool | None) -> int:
    """1, 0, or -1 for unknown."""
    return -1 if value is None else int(value)


def _int(value: int) -> int:
    return max(-BEYOND, min(value, BEYOND))


def _within(values: IntArray, least: int, most: int) -> BoolArray:
    return (least <= values) & (values <= most)


def _on_the_globe(lon: FloatArray, lat: FloatArray) -> BoolArray:
    return (np.abs(lon) <= 180) & (np.abs(lat) <= 90)  # NaN is neither


def _in_time(*times_us: IntArray) -> BoolArray:
    within: BoolArray = np.logical_and.reduce([_within(at_us, 0, LATEST_US) for at_us in times_us])
    return within
