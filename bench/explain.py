"""Explanations of 1,000 unsold listings asked for at once, against one cold clear of their market.

Ours is `optimiser.explain.explain` as the solver's process runs it: the plan of now, what stands between each of the
listings and every order, free or promised, and for each the highest floor that would sell more of it. Whole second
plans, which a draw or a lot sold in part wants, get one second of it (who asks alone has five). The peer is
`optimiser.clear.clear` of the same market: the figure is how many clears a thousand explanations cost. Before anything
is timed, some of the fixes are tried in whole fresh plans, and each sells what it says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from bench import worlds
from bench.harness import Bar, Outcome, Plan, Side, interleave, main, timed
from bench.solve import seconds_of
from services.matching.optimiser.arcs import Instance
from services.matching.optimiser.candidates import all_arcs
from services.matching.optimiser.clear import Limits, clear
from services.matching.optimiser.explain import Explanation, Promised, explain
from services.matching.optimiser.market import Listing, Market, Order
from services.matching.optimiser.policy import POLICY_1
from services.matching.optimiser.sides import Who

NOW_US = 1_790_000_000_000_000
BARS = (
    Bar("explain", "1,000 explanations at once, 20k arcs", "one cold clear of the same market", "s", 80, 20, "less"),
    Bar("explain_cpu", "CPU of one of the 1,000 explanations", None, "ms", 5, 2, "less"),
)
TRIED = 20
WHOLE_PLANS_WITHIN_S = 1.0


def sides(lots: int, orders: int, seed: int) -> tuple[list[Listing], list[Order]]:
    """Too many lots for their orders, and most of them dear: about one pair in forty could come together."""
    offered = worlds.lots(lots, NOW_US, seed, floors=(250, 700), keeps_h=(60, 200))
    return offered, worlds.bids(orders, NOW_US, seed + 1, due_h=(24, 120), ceilings=(150, 500))


def question(plan: Plan) -> tuple[Market, Promised, list[Who]]:
    """A market, what of it was promised before, and who is left unsold by its best plan."""
    lots, bids = sides(plan.pick(1_400, 80), plan.pick(230, 20), seed=1)
    market = Market.of(lots, bids)
    sold_g: dict[str, int] = defaultdict(int)
    for match in clear(market, POLICY_1, NOW_US).matches:
        sold_g[match.listing_id] += match.quantity_g
    unsold = [Who("listing", each.id) for each in lots if sold_g[each.id] < each.remaining_g]
    return market, Promised({"listing": Market.of(lots, bids[::10])}, {}), unsold[: plan.pick(1_000, 20)]


def explained(market: Market, promised: Promised, asked: Sequence[Who]) -> list[Explanation]:
    return explain(market, promised, POLICY_1, NOW_US, asked, fixes_within_s=WHOLE_PLANS_WITHIN_S)


def check(plan: Plan, found: Sequence[Explanation]) -> None:
    """Each has a reason; and what some of the fixes say comes true in whole fresh plans."""
    assert all(each.reasons for each in found)
    fixed = [each for each in found if each.fix]
    lots, bids = sides(plan.pick(1_400, 80), plan.pick(230, 20), seed=1)

    def sold_g(listing_id: str, floor: int) -> int:
        changed = [replace(each, floor_fen_per_kg=floor) if each.id == listing_id else each for each in lots]
        matches = clear(Market.of(changed, bids), POLICY_1, NOW_US).matches
        return sum(each.quantity_g for each in matches if each.listing_id == listing_id)

    for each in fixed[:: max(1, len(fixed) // TRIED)]:
        assert each.fix is not None
        floor = next(lot.floor_fen_per_kg for lot in lots if lot.id == each.who.id)
        had_g = sold_g(each.who.id, floor)
        assert sold_g(each.who.id, each.fix.to) - had_g >= each.fix.would_match_g > 0
    print(f"{len(found):,} explained, {len(fixed):,} with a fix", flush=True)


async def program(plan: Plan) -> list[Outcome]:
    market, promised, asked = question(plan)
    arcs = all_arcs(Instance.of(market, POLICY_1, NOW_US), Limits().arcs)
    assert arcs is not None
    print(f"{len(arcs):,} arcs, {len(market.listings.ids):,} x {len(market.orders.ids):,}", flush=True)
    check(plan, explained(market, promised, asked))
    ours, peer = await interleave(
        plan.repeats,
        partial(timed, partial(explained, market, promised, asked)),
        partial(timed, partial(clear, market, POLICY_1, NOW_US)),
    )
    each_ms = Side([cpu_s_per_1000 / len(asked) for cpu_s_per_1000 in ours.cpu_s_per_1000])
    return [Outcome(BARS[0], seconds_of(ours), seconds_of(peer)), Outcome(BARS[1], each_ms)]


if __name__ == "__main__":
    main(program)
