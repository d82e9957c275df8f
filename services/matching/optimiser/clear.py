"""One round of one market: the best plan, its proof, and what each side's price was.

1. Candidate arcs: all compatible pairs, or the nearest where there are too many.
2. Solve over them; the prices bound every plan over every pair.
3. Pairs that would improve the plan join the arcs, and again from 2, until there are none: the gap is 0.
4. Promises a linear programme cannot make (least fill, whole lots) are kept by `promises`.
"""

from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from operator import attrgetter
from time import perf_counter

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.candidates import all_arcs, nearest_arcs, parts_of, within_parts
from services.matching.optimiser.certificate import Certificate, Reach, certify, gain_fen_per_kg, join, relative_gap
from services.matching.optimiser.greedy import greedy
from services.matching.optimiser.market import BoolArray, Market
from services.matching.optimiser.plan import Plan, matches_of
from services.matching.optimiser.policy import IntArray, Policy
from services.matching.optimiser.promises import Participants, drop_broken, keep, left_out, reachable
from services.matching.optimiser.transport import Solution, solve, value_mfen
from services.matching.optimiser.twins import Twins


@dataclass(frozen=True, slots=True)
class Limits:
    """How much work a round may be. The gap reported is true whatever they are."""

    arcs: int = 200_000  # beyond it network simplex grows with the 1.85th power of the arcs
    nearest: int = 20  # neighbours of each side a large market starts from
    joining: int = 8  # pairs of each listing and of each order that join a solve ...
    near_fen_per_kg: int = 8  # ... those that improve the plan, and those that fail to by less than this
    solves: int = 12  # at most so many while pricing out
    gap: float = 0.0  # stop pricing out at this relative gap
    seconds: float | None = None  # start no further pricing after this long; None keeps a round reproducible


@dataclass(frozen=True, slots=True)
class _Search:
    """The best solution over all arcs found, before promises."""

    arcs: Arcs
    solution: Solution
    certificate: Certificate
    solves: int


def clear(market: Market, policy: Policy, now_us: int, limits: Limits | None = None) -> Plan:
    """The plan of greatest value for this market now, then of greatest mass, and the proof of it.

    The same market gives the same plan, in whatever order its rows came.
    """
    began_s = perf_counter()
    limits = limits or Limits()
    instance = Instance.of(market, policy, now_us)
    everything = all_arcs(instance, limits.arcs)
    twins = Twins.of(instance) if everything is None else None
    if twins is None:
        return clear_over(instance, everything, limits, began_s)
    plan = clear_over(twins.instance, all_arcs(twins.instance, limits.arcs), limits, began_s)
    return replace(twins.split(instance, plan), priority_unknown=_priority_unknown(market))


def clear_over(instance: Instance, everything: Arcs | None, limits: Limits, began_s: float) -> Plan:
    """The same, of all its compatible pairs, or None where they are too many; `began_s` is when the round began."""
    market = instance.market
    parts = parts_of(instance)
    taking = replace(Participants.all(instance), orders=reachable(instance, everything))
    search = _search(instance, everything, parts, taking, limits)
    baseline_g = drop_broken(instance, search.arcs, greedy(instance, search.arcs))
    resolve = partial(_solve_parts, parts=parts)
    flow_g, taking, pieces = keep(instance, search.arcs, search.solution, taking, resolve, baseline_g)

    value = value_mfen(instance, search.arcs, flow_g)
    return Plan(
        matches=matches_of(instance, search.arcs, flow_g),
        value_mfen=value,
        bound_mfen=max(search.certificate.bound_mfen, value),
        certified_gap=relative_gap(search.certificate.bound_mfen, value),
        greedy_value_mfen=value_mfen(instance, search.arcs, baseline_g),
        listing_ids=market.listings.ids,
        listing_price_fen_per_kg=search.certificate.prices.listing,
        order_ids=market.orders.ids,
        order_price_fen_per_kg=search.certificate.prices.order,
        set_aside=(*market.set_aside, *left_out(instance, taking)),
        priority_unknown=_priority_unknown(market),
        arcs=len(search.arcs),
        solves=search.solves + pieces,
        policy=instance.policy.version,
        now_us=instance.now_us,
        seconds=perf_counter() - began_s,
    )


def replan(instance: Instance, arcs: Arcs) -> tuple[Arcs, IntArray]:
    """The best plan over these arcs alone, every promise kept: the arcs of those who take part, and grams by arc.

    A part of the market that no arc leaves is planned as the whole would plan it.
    """
    parts = parts_of(instance)
    taking = replace(Participants.all(instance), orders=reachable(instance, arcs))
    arcs = arcs.select(within_parts(arcs, parts) & taking.arcs(arcs))
    resolve = partial(_solve_parts, parts=parts)
    flow_g, _, _ = keep(instance, arcs, _solve_parts(instance, arcs, None, parts), taking, resolve)
    return arcs, flow_g


def _search(
    instance: Instance,
    everything: Arcs | None,
    parts: tuple[IntArray, IntArray],
    taking: Participants,
    limits: Limits,
) -> _Search:
    started = perf_counter()
    reach = Reach(limits.joining, limits.near_fen_per_kg)
    arcs = nearest_arcs(instance, limits.nearest) if everything is None else everything
    arcs = arcs.select(within_parts(arcs, parts) & taking.arcs(arcs))
    certificates: list[Certificate] = []
    for solves in count(1):
        solution = _solve_parts(instance, arcs, None, parts)
        latest = certify(instance, arcs, solution.order_price_fen_per_kg, taking.orders, reach)
        certificates.append(latest)
        best = min(certificates, key=attrgetter("bound_mfen"))
        usable = within_parts(latest.left_out, parts)
        done = not (latest.gain_fen_per_kg[usable] > 0).any()
        done |= relative_gap(best.bound_mfen, value_mfen(instance, arcs, solution.flow_g)) <= limits.gap
        late = limits.seconds is not None and perf_counter() - started > limits.seconds
        if done or late or solves >= limits.solves:
            break
        joining = latest.left_out.select(usable)
        arcs = join(arcs.select(_worth_keeping(arcs, solution, latest, limits.arcs - len(joining))), joining)
    return _Search(arcs, solution, best, solves)


def _worth_keeping(arcs: Arcs, solution: Solution, certificate: Certificate, room: int) -> BoolArray:
    """The arcs that carry something, and of the others those nearest to it, as far as there is room."""
    ranking = np.lexsort((-gain_fen_per_kg(arcs, certificate.prices), solution.flow_g == 0))
    keeping = solution.flow_g > 0
    keeping[ranking[: max(room, 0)]] = True
    return keeping


def _solve_parts(
    instance: Instance, arcs: Arcs, least_g: IntArray | None, parts: tuple[IntArray, IntArray]
) -> Solution:
    """The solution of each part over its own arcs, put together; raises Infeasible where `least_g` can't be had."""
    flow_g = np.zeros(len(arcs), dtype=np.int64)
    prices = np.zeros(len(instance.market.orders.ids), dtype=np.int64)
    part_of_arc = parts[0][arcs.listing]
    for part in np.unique(part_of_arc):
        mine = part_of_arc == part
        solution = solve(instance, arcs.select(mine), least_g=least_g)
        flow_g[mine] = solution.flow_g
        prices += solution.order_price_fen_per_kg
    return Solution(flow_g, prices)


def _priority_unknown(market: Market) -> tuple[str, ...]:
    unknown = (market.listings.watch_52 < 0) | (market.listings.poverty_832 < 0)
    return tuple(market.listings.ids[row] for row in np.flatnonzero(unknown))
