"""One pass over 60 markets, 100,000 listings and 50,000 orders at the full size: how its time grows with the rows.

Engine alone, by the solvers of a pool: find the pairs, solve, prove. At each size a listing can reach about as many
orders as at any other, as where a country grows by more places and not by a denser crowd, so the pairs grow with the
rows. The exponent is the slope of log time over log rows. The peer, OR-tools' `SimpleMinCostFlow`, is given the
finished networks of the same pairs, one after the other, in as many processes. Beside it: what greedy would have been
worth, and HiGHS on the smallest size, where its dual simplex ends in time.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from bench.harness import Bar, Measured, Outcome, Plan, Side, Stopwatch, interleave, main, memory_mb
from bench.solve import cost_by_ortools, network_of, quicker_way_round, seconds_of
from bench.worlds import bids, lots
from services.matching.optimiser.arcs import Instance
from services.matching.optimiser.candidates import all_arcs
from services.matching.optimiser.flow import Network, highs
from services.matching.optimiser.market import Market
from services.matching.optimiser.plan import Plan as Cleared
from services.matching.optimiser.policy import POLICY_1
from services.matching.optimiser.transport import solve, value_mfen
from services.matching.rounds.models import MFEN_PER_FEN
from services.matching.rounds.pool import SolverPool

NOW_US = 1_790_000_000_000_000
MARKETS, SOLVERS = 60, 2
LISTINGS = (12_500, 25_000, 50_000, 100_000)
"""Of all markets together; half as many orders."""
FULL_DUE_H = (4.5, 6.5)
"""Of the full size. Handling takes four hours; what is left of the time is how far a lot can go."""
HANDLING_H = 4.0


def bar(listings: int) -> Bar:
    return Bar(
        f"growth_{listings}",
        f"{MARKETS} markets, {listings:,} listings, {listings // 2:,} orders: pairs, optimum, proof",
        "OR-tools SimpleMinCostFlow, build and solve of the same pairs",
        "s",
        2.5,
        1.0,
        "less",
    )


EXPONENT = Bar("growth", "exponent of a pass's time by its rows", None, "", 1.1, 1.0, "less")
VALUE = Bar(
    "growth_value",
    "value of a pass of the smallest size",
    "the optimum by HiGHS, dual simplex",
    "fen",
    1.0,
    1.0,
    "more",
)
GAP = Bar("growth_gap", "greatest certified gap of a pass at full size", None, "", 1e-4, 0.0, "less")
MEMORY = Bar("growth_memory", "greatest memory of a solver at full size", None, "MB", 1000.0, 500.0, "less")
BARS = (EXPONENT, GAP, VALUE, MEMORY, *map(bar, LISTINGS))


@dataclass(frozen=True, slots=True)
class Country:
    """Sixty markets, and the network of each."""

    markets: Sequence[Market]
    networks: Sequence[Network]
    costs: Sequence[int]
    arcs: int

    @classmethod
    def of(cls, listings: int, full: int) -> Country:
        rows = max(2, listings // MARKETS)
        wider = math.sqrt(full / listings)
        due_h = tuple(HANDLING_H + (each - HANDLING_H) * wider for each in FULL_DUE_H)
        markets = [
            Market.of(lots(rows, NOW_US, 2 * number), bids(rows // 2, NOW_US, 2 * number + 1, due_h))  # type: ignore[arg-type]
            for number in range(MARKETS)
        ]
        found, arcs = [], 0
        for market in markets:
            instance = Instance.of(market, POLICY_1, NOW_US)
            everything = all_arcs(instance, 10**8)
            assert everything is not None
            arcs += len(everything)
            if len(everything):
                found.append(network_of(instance, everything))
        networks = [quicker_way_round(network) for network, _ in found]
        return cls(markets, networks, [cost for _, cost in found], arcs)


async def cleared(pool: SolverPool, country: Country) -> list[Cleared]:
    """One pass: as many markets at once as there are solvers."""
    return await asyncio.gather(*(pool.clear(market, POLICY_1, NOW_US) for market in country.markets))


async def program(plan: Plan) -> list[Outcome]:
    sizes = (600, 1_200) if plan.smoke else LISTINGS
    pool, peers = SolverPool(SOLVERS, timeout_s=600), ProcessPoolExecutor(SOLVERS, get_context("spawn"))
    await pool.start()
    try:
        found = [await measured(plan, size, sizes[-1], pool, peers) for size in sizes]
    finally:
        await pool.stop()
        peers.shutdown()
    slope = Side([_slope([math.log(size) for size in sizes], times) for times in _by_repeat(found)])
    extras = [each for _, more in found for each in more]
    return [Outcome(EXPONENT, slope), *extras, *(outcome for outcome, _ in found)]


async def measured(
    plan: Plan, listings: int, full: int, pool: SolverPool, peers: ProcessPoolExecutor
) -> tuple[Outcome, list[Outcome]]:
    """The pass of one size against its peer; and what only the smallest and the largest have to show."""
    country = Country.of(listings, full)
    plans = await cleared(pool, country)
    gap = max(each.certified_gap for each in plans)
    value, greedy = (sum(getattr(each, name) for each in plans) for name in ("value_mfen", "greedy_value_mfen"))
    print(
        f"{listings:,} listings: {country.arcs:,} arcs, {sum(len(each.matches) for each in plans):,} matches, "
        f"gap {gap:g}, greedy {greedy / value:.4f} of it",
        flush=True,
    )

    async def ours(_: int) -> Measured:
        watch = Stopwatch(os.getpid())
        await cleared(pool, country)
        return watch.stop(1)

    async def peer(_: int) -> Measured:
        watch = Stopwatch(os.getpid())
        loop = asyncio.get_running_loop()
        costs = await asyncio.gather(*(loop.run_in_executor(peers, cost_by_ortools, each) for each in country.networks))
        assert costs == country.costs, "both find the same optimum"
        return watch.stop(1)

    sides = map(seconds_of, await interleave(plan.repeats, ours, peer))
    more = []
    if listings == full:
        more = [Outcome(GAP, Side([gap])), Outcome(MEMORY, Side([max(memory_mb(pid)[0] for pid in pool.pids)]))]
    elif listings == LISTINGS[0] or plan.smoke:
        best = await asyncio.to_thread(worth_by_highs, country)
        more = [Outcome(VALUE, Side([value / MFEN_PER_FEN]), Side([best / MFEN_PER_FEN]))]
    return Outcome(bar(listings), *sides), more


def worth_by_highs(country: Country) -> int:
    """The value of all markets in thousandths of a fen, by the dual simplex of HiGHS over all pairs."""
    worth_mfen = 0
    for market in country.markets:
        instance = Instance.of(market, POLICY_1, NOW_US)
        everything = all_arcs(instance, 10**8)
        assert everything is not None
        worth_mfen += value_mfen(instance, everything, solve(instance, everything, highs).flow_g)
    return worth_mfen


def chart(outcomes: Sequence[Mapping[str, Any]]) -> str:
    """The times of both by size, as Mermaid draws them."""
    sizes = [each for each in outcomes if each["peer"] and each["bar"]["unit"] == "s"]
    names = ", ".join(f'"{each["bar"]["name"].removeprefix("growth_")}"' for each in sizes)
    lines = [", ".join(f"{_median(each[side]['values']):.3g}" for each in sizes) for side in ("ours", "peer")]
    return (
        "```mermaid\nxychart-beta\n"
        '    title "One pass over 60 markets by listings: ours, then OR-tools, in seconds"\n'
        f'    x-axis [{names}]\n    y-axis "s"\n    bar [{lines[0]}]\n    line [{lines[1]}]\n```'
    )


def _by_repeat(found: Sequence[tuple[Outcome, list[Outcome]]]) -> list[tuple[float, ...]]:
    return [tuple(map(math.log, times)) for times in zip(*(outcome.ours.values for outcome, _ in found), strict=True)]


def _slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Of the straight line that is nearest to these points (least squares)."""
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    rise = sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True))
    return rise / sum((a - middle_x) ** 2 for a in x)


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    main(program)
