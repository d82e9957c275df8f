"""A second opinion, from the text of the rules alone: one dense linear programme, all pairs, by HiGHS.

It shares no code with the engine: compatibility is reckoned pair by pair in Python's own numbers.
"""

from fractions import Fraction
from math import ceil, floor

import numpy as np
from scipy.optimize import linprog

from catalogue.geodesy import great_circle_km
from services.matching.optimiser.market import Listing, Order

HOUR_US = 3_600_000_000
FREIGHT_FACTOR = {"ambient": Fraction(1), "chilled": Fraction(3, 2), "frozen": Fraction(2)}
SPREAD = (40, 25, 10, 0)
VALUE_FIRST = 1000  # the objective weighs a fen per kg × g so much, and a gram moved 1


def pair_value(lot: Listing, bid: Order, now_us: int) -> int | None:
    """Fen per kg of this pair under policy 1, without the spread; None if they are not compatible."""
    distance_m = round(1300 * great_circle_km(lot.lon, lot.lat, bid.lon, bid.lat))
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


def optimum(lots: list[Listing], bids: list[Order], now_us: int) -> tuple[int, int]:
    """The greatest value (fen per kg × g), and the greatest mass (g) at that value."""
    values = {(i, j): pair_value(lot, bid, now_us) for i, lot in enumerate(lots) for j, bid in enumerate(bids)}
    pairs = {pair: value for pair, value in values.items() if value is not None}
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
