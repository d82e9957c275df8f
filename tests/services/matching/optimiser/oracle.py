"""A second opinion, from the text of the rules alone: one dense programme, all pairs, by HiGHS; linear, or with whole
numbers where promises ask for them.

It shares no code with the engine: compatibility is reckoned pair by pair in Python's own numbers.
"""

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np
from scipy.optimize import LinearConstraint, linprog, milp

from catalogue.geodesy import great_circle_km
from services.matching.optimiser.market import Listing, Order

HOUR_US = 3_600_000_000
FREIGHT_FACTOR = {"ambient": Fraction(1), "chilled": Fraction(3, 2), "frozen": Fraction(2)}
SPREAD = (40, 25, 10, 0)
VALUE_FIRST = 1000  # the objective weighs a fen per kg × g so much, and a gram moved 1

Road = Callable[[Listing, Order], int]
"""Metres from the one to the other."""


def detour_m(lot: Listing, bid: Order) -> int:
    return round(1300 * great_circle_km(lot.lon, lot.lat, bid.lon, bid.lat))


def pair_value(lot: Listing, bid: Order, now_us: int, road: Road = detour_m) -> int | None:
    """Fen per kg of this pair under policy 1, without the spread; None if they are not compatible."""
    distance_m = road(lot, bid)
    leaves_us = max(lot.available_from_us, now_us)
    arrives_us = max(leaves_us + 4 * HOUR_US + distance_m * 60_000, bid.deliver_from_us or 0)
    freight = ceil((20 + Fraction(6, 100) * Fraction(distance_m, 1000)) * FREIGHT_FACTOR[lot.temperature_class])
    surplus = bid.ceiling_fen_per_kg - lot.floor_fen_per_kg - (freight if bid.price_basis == "delivered" else 0)
    if (
        surplus < 0
        or lot.grade > bid.min_grade
        or bid.listing_id not in {None, lot.id}
        or (lot.available_until_us is not None and leaves_us > lot.available_until_us)
        or arrives_us > bid.deliver_by_us
        or lot.spoils_at_us - arrives_us < bid.min_remaining_life_us
    ):
        return None
    life_h = max(Fraction(lot.spoils_at_us - leaves_us, HOUR_US), Fraction(0))
    rescue = floor(200 * max(Fraction(0), 72 - life_h) / 72)
    return surplus + rescue + 100 * (lot.watch_52 is True) + 50 * (lot.poverty_832 is True)


def pair_values(lots: list[Listing], bids: list[Order], now_us: int, road: Road) -> dict[tuple[int, int], int]:
    """Of all compatible pairs, by the places of both in their lists."""
    values = {(i, j): pair_value(lot, bid, now_us, road) for i, lot in enumerate(lots) for j, bid in enumerate(bids)}
    return {pair: value for pair, value in values.items() if value is not None}


def optimum(lots: list[Listing], bids: list[Order], now_us: int, road: Road = detour_m) -> tuple[int, int]:
    """The greatest value (fen per kg × g), and the greatest mass (g) at that value."""
    pairs = pair_values(lots, bids, now_us, road)
    quarters = [(i, q) for i in range(len(lots)) for q in range(4)]
    gains = np.array([*pairs.values(), *(SPREAD[q] for _, q in quarters)])
    moved = np.array([1] * len(pairs) + [0] * len(quarters))
    bounds = [(0, None)] * len(pairs) + [(0, _left_in_quarter(lots[i], q)) for i, q in quarters]
    limits = [[float(i == row) for i, _ in pairs] + [0.0] * len(quarters) for row in range(len(lots))]
    limits += [[float(j == row) for _, j in pairs] + [0.0] * len(quarters) for row in range(len(bids))]
    sold = [[float(i == row) for i, _ in pairs] + [-float(i == row) for i, _ in quarters] for row in range(len(lots))]
    solved = linprog(
        -(VALUE_FIRST * gains + moved).astype(float),
        A_ub=limits,
        b_ub=[lot.remaining_g for lot in lots] + [bid.wanted_g for bid in bids],
        A_eq=sold,
        b_eq=[0.0] * len(lots),
        bounds=bounds,
        method="highs-ds",
    )
    assert solved.status == 0
    grams = np.rint(solved.x).astype(int)
    return int(gains @ grams), int(moved @ grams)


def _left_in_quarter(lot: Listing, quarter: int) -> int:
    """Gram by gram: which of the grams still to sell fall into this quarter of the lot as listed."""
    grams = np.arange(lot.committed_g, lot.committed_g + lot.remaining_g)
    return int((np.minimum(4 * grams // lot.quantity_g, 3) == quarter).sum())


def promised_optimum(lots: list[Listing], bids: list[Order], now_us: int) -> int:
    """The greatest value (fen per kg × g) of a plan in which every order gets its least fill or nothing, and what is
    not divisible goes whole to one order or to none."""
    pairs = pair_values(lots, bids, now_us, detour_m)
    quarters = [(i, q) for i in range(len(lots)) for q in range(4)]
    names: list[Any] = [*pairs, *(("sold", *each) for each in quarters)]
    names += [("yes", j) for j in range(len(bids))] + [("whole", *pair) for pair in pairs]
    column = {name: place for place, name in enumerate(names)}
    rows: list[dict[Any, float]] = []
    low, high = [], []

    def add(least: float, most: float, terms: dict[Any, float]) -> None:
        rows.append(terms)
        low.append(least)
        high.append(most)

    for i, lot in enumerate(lots):
        mine = [pair for pair in pairs if pair[0] == i]
        add(0, 0, dict.fromkeys(mine, 1.0) | {("sold", i, q): -1.0 for q in range(4)})
        add(0, 1, {("whole", *pair): 1.0 for pair in mine})
        for pair in mine:
            if not lot.divisible:
                add(0, 0, {pair: 1.0, ("whole", *pair): -float(lot.remaining_g)})
    for j, bid in enumerate(bids):
        gets = dict.fromkeys([pair for pair in pairs if pair[1] == j], 1.0)
        add(-np.inf, 0, gets | {("yes", j): -float(bid.wanted_g)})
        add(0, np.inf, gets | {("yes", j): -float(max(bid.min_fill_g - bid.committed_g, 0))})
    matrix = np.zeros((len(rows), len(names)))
    for row, terms in enumerate(rows):
        for name, factor in terms.items():
            matrix[row, column[name]] = factor
    gains = np.zeros(len(names))
    gains[: len(pairs) + len(quarters)] = [*pairs.values(), *(SPREAD[q] for _, q in quarters)]
    grams = [np.inf] * len(pairs) + [_left_in_quarter(lots[i], q) for i, q in quarters]
    yes_or_no = np.arange(len(names)) >= len(pairs) + len(quarters)
    most = np.array(grams + [1.0] * (len(names) - len(grams)))
    solved = milp(
        -gains,
        integrality=yes_or_no.astype(int),
        bounds=(0, most),
        constraints=LinearConstraint(matrix, low, high),
        options={"mip_rel_gap": 0.0},
    )
    assert solved.status == 0
    return int(gains @ np.rint(solved.x))
