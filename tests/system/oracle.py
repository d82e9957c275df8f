"""What a market is worth at its optimum, from what the public surface says of it and the published policy alone.

Shares no code with the optimiser: every pair by itself, in integers, and HiGHS over all of them.
"""

from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

from catalogue import places

GRADES = "ABC"
CLASS_PERCENT = {"ambient": 100, "chilled": 150, "frozen": 200}
SPREAD_FEN_PER_KG = (40, 25, 10, 0)
RESCUE_FEN_PER_KG, RESCUE_H = 200, 72
EARTH_M = 6_371_008.8


def optimal_value_fen(listings: list[dict[str, Any]], orders: list[dict[str, Any]]) -> float:
    """The greatest Σ value·x of one market that nothing was matched in before, in fen.

    Columns: kilograms for each compatible pair, then kilograms sold in each quarter of each listing.
    """
    pairs = [
        (i, j, value)
        for i, listing in enumerate(listings)
        for j, order in enumerate(orders)
        if (value := value_fen_per_kg(listing, order)) is not None
    ]
    if not pairs:
        return 0.0
    quarters = [(i, bonus) for i in range(len(listings)) for bonus in SPREAD_FEN_PER_KG]
    gain = np.array([value for *_, value in pairs] + [bonus for _, bonus in quarters], dtype=float)
    rows, columns, signs = [], [], []
    for column, (i, j, _) in enumerate(pairs):
        rows += [i, len(listings) + j]
        columns += [column, column]
        signs += [1.0, 1.0]
    for column, (i, _) in enumerate(quarters, len(pairs)):
        rows.append(i)
        columns.append(column)
        signs.append(-1.0)
    flows = csr_matrix((signs, (rows, columns)), shape=(len(listings) + len(orders), len(gain)))
    upper = [None] * len(pairs) + [listings[i]["quantity_kg"] / 4 for i, _ in quarters]
    solved = linprog(
        -gain,
        A_eq=flows[: len(listings)],
        b_eq=np.zeros(len(listings)),
        A_ub=flows[len(listings) :],
        b_ub=np.array([order["quantity_kg"] for order in orders], dtype=float),
        bounds=[(0, limit) for limit in upper],
        method="highs",
    )
    assert solved.success, solved.message
    return float(-solved.fun)


def value_fen_per_kg(listing: dict[str, Any], order: dict[str, Any]) -> int | None:
    """Surplus, rescue and priority of a kilogram; None when the two can't meet."""
    if GRADES.index(listing["grade"]) > GRADES.index(order["min_grade"]):
        return None
    metres = road_m(listing["origin"], order["destination"])
    leaves_at, spoils_at = at(listing["available_from"]), at(listing["spoils_at"])
    arrives_at = max(leaves_at + timedelta(hours=4, seconds=metres * 3600 / 60_000), at(order["deliver_from"]))
    if arrives_at > at(order["deliver_by"]):
        return None
    if spoils_at - arrives_at < timedelta(hours=order["min_remaining_life_h"]):
        return None
    freight = -(-(20_000_000 + 60 * metres) * CLASS_PERCENT[listing["temperature_class"]] // 10**8)
    carried = freight if order["price_basis"] == "delivered" else 0
    surplus = order["max_price_fen_per_kg"] - carried - listing["min_price_fen_per_kg"]
    if surplus < 0:
        return None
    return surplus + rescue(spoils_at - leaves_at) + priority(listing["origin"]["adcode"])


def rescue(life: timedelta) -> int:
    lost = max(timedelta(), timedelta(hours=RESCUE_H) - life)
    return RESCUE_FEN_PER_KG * lost // timedelta(hours=RESCUE_H)


def priority(adcode: str) -> int:
    place = places.get(adcode)
    assert place is not None
    return 100 * place.watch_52 + 50 * (place.poverty_832 is True)


def road_m(origin: dict[str, Any], destination: dict[str, Any]) -> int:
    """The great circle by haversine, 1.3 times, in whole metres."""
    (lon1, lat1), (lon2, lat2) = point(origin), point(destination)
    across = sin(radians(lat2 - lat1) / 2) ** 2
    along = cos(radians(lat1)) * cos(radians(lat2)) * sin(radians(lon2 - lon1) / 2) ** 2
    return round(2 * EARTH_M * asin(sqrt(across + along)) * 1.3)


def point(place: dict[str, Any]) -> tuple[float, float]:
    if place["lon"] is not None:
        return place["lon"], place["lat"]
    located = places.point_of(place["adcode"])
    assert located is not None
    return located.point.lon, located.point.lat


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)
