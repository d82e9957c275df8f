"""The value of rounds with least fills and whole lots, against an exact programme in whole numbers (HiGHS).

Dozens of seeded markets of 20 to 60 lots and 20 to 80 orders about a few towns; a fifth of the lots are sold whole or
not at all, a third of the orders take a least fill or nothing. The peer is given every compatible pair and no limit but
time; where that ends first its bound stands for its value, so the figure errs against us.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from scipy.optimize import LinearConstraint, milp
from scipy.sparse import coo_array

from bench.harness import Bar, Outcome, Plan, Side, main
from services.matching.optimiser.arcs import Instance
from services.matching.optimiser.candidates import all_arcs
from services.matching.optimiser.clear import clear
from services.matching.optimiser.market import Listing, Market, Order
from services.matching.optimiser.policy import HOUR_US, POLICY_1

NOW_US = 1_790_000_000_000_000
MARKETS = 48
PEER_S = 30.0
MFEN_PER_CNY = 100_000
BAR = Bar(
    "promises",
    "value of rounds with least fills and whole lots",
    "the optimum of the programme in whole numbers",
    "CNY",
    0.995,
    1.0,
    "more",
)
BARS = (BAR,)


def market(seed: int) -> Market:
    """Lots and orders of vegetables within a day's drive; half of the markets are short of supply."""
    draw = random.Random(seed)
    towns = [(draw.uniform(110, 119), draw.uniform(28, 35)) for _ in range(12)]
    short = draw.choice([0.4, 1.0])

    def place() -> dict[str, float]:
        lon, lat = draw.choice(towns)
        return {"lon": lon + draw.gauss(0, 0.3), "lat": lat + draw.gauss(0, 0.3)}

    def listing(number: int) -> Listing:
        grams = int(draw.choice([200, 500, 1200, 3000, 8000]) * draw.uniform(0.5, 1.5) * short) * 1000
        return Listing(
            id=f"L{number:03}",
            quantity_g=grams,
            committed_g=0,
            remaining_g=grams,
            floor_fen_per_kg=draw.randrange(80, 400),
            grade=draw.choice("AABC"),
            available_from_us=NOW_US,
            available_until_us=None,
            spoils_at_us=NOW_US + draw.randrange(50, 300) * HOUR_US,
            temperature_class="ambient",
            watch_52=draw.random() < 0.1,
            poverty_832=draw.random() < 0.3,
            divisible=draw.random() >= 0.2,
            **place(),
        )

    def order(number: int) -> Order:
        wanted_g = int(draw.choice([50, 300, 1000, 2500, 6000]) * draw.uniform(0.5, 1.5)) * 1000
        return Order(
            id=f"O{number:03}",
            wanted_g=wanted_g,
            ceiling_fen_per_kg=draw.randrange(200, 700),
            min_grade=draw.choice("ABCC"),
            deliver_by_us=NOW_US + draw.randrange(24, 120) * HOUR_US,
            min_remaining_life_us=24 * HOUR_US,
            min_fill_g=int(wanted_g * draw.uniform(0.2, 1.0)) if draw.random() < 1 / 3 else 0,
            **place(),
        )

    lots = [listing(number) for number in range(draw.randrange(20, 61))]
    return Market.of(lots, [order(number) for number in range(draw.randrange(20, 81))])


@dataclass(slots=True)
class Rows:
    """A constraint matrix that is written row by row."""

    entries: list[tuple[int, int, float]]
    low: list[float]
    high: list[float]

    def add(self, low: float, high: float, columns: Sequence[int], factors: Sequence[float]) -> None:
        row = len(self.low)
        self.entries += [(row, column, factor) for column, factor in zip(columns, factors, strict=True)]
        self.low.append(low)
        self.high.append(high)

    def constraint(self, width: int) -> LinearConstraint:
        rows, columns, factors = zip(*self.entries, strict=True)
        matrix = coo_array((factors, (rows, columns)), shape=(len(self.low), width))
        return LinearConstraint(matrix.tocsr(), self.low, self.high)


def optimum_mfen(of: Market) -> float:
    """In kilograms: a column a pair, one a quarter of a lot, one an order (whether it is served), one a pair of a whole
    lot (whether all of it goes there)."""
    instance = Instance.of(of, POLICY_1, NOW_US)
    arcs = all_arcs(instance, 10**9)
    assert arcs is not None
    lots, bids = of.listings, of.orders
    count, n, m = len(arcs), len(lots.ids), len(bids.ids)
    sold, served, whole = count, count + 4 * n, count + 4 * n + m
    width = whole + count
    rows = Rows([], [], [])
    for lot in range(n):
        mine = np.flatnonzero(arcs.listing == lot).tolist()
        quarters = range(sold + 4 * lot, sold + 4 * lot + 4)
        rows.add(0, 0, [*mine, *quarters], [1.0] * len(mine) + [-1.0] * 4)
        if not lots.divisible[lot]:
            rows.add(0, 1, [whole + arc for arc in mine], [1.0] * len(mine))
            for arc in mine:
                rows.add(0, 0, [arc, whole + arc], [1.0, -lots.remaining_g[lot] / 1000])
    for bid in range(m):
        gets = np.flatnonzero(arcs.order == bid).tolist()
        ones, need_g = [1.0] * len(gets), max(bids.min_fill_g[bid] - bids.committed_g[bid], 0)
        rows.add(-np.inf, 0, [*gets, served + bid], [*ones, -bids.wanted_g[bid] / 1000])
        rows.add(0, np.inf, [*gets, served + bid], [*ones, -need_g / 1000])
    gain = np.zeros(width)
    gain[:served] = [*arcs.value_fen_per_kg, *np.tile(POLICY_1.spread_fen_per_kg, n)]
    most = np.ones(width)
    most[:served] = [*np.full(count, np.inf), *(lots.quarter_g.reshape(-1) / 1000)]
    solved: Any = milp(
        -gain,
        integrality=(np.arange(width) >= served).astype(int),
        bounds=(0, most),
        constraints=rows.constraint(width),
        options={"time_limit": PEER_S, "mip_rel_gap": 1e-6},
    )
    return float(-solved.fun if solved.status == 0 else -solved.mip_dual_bound) * 1000


async def program(plan: Plan) -> list[Outcome]:
    ours, peer = 0.0, 0.0
    for seed in range(plan.pick(MARKETS, 3)):
        of = market(seed)
        began_s = perf_counter()
        cleared = clear(of, POLICY_1, NOW_US)
        cleared_s = perf_counter()
        best_mfen = optimum_mfen(of)
        size, share = f"{len(of.listings.ids)} x {len(of.orders.ids)}", cleared.value_mfen / best_mfen
        took = f"{cleared_s - began_s:.2f} s, peer {perf_counter() - cleared_s:.2f} s"
        print(
            f"{seed:2}: {size}, {cleared.arcs} arcs: {share:.5f}, gap {cleared.certified_gap:.5f}, {took}", flush=True
        )
        ours += cleared.value_mfen / MFEN_PER_CNY
        peer += best_mfen / MFEN_PER_CNY
    return [Outcome(BAR, Side([ours]), Side([peer]))]


if __name__ == "__main__":
    main(program)
