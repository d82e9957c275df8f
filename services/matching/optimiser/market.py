"""A market as numbers: the listings and orders of one produce, in columns sorted by content.

What cannot be reckoned with (a place without coordinates, a price out of range) is set aside with a reason; it
never stops the others.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any, Literal, TypeVar

import numpy as np

from services.matching.optimiser.policy import QUARTERS, IntArray
from services.matching.optimiser.roads import RoadColumns, Roads
from services.matching.optimiser.tables import (
    LATEST_US,
    BoolArray,
    FloatArray,
    Listing,
    ListingTable,
    Order,
    OrderTable,
)

__all__ = ["LATEST_US", "BoolArray", "FloatArray", "Listing", "Market", "Order", "SetAside"]

NO_PIN, PIN_UNKNOWN = -1, -2


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
        lots, malformed_lots = ListingTable.of(listings)
        bids, malformed_bids = OrderTable.of(orders)
        odd = [SetAside("listing", row_id, "malformed") for row_id in malformed_lots]
        odd += [SetAside("order", row_id, "malformed") for row_id in malformed_bids]
        return cls.of_tables(lots, bids, excluded, odd, roads)

    @classmethod
    def of_tables(
        cls,
        listings: ListingTable,
        orders: OrderTable,
        excluded: Iterable[tuple[str, str]] = (),
        odd: Iterable[SetAside] = (),
        roads: Roads | None = None,
    ) -> "Market":
        """The same of rows in columns; what is odd about them beside `odd` is found here."""
        lots, odd_lots = _screened("listing", listings)
        bids, odd_bids = _screened("order", orders)
        lots = lots[listings.remaining_g[lots] > 0]
        bids = bids[orders.wanted_g[bids] > 0]
        listings, orders = listings.rows(_by_content(listings, lots)), orders.rows(_by_content(orders, bids))
        listing_columns = _listing_columns(listings)
        listing_row = {lot: row for row, lot in enumerate(listing_columns.ids)}
        order_columns = _order_columns(orders, listing_row)
        order_row = {bid: row for row, bid in enumerate(order_columns.ids)}
        codes = [
            listing_row[lot] * len(order_row) + order_row[bid]
            for lot, bid in excluded
            if lot in listing_row and bid in order_row
        ]
        set_aside = sorted([*odd, *odd_lots, *odd_bids], key=attrgetter("kind", "id"))
        return cls(
            listing_columns,
            order_columns,
            np.unique(np.array(codes, dtype=np.int64)),
            tuple(set_aside),
            None if roads is None else RoadColumns.of(roads, listings, orders),
        )

    def part(self, listings: IntArray, orders: IntArray) -> "Market":
        """The market of these rows alone, each ascending. A pin to a listing outside is to none that is known."""
        m, excluded = len(self.orders.ids), self.excluded
        lot, bid = np.divmod(excluded, m or 1)
        inside = among(lot, listings) & among(bid, orders)
        codes = np.searchsorted(listings, lot[inside]) * len(orders) + np.searchsorted(orders, bid[inside])
        pin = self.orders.pin[orders]
        pinned = among(pin, listings)
        pin = np.where(pinned, np.searchsorted(listings, pin), np.where(pin == NO_PIN, NO_PIN, PIN_UNKNOWN))
        return Market(
            rows_of_columns(self.listings, listings),
            replace(rows_of_columns(self.orders, orders), pin=pin),
            codes,
            self.set_aside,
            None if self.roads is None else self.roads.part(listings, orders),
        )


ColumnsT = TypeVar("ColumnsT", ListingColumns, OrderColumns)


def rows_of_columns(columns: ColumnsT, rows: IntArray) -> ColumnsT:
    """These rows only, in this order."""
    taken: dict[str, Any] = {each.name: getattr(columns, each.name) for each in fields(columns) if each.name != "ids"}
    ids = tuple(columns.ids[row] for row in rows.tolist())
    return replace(columns, ids=ids, **{name: column[rows] for name, column in taken.items()})


def among(values: IntArray, ascending: IntArray) -> BoolArray:
    """Which of the values are in the sorted array."""
    if len(ascending) == 0:
        return np.zeros(len(values), dtype=bool)
    place = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    found: BoolArray = ascending[place] == values
    return found


def _screened(kind: Literal["listing", "order"], table: ListingTable | OrderTable) -> tuple[IntArray, list[SetAside]]:
    """The rows that can be reckoned with, by id; and the others, each with its reason."""
    by_id = np.array(sorted(range(len(table.ids)), key=table.ids.__getitem__), dtype=np.int64)
    reason = table.oddities()
    odd = [SetAside(kind, table.ids[row], reason[row]) for row in by_id.tolist() if row in reason]
    sound = [row for row in by_id.tolist() if row not in reason]
    copies = Counter(table.ids[row] for row in sound)
    # Neither of two rows under one id can be told to be the right one.
    odd.extend(SetAside(kind, row_id, "duplicate_id") for row_id, count in copies.items() if count > 1)
    return np.array([row for row in sound if copies[table.ids[row]] == 1], dtype=np.int64), odd


def _by_content(table: ListingTable | OrderTable, by_id: IntArray) -> IntArray:
    """These rows by content, and by id between twins alone: of equal plans, which one is taken must not hang on ids
    drawn."""
    return by_id[np.lexsort([key[by_id] for key in reversed(table.content())])]


def _listing_columns(lots: ListingTable) -> ListingColumns:
    return ListingColumns(
        ids=tuple(lots.ids),
        remaining_g=lots.remaining_g,
        quarter_g=_quarters(lots),
        floor_fen_per_kg=lots.floor_fen_per_kg,
        grade=lots.grade,
        unit_vector=_unit_vectors(lots.lon, lots.lat),
        available_from_us=lots.available_from_us,
        available_until_us=lots.available_until_us,
        spoils_at_us=lots.spoils_at_us,
        temperature_class=lots.temperature_class,
        watch_52=lots.watch_52,
        poverty_832=lots.poverty_832,
        divisible=lots.divisible,
    )


def _order_columns(bids: OrderTable, listing_row: dict[str, int]) -> OrderColumns:
    pins = (NO_PIN if pin is None else listing_row.get(pin, PIN_UNKNOWN) for pin in bids.listing_id)
    return OrderColumns(
        ids=tuple(bids.ids),
        wanted_g=bids.wanted_g,
        committed_g=bids.committed_g,
        min_fill_g=bids.min_fill_g,
        ceiling_fen_per_kg=bids.ceiling_fen_per_kg,
        min_grade=bids.min_grade,
        unit_vector=_unit_vectors(bids.lon, bids.lat),
        deliver_from_us=bids.deliver_from_us,
        deliver_by_us=bids.deliver_by_us,
        min_remaining_life_us=bids.min_remaining_life_us,
        delivered=bids.delivered,
        pin=np.fromiter(pins, dtype=np.int64, count=len(bids.ids)),
    )


def _unit_vectors(lon: FloatArray, lat: FloatArray) -> FloatArray:
    lon, lat = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def _quarters(lots: ListingTable) -> IntArray:
    """How much of what remains falls into each quarter of the lot as listed; the first go first.

    The gram after n agreed or held ones is in quarter ⌊4n ÷ quantity⌋. What was added beyond the listed quantity
    counts as the last quarter.
    """
    quantity, committed, remaining = (each[:, None] for each in (lots.quantity_g, lots.committed_g, lots.remaining_g))
    ends = -(-quantity * np.arange(1, QUARTERS) // QUARTERS)
    filled = np.minimum(np.maximum(ends - committed, 0), remaining)
    return np.diff(np.concatenate([np.zeros_like(remaining), filled, remaining], axis=1), axis=1)
