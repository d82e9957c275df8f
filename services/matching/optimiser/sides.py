"""A market looked at from one side: what listings and orders have in common, under one name."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace
from math import asin, atan2, degrees
from typing import Literal, NamedTuple

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.market import FloatArray, Market, rows_of_columns
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.tables import MAX_PRICE_FEN_PER_KG

Side = Literal["listing", "order"]
OTHER: dict[Side, Side] = {"listing": "order", "order": "listing"}


class Who(NamedTuple):
    """A listing or an order."""

    side: Side
    id: str


def ids_of(market: Market, side: Side) -> tuple[str, ...]:
    return market.listings.ids if side == "listing" else market.orders.ids


def open_g(market: Market, side: Side) -> IntArray:
    """What a round may still match of each."""
    return market.listings.remaining_g if side == "listing" else market.orders.wanted_g


def rows_of(arcs: Arcs, side: Side) -> IntArray:
    return arcs.listing if side == "listing" else arcs.order


def moved(arcs: Arcs, side: Side, place: IntArray) -> Arcs:
    """These arcs where the rows of one side stand elsewhere."""
    if side == "listing":
        return replace(arcs, listing=place[arcs.listing])
    return replace(arcs, order=place[arcs.order])


def pairs_of(market: Market, side: Side, row: int) -> tuple[IntArray, IntArray]:
    """One listing with every order, or every listing with one order: rows of listings, rows of orders."""
    others = np.arange(len(ids_of(market, OTHER[side])))
    mine = np.full(len(others), row)
    return (mine, others) if side == "listing" else (others, mine)


def yields_at_most_fen(market: Market, side: Side, row: int) -> int:
    """By how much this floor may fall, or this ceiling rise."""
    if side == "listing":
        return int(market.listings.floor_fen_per_kg[row])
    return MAX_PRICE_FEN_PER_KG - int(market.orders.ceiling_fen_per_kg[row])


def yielding(instance: Instance, side: Side, row: int, fen_per_kg: int) -> tuple[Instance, IntArray]:
    """The same, but for one floor that is so much lower, or one ceiling that is so much higher; and by row of that side
    where it stands now.

    Rows stand in the order of their content, as `Market.of` has them: of equal plans, which one is taken hangs on it.
    """
    market = instance.market
    if side == "listing":
        floor = market.listings.floor_fen_per_kg.copy()
        floor[row] -= fen_per_kg
        market = replace(market, listings=replace(market.listings, floor_fen_per_kg=floor))
    else:
        ceiling = market.orders.ceiling_fen_per_kg.copy()
        ceiling[row] += fen_per_kg
        market = replace(market, orders=replace(market.orders, ceiling_fen_per_kg=ceiling))
    count = len(ids_of(market, side))
    others = [each for each in range(count) if each != row]
    key = _listing_key(market) if side == "listing" else _order_key(market)
    stands = bisect_left(others, key(row), key=key)
    order = np.array([*others[:stands], row, *others[stands:]], dtype=np.int64)
    return _in_order(replace(instance, market=market), side, order), np.argsort(order)


def _in_order(instance: Instance, side: Side, order: IntArray) -> Instance:
    """With the rows of this side in this order."""
    market, place = instance.market, np.argsort(order)
    listing, bid = np.divmod(market.excluded, max(len(market.orders.ids), 1))
    if side == "order":
        excluded = np.sort(listing * len(place) + place[bid])
        roads = None if market.roads is None else market.roads.part(np.arange(len(market.listings.ids)), order)
        market = replace(market, orders=rows_of_columns(market.orders, order), excluded=excluded, roads=roads)
        return replace(instance, market=market)
    excluded = np.sort(place[listing] * len(market.orders.ids) + bid)
    pin = market.orders.pin.copy()
    pin[pin >= 0] = place[pin[pin >= 0]]
    lots, bids = rows_of_columns(market.listings, order), replace(market.orders, pin=pin)
    roads = None if market.roads is None else market.roads.part(order, np.arange(len(market.orders.ids)))
    return replace(
        instance,
        market=replace(market, listings=lots, orders=bids, excluded=excluded, roads=roads),
        leaves_at_us=instance.leaves_at_us[order],
        bonus_fen_per_kg=instance.bonus_fen_per_kg[order],
        class_percent=instance.class_percent[order],
    )


def _listing_key(market: Market) -> Callable[[int], tuple[float | str, ...]]:
    """The order of `Market.of`, from the columns."""
    lots = market.listings

    def key(row: int) -> tuple[float | str, ...]:
        content = lots.spoils_at_us[row], lots.floor_fen_per_kg[row], lots.remaining_g[row]
        return *content, *_place(lots.unit_vector[row]), lots.available_from_us[row], lots.ids[row]

    return key


def _order_key(market: Market) -> Callable[[int], tuple[float | str, ...]]:
    bids = market.orders

    def key(row: int) -> tuple[float | str, ...]:
        content = -bids.ceiling_fen_per_kg[row], bids.wanted_g[row]
        life = bids.min_remaining_life_us[row]
        return *content, *_place(bids.unit_vector[row]), bids.deliver_by_us[row], life, bids.ids[row]

    return key


def _place(unit_vector: FloatArray) -> tuple[float, float]:
    """Longitude and latitude; finer than any that is sent, and as coarse as to be equal where what was sent is."""
    x, y, z = unit_vector.tolist()
    return round(degrees(atan2(y, x)), 9), round(degrees(asin(z)), 9)
