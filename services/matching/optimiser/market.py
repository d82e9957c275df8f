"""A market as numbers: the listings and orders of one produce, in columns sorted by content.

What cannot be reckoned with (a place without coordinates, a price out of range) is set aside with a reason; it
never stops the others.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from operator import attrgetter
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from services.matching.optimiser.policy import GRADES, QUARTERS, TEMPERATURE_CLASSES, IntArray
from services.matching.optimiser.roads import RoadColumns, Roads

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

MAX_PRICE_FEN_PER_KG = 1_000_000
MAX_QUANTITY_G = 10**10
LATEST_US = 253_402_300_800_000_000  # the year 10000
NO_PIN, PIN_UNKNOWN = -1, -2


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


@dataclass(frozen=True, slots=True)
class SetAside:
    """A listing or order this round could not take, and why."""

    kind: Literal["listing", "order"]
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ListingColumns:
    """One row a listing, in the order of `_listing_order`."""

    ids: tuple[str, ...]
    remaining_g: IntArray
    quarter_g: IntArray  # (n, 4): how much of what remains falls into each quarter of the lot
    floor_fen_per_kg: IntArray
    grade: IntArray  # index into GRADES
    unit_vector: FloatArray  # (n, 3)
    available_from_us: IntArray
    available_until_us: IntArray
    spoils_at_us: IntArray
    temperature_class: IntArray  # index into TEMPERATURE_CLASSES
    watch_52: IntArray  # 1, 0, -1: unknown
    poverty_832: IntArray
    divisible: BoolArray


@dataclass(frozen=True, slots=True)
class OrderColumns:
    """One row an order, in the order of `_order_order`."""

    ids: tuple[str, ...]
    wanted_g: IntArray
    committed_g: IntArray
    min_fill_g: IntArray
    ceiling_fen_per_kg: IntArray
    min_grade: IntArray  # index into GRADES
    unit_vector: FloatArray  # (m, 3)
    deliver_from_us: IntArray
    deliver_by_us: IntArray
    min_remaining_life_us: IntArray
    delivered: BoolArray  # the ceiling includes the freight
    pin: IntArray  # row of the listing, NO_PIN or PIN_UNKNOWN


@dataclass(frozen=True, slots=True)
class Market:
    """All open listings and orders of one produce, and the pairs that said no."""

    listings: ListingColumns
    orders: OrderColumns
    excluded: IntArray  # sorted listing row × number of orders + order row
    set_aside: tuple[SetAside, ...]
    roads: RoadColumns | None = None  # None: nobody has measured any

    @classmethod
    def of(
        cls,
        listings: Iterable[Listing],
        orders: Iterable[Order],
        excluded: Iterable[tuple[str, str]] = (),
        roads: Roads | None = None,
    ) -> "Market":
        """The market of these rows, in any order; ``excluded`` are declined or lapsed (listing id, order id).

        Distances are those of ``roads`` from the place of a listing to that of an order, where it knows them.
        """
        lots, odd_lots = _screen("listing", listings, listing_oddity)
        bids, odd_bids = _screen("order", orders, order_oddity)
        lots = sorted((lot for lot in lots if lot.remaining_g), key=_listing_order)
        bids = sorted((bid for bid in bids if bid.wanted_g), key=_order_order)
        listing_row = {lot.id: row for row, lot in enumerate(lots)}
        order_row = {bid.id: row for row, bid in enumerate(bids)}
        codes = [
            listing_row[lot] * len(bids) + order_row[bid]
            for lot, bid in excluded
            if lot in listing_row and bid in order_row
        ]
        return cls(
            _listing_columns(lots),
            _order_columns(bids, listing_row),
            np.unique(np.array(codes, dtype=np.int64)),
            tuple(odd_lots + odd_bids),
            None if roads is None else RoadColumns.of(roads, lots, bids),
        )


def _listing_order(lot: Listing) -> tuple[float | str, ...]:
    """By content, and by id between twins alone: of equal plans, which one is taken must not hang on ids drawn."""
    return lot.spoils_at_us, lot.floor_fen_per_kg, lot.remaining_g, lot.lon, lot.lat, lot.available_from_us, lot.id


def _order_order(bid: Order) -> tuple[float | str, ...]:
    place = bid.lon, bid.lat, bid.deliver_by_us, bid.min_remaining_life_us
    return -bid.ceiling_fen_per_kg, bid.wanted_g, *place, bid.id


def listing_oddity(listing: Listing) -> str | None:
    """Why this listing cannot be reckoned with, if so."""
    return next((reason for reason, sound in _listing_checks(listing) if not sound), None)


def order_oddity(order: Order) -> str | None:
    """Why this order cannot be reckoned with, if so."""
    return next((reason for reason, sound in _order_checks(order) if not sound), None)


def _listing_checks(lot: Listing) -> Iterator[tuple[str, bool]]:
    yield "quantity_out_of_range", 0 < lot.quantity_g <= MAX_QUANTITY_G and lot.committed_g >= 0
    yield "quantity_out_of_range", 0 <= lot.remaining_g <= MAX_QUANTITY_G
    yield "price_out_of_range", 0 <= lot.floor_fen_per_kg <= MAX_PRICE_FEN_PER_KG
    yield "grade_unknown", lot.grade in GRADES
    yield "temperature_class_unknown", lot.temperature_class in TEMPERATURE_CLASSES
    yield "place_unknown", _on_the_globe(lot.lon, lot.lat)
    yield "time_out_of_range", _in_time(lot.available_from_us, lot.available_until_us or 0, lot.spoils_at_us)


def _order_checks(bid: Order) -> Iterator[tuple[str, bool]]:
    yield "quantity_out_of_range", 0 <= bid.wanted_g <= MAX_QUANTITY_G
    yield "quantity_out_of_range", bid.committed_g >= 0 and bid.min_fill_g >= 0
    yield "price_out_of_range", 0 <= bid.ceiling_fen_per_kg <= MAX_PRICE_FEN_PER_KG
    yield "grade_unknown", bid.min_grade in GRADES
    yield "price_basis_unknown", bid.price_basis in {"delivered", "farm_gate"}
    yield "place_unknown", _on_the_globe(bid.lon, bid.lat)
    yield "time_out_of_range", _in_time(bid.deliver_from_us or 0, bid.deliver_by_us, bid.min_remaining_life_us)


class _Row(Protocol):
    @property
    def id(self) -> str: ...


RowT = TypeVar("RowT", bound=_Row)


def _screen(
    kind: Literal["listing", "order"], rows: Iterable[RowT], oddity: Callable[[RowT], str | None]
) -> tuple[list[RowT], list[SetAside]]:
    sound: dict[str, RowT] = {}
    odd: list[SetAside] = []
    twice: set[str] = set()
    for row in sorted(rows, key=attrgetter("id")):
        reason = _reason(row, oddity)
        if reason is not None:
            odd.append(SetAside(kind, row.id, reason))
        elif row.id in sound:
            twice.add(row.id)
        else:
            sound[row.id] = row
    # Neither of two rows under one id can be told to be the right one.
    odd.extend(SetAside(kind, row_id, "duplicate_id") for row_id in sorted(twice))
    return [row for row_id, row in sound.items() if row_id not in twice], odd


def _reason(row: RowT, oddity: Callable[[RowT], str | None]) -> str | None:
    try:
        return oddity(row)
    except TypeError:  # a None or a text where a number belongs
        return "malformed"


def _on_the_globe(lon: float, lat: float) -> bool:
    return isfinite(lon) and isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90


def _in_time(*times_us: int) -> bool:
    return all(0 <= at_us <= LATEST_US for at_us in times_us)


def _listing_columns(lots: Sequence[Listing]) -> ListingColumns:
    latest = LATEST_US
    return ListingColumns(
        ids=tuple(lot.id for lot in lots),
        remaining_g=_ints(lots, attrgetter("remaining_g")),
        quarter_g=_quarters(lots),
        floor_fen_per_kg=_ints(lots, attrgetter("floor_fen_per_kg")),
        grade=_ints(lots, lambda lot: GRADES.index(lot.grade)),
        unit_vector=_unit_vectors(lots),
        available_from_us=_ints(lots, attrgetter("available_from_us")),
        available_until_us=_ints(
            lots, lambda lot: latest if lot.available_until_us is None else lot.available_until_us
        ),
        spoils_at_us=_ints(lots, attrgetter("spoils_at_us")),
        temperature_class=_ints(lots, lambda lot: TEMPERATURE_CLASSES.index(lot.temperature_class)),
        watch_52=_ints(lots, lambda lot: -1 if lot.watch_52 is None else lot.watch_52),
        poverty_832=_ints(lots, lambda lot: -1 if lot.poverty_832 is None else lot.poverty_832),
        divisible=_ints(lots, attrgetter("divisible")).astype(bool),
    )


def _order_columns(bids: Sequence[Order], listing_row: dict[str, int]) -> OrderColumns:
    return OrderColumns(
        ids=tuple(bid.id for bid in bids),
        wanted_g=_ints(bids, attrgetter("wanted_g")),
        committed_g=_ints(bids, attrgetter("committed_g")),
        min_fill_g=_ints(bids, attrgetter("min_fill_g")),
        ceiling_fen_per_kg=_ints(bids, attrgetter("ceiling_fen_per_kg")),
        min_grade=_ints(bids, lambda bid: GRADES.index(bid.min_grade)),
        unit_vector=_unit_vectors(bids),
        deliver_from_us=_ints(bids, lambda bid: bid.deliver_from_us or 0),
        deliver_by_us=_ints(bids, attrgetter("deliver_by_us")),
        min_remaining_life_us=_ints(bids, attrgetter("min_remaining_life_us")),
        delivered=_ints(bids, lambda bid: bid.price_basis == "delivered").astype(bool),
        pin=_ints(
            bids,
            lambda bid: NO_PIN if bid.listing_id is None else listing_row.get(bid.listing_id, PIN_UNKNOWN),
        ),
    )


def _ints(rows: Sequence[Any], column: Callable[[Any], int]) -> IntArray:
    return np.fromiter(map(column, rows), dtype=np.int64, count=len(rows))


def _unit_vectors(rows: Sequence[Listing] | Sequence[Order]) -> FloatArray:
    lon = np.radians(np.array([row.lon for row in rows], dtype=np.float64))
    lat = np.radians(np.array([row.lat for row in rows], dtype=np.float64))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def _quarters(lots: Sequence[Listing]) -> IntArray:
    """How much of what remains falls into each quarter of the lot as listed; the first go first.

    The gram after n agreed or held ones is in quarter ⌊4n ÷ quantity⌋. What was added beyond the listed quantity
    counts as the last quarter.
    """
    quantity = _ints(lots, attrgetter("quantity_g"))[:, None]
    committed = _ints(lots, attrgetter("committed_g"))[:, None]
    remaining = _ints(lots, attrgetter("remaining_g"))[:, None]
    ends = -(-quantity * np.arange(1, QUARTERS) // QUARTERS)
    filled = np.minimum(np.maximum(ends - committed, 0), remaining)
    return np.diff(np.concatenate([np.zeros_like(remaining), filled, remaining], axis=1), axis=1)
