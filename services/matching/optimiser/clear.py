"""One round of one market: the best plan, its proof, and what each side's price was.

1. Candidate arcs: all compatible pairs, or the nearest where there are too many.
2. Solve over them; the prices bound every plan over every pair.
3. Pairs that would improve the plan join the arcs, and again from 2, until there are none: the gap is 0.
4. Promises a linear programme cannot make (least fill, whole lots) are kept by `promises`.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from operator import attrgetter
from time import perf_counter

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.budget import PRICED_BY, Budget
from services.matching.optimiser.candidates import all_arcs, nearest_arcs
from services.matching.optimiser.certificate import Certificate, Reach, certify, join, relative_gap
from services.matching.optimiser.changes import of_changed
from services.matching.optimiser.greedy import greedy
from services.matching.optimiser.market import Market
from services.matching.optimiser.parts import parts_of, solved_together, within_parts
from services.matching.optimiser.plan import Plan, matches_of
from services.matching.optimiser.policy import IntArray, Policy
from services.matching.optimiser.pricing import first_arcs, missing_arcs, worth_keeping
from services.matching.optimiser.promises import Participants, drop_broken, keep, left_out, reachable
from services.matching.optimiser.transport import Solution, solve, value_mfen
from services.matching.optimiser.twins import Twins

FIRST, JOINING = Reach(each=12, near_fen_per_kg=12), Reach(each=4, near_fen_per_kg=2)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much work a round may be. The gap reported is true whatever they are."""

    arcs: int = 2_000_000  # of more compatible pairs only the nearest are known at first
    nearest: int = 20  # of each side, then
    whole: int = 400_000  # a market of no more arcs is solved over all of them at once ...
    piece_rows: int = 3_000  # ... a larger one cut into pieces of at most so many rows ...
    first: Reach = FIRST  # ... whose prices say what it is solved over first ...
    joining: Reach = JOINING  # ... and what joins that when prices ask for more
    solves: int = 60  # at most so many while pricing out
    gap: float = 0.0  # stop pricing out at this relative gap
    seconds: float | None = None  # for one question to a solver, see `budget`; None keeps a round reproducible


@dataclass(frozen=True, slots=True)
class _Search:
    """The best solution over all arcs known, before promises."""

    known: Arcs
    arcs: Arcs  # those of the last solve
    solution: Solution
    certificate: Certificate
    solves: int
    stopped_early: bool


def clear(
    market: Market,
    policy: Policy,
    now_us: int,
    limits: Limits | None = None,
    changed: Collection[str] | None = None,
) -> Plan:
    """The plan of greatest value for this market now, then of greatest mass, and the proof of it.

    The same market gives the same plan, in whatever order its rows came. `changed`: the listings and orders that are
    new, have other terms or are free again since a plan of this market was carried out; then only what they touch is
    looked at, to the same result. For an optimal plan leaves nobody free who could be served alone with all promises
    kept, and time makes no pair compatible: whoever could gain now is linked to a change.
    """
    began_s = perf_counter()
    limits = limits or Limits()
    instance = of_changed(Instance.of(market, policy, now_us), changed)
    return clear_over(instance, all_arcs(instance, limits.arcs), limits, began_s)


def clear_over(instance: Instance, everything: Arcs | None, limits: Limits, began_s: float) -> Plan:
    """The same, of all its compatible pairs, or None where they are too many; `began_s` is when the round began."""
    twins = Twins.of(instance) if everything is None else None
    if twins is None:
        return _clear_over(instance, everything, limits, began_s)
    plan = _clear_over(twins.instance, all_arcs(twins.instance, limits.arcs), limits, began_s)
    return replace(twins.split(instance, plan), priority_unknown=_priority_unknown(instance.market))


def _clear_over(instance: Instance, everything: Arcs | None, limits: Limits, began_s: float) -> Plan:
    market, budget = instance.market, Budget(began_s, limits.seconds)
    parts = parts_of(instance)
    taking = replace(Participants.all(instance), orders=reachable(instance, everything))
    search = _search(instance, everything, parts, taking, limits, budget)
    offered = search.known.select(taking.arcs(search.known))
    greedy_g = drop_broken(instance, offered, greedy(instance, offered))
    baseline_g = greedy_g if len(offered) == len(search.arcs) else None
    resolve = partial(_solve_parts, parts=parts)
    kept = keep(instance, search.arcs, search.solution, taking, resolve, baseline_g, budget)

    value = value_mfen(instance, search.arcs, kept.flow_g)
    return Plan(
        matches=matches_of(instance, search.arcs, kept.flow_g),
        value_mfen=value,
        bound_mfen=max(search.certificate.bound_mfen, value),
        certified_gap=relative_gap(search.certificate.bound_mfen, value),
        greedy_value_mfen=value_mfen(instance, offered, greedy_g),
        listing_ids=market.listings.ids,
        listing_price_fen_per_kg=search.certificate.prices.listing,
        order_ids=market.orders.ids,
        order_price_fen_per_kg=search.certificate.prices.order,
        set_aside=(*market.set_aside, *left_out(instance, kept.taking)),
        priority_unknown=_priority_unknown(market),
        arcs=len(search.known),
        solves=search.solves + kept.pieces,
        policy=instance.policy.version,
        now_us=instance.now_us,
        stopped_early=search.stopped_early or kept.cut,
        seconds=perf_counter() - began_s,
    )


def replan(instance: Instance, arcs: Arcs, budget: Budget) -> tuple[Arcs, IntArray]:
    """The best plan over these arcs alone, every promise kept: the arcs of those who take part, and grams by arc.

    A part of the market that no arc leaves is planned as the whole would plan it.
    """
    parts = parts_of(instance)
    taking = replace(Participants.all(instance), orders=reachable(instance, arcs))
    arcs = arcs.select(within_parts(arcs, parts) & taking.arcs(arcs))
    resolve = partial(_solve_parts, parts=parts)
    solution = _solve_parts(instance, arcs, None, parts)
    return arcs, keep(instance, arcs, solution, taking, resolve, budget=budget).flow_g


def _search(
    instance: Instance,
    everything: Arcs | None,
    parts: tuple[IntArray, IntArray],
    taking: Participants,
    limits: Limits,
    budget: Budget,
) -> _Search:
    known = nearest_arcs(instance, limits.nearest) if everything is None else everything
    known = known.select(within_parts(known, parts) & taking.arcs(known))
    if len(known) > limits.whole:
        solving = first_arcs(instance, known, taking.orders, limits.piece_rows, limits.first)
    else:
        solving = np.ones(len(known), dtype=bool)
    certificates: list[Certificate] = []
    for solves in count(1):
        arcs = known.select(solving)
        solution = _solve_parts(instance, arcs, None, parts)
        prices = solution.order_price_fen_per_kg, taking.orders
        stopping = budget.spent(PRICED_BY) or solves >= limits.solves
        missing = missing_arcs(instance, known, solving, *prices, limits.joining)
        if stopping or not missing.any():
            latest = certify(instance, known, *prices, limits.joining)
            certificates.append(latest)
            best = min(certificates, key=attrgetter("bound_mfen"))
            usable = within_parts(latest.left_out, parts)
            near = relative_gap(best.bound_mfen, value_mfen(instance, arcs, solution.flow_g)) <= limits.gap
            if stopping or near or not (latest.gain_fen_per_kg[usable] > 0).any():
                break
            found = latest.left_out.select(usable)
            known = join(known, found)
            solving = np.append(solving, np.zeros(len(found), dtype=bool))
            missing = np.arange(len(known)) >= len(known) - len(found)
        room = limits.whole - int(missing.sum())
        solving[solving] = worth_keeping(instance, arcs, solution.flow_g, *prices, room)
        solving |= missing
    improvable = bool(missing.any() or (latest.gain_fen_per_kg > 0).any())  # across parts, too
    return _Search(known, arcs, solution, best, solves, stopped_early=improvable)


def _solve_parts(
    instance: Instance, arcs: Arcs, least_g: IntArray | None, parts: tuple[IntArray, IntArray]
) -> Solution:
    """The solution of each part over its own arcs, put together; raises Infeasible where `least_g` can't be had."""
    flow_g = np.zeros(len(arcs), dtype=np.int64)
    prices = np.zeros(len(instance.market.orders.ids), dtype=np.int64)
    part_of_arc = parts[0][arcs.listing]
    for part in np.unique(part_of_arc):
        mine = np.flatnonzero(part_of_arc == part)
        for together in solved_together(arcs.select(mine), len(prices)):
            rows = mine[together]
            solution = solve(instance, arcs.select(rows), least_g=least_g)
            flow_g[rows] = solution.flow_g
            prices += solution.order_price_fen_per_kg
    return Solution(flow_g, prices)


def _priority_unknown(market: Market) -> tuple[str, ...]:
    unknown = (market.listings.watch_52 < 0) | (market.listings.poverty_832 < 0)
    return tuple(market.listings.ids[row] for row in np.flatnonzero(unknown))
