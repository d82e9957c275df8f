"""Why a lot does not sell, and the least change that would sell it.

Every order of the market either could take the lot or says what stands between; what could take it and does not, has
better offers. The fix comes from the duals: at a floor lower by d every pair of the lot is worth d more, so the first
order to take any of it is the one whose price exceeds the lot's worth to it by least. It is told only when a second
solve, of the part of the market that it can reach, confirms it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance, among, compatible_arcs
from services.matching.optimiser.candidates import all_arcs, nearest_arcs
from services.matching.optimiser.certificate import join
from services.matching.optimiser.clear import Limits, clear
from services.matching.optimiser.market import BoolArray, Market
from services.matching.optimiser.obstacles import Obstacle, Obstacles
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import IntArray, Policy
from services.matching.optimiser.transport import bought_g, solve

Code = Obstacle | Literal["outbid", "no_demand"]
TRIES = 3  # of the least changes, in a second solve


@dataclass(frozen=True, slots=True)
class Reason:
    """So many orders could not take the lot for this; `quantity_g` is what they want, of what is unsold at most."""

    code: Code
    quantity_g: int
    orders: int


@dataclass(frozen=True, slots=True)
class Fix:
    """A change of the listing alone, to this value, that would match so many grams more now."""

    change: Literal["min_price_fen_per_kg", "divisible"]
    to: int
    would_match_g: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of one listing. Reasons with the greatest quantity first; none when the next round sells it all."""

    listing_id: str
    unsold_g: int
    reasons: tuple[Reason, ...]
    fix: Fix | None


@dataclass(frozen=True, slots=True)
class Promised:
    """What is held or agreed already: no later round takes it from whom it was promised to.

    `market` has the listings of the market asked about, and the orders with what they were promised for what they
    want; `own_g` how much of it comes from each listing, by listing and order id.
    """

    market: Market
    own_g: Mapping[tuple[str, str], int]


def explain(
    market: Market,
    promised: Promised,
    policy: Policy,
    now_us: int,
    listing_ids: Sequence[str],
    limits: Limits | None = None,
) -> list[Explanation]:
    """Of each of these listings that is in the market, why the best plan of now leaves it unsold."""
    limits = limits or Limits()
    plan = clear(market, policy, now_us, limits)
    instance = Instance.of(market, policy, now_us)
    before = Instance.of(promised.market, policy, now_us)
    assert promised.market.listings.ids == market.listings.ids
    asked = _Asked.of(instance, before, promised.own_g, plan, limits)
    row_of = {listing_id: row for row, listing_id in enumerate(market.listings.ids)}
    return [asked.explanation(row_of[each]) for each in listing_ids if each in row_of]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A market with its best plan, and what is needed to look at one listing after the other."""

    instance: Instance
    before: Instance
    own_g: Mapping[tuple[str, str], int]
    given_g: Mapping[int, Mapping[int, int]]  # of the plan: by listing row and order row
    got_g: IntArray  # of the plan, by order
    price: IntArray  # by order
    takes_part: BoolArray  # by order
    left_out: frozenset[str]  # listings that could not be sold whole
    arcs: Arcs
    part: IntArray  # by node, listings first: which part of the market it is in

    @classmethod
    def of(
        cls, instance: Instance, before: Instance, own_g: Mapping[tuple[str, str], int], plan: Plan, limits: Limits
    ) -> "_Asked":
        market = instance.market
        listing_row = {each: row for row, each in enumerate(market.listings.ids)}
        order_row = {each: row for row, each in enumerate(market.orders.ids)}
        given_g: dict[int, dict[int, int]] = defaultdict(dict)
        got_g = np.zeros(len(order_row), dtype=np.int64)
        for match in plan.matches:
            order = order_row[match.order_id]
            given_g[listing_row[match.listing_id]][order] = match.quantity_g
            got_g[order] += match.quantity_g
        takes_part = np.ones(len(order_row), dtype=bool)
        takes_part[[order_row[each.id] for each in plan.set_aside if each.reason == "min_fill"]] = False
        arcs = all_arcs(instance, limits.arcs)
        arcs = nearest_arcs(instance, limits.nearest) if arcs is None else arcs
        arcs = arcs.select(takes_part[arcs.order])
        left_out = frozenset(each.id for each in plan.set_aside if each.reason == "indivisible")
        price = np.maximum(plan.order_price_fen_per_kg, 0)
        return cls(instance, before, own_g, given_g, got_g, price, takes_part, left_out, arcs, _parts(instance, arcs))

    def explanation(self, row: int) -> Explanation:
        lots = self.instance.market.listings
        unsold_g = int(lots.remaining_g[row]) - sum(self.given_g.get(row, {}).values())
        if unsold_g <= 0:
            return Explanation(lots.ids[row], 0, (), None)
        seen = Obstacles.of(self.instance, row)
        reasons = sorted(self._reasons(row, seen, unsold_g), key=lambda each: (-each.quantity_g, each.code))
        return Explanation(lots.ids[row], unsold_g, tuple(reasons), self._fix(row, seen))

    def _reasons(self, row: int, seen: Obstacles, unsold_g: int) -> Iterator[Reason]:
        bids = self.instance.market.orders
        amounts_g: dict[Code, list[int]] = defaultdict(list)
        for obstacle, hindered in seen.by_code.items():
            amounts_g[obstacle] += bids.wanted_g[hindered & seen.asks].tolist()
        amounts_g["min_fill"] += bids.wanted_g[seen.none & ~self.takes_part].tolist()
        could = seen.none & self.takes_part
        if self.instance.market.listings.ids[row] in self.left_out:
            amounts_g["min_fill"] += bids.wanted_g[could].tolist()
        else:
            by_others_g = self.got_g.copy()
            for order, grams in self.given_g.get(row, {}).items():
                by_others_g[order] -= grams
            amounts_g["outbid"] += by_others_g[could & (by_others_g > 0)].tolist()
        seen_before = Obstacles.of(self.before, row)
        amounts_g["outbid"] += self._brought_by_others_g(row, seen_before)
        for code, amounts in amounts_g.items():
            if amounts:
                yield Reason(code, min(unsold_g, sum(amounts)), len(amounts))
        if not seen.asks.any() and not seen_before.asks.any():
            yield Reason("no_demand", unsold_g, 0)

    def _brought_by_others_g(self, row: int, seen_before: Obstacles) -> list[int]:
        """By order that was promised something before and could have had this lot, what others promised it."""
        lots, bids = self.before.market.listings, self.before.market.orders
        by_others_g = [
            int(bids.wanted_g[order]) - self.own_g.get((lots.ids[row], bids.ids[order]), 0)
            for order in np.flatnonzero(seen_before.none).tolist()
        ]
        return [grams for grams in by_others_g if grams > 0]

    def _fix(self, row: int, seen: Obstacles) -> Fix | None:
        """The least change that a second solve confirms."""
        lots = self.instance.market.listings
        had_g = sum(self.given_g.get(row, {}).values())
        if not lots.divisible[row]:
            more_g = self._sold_g(row, _changed(self.instance, row, divisible=True)) - had_g
            if more_g > 0:
                return Fix("divisible", 1, more_g)
        floor = int(lots.floor_fen_per_kg[row])
        for lower in self._discounts(row, seen):
            more_g = self._sold_g(row, _changed(self.instance, row, floor_fen_per_kg=floor - lower)) - had_g
            if more_g > 0:
                return Fix("min_price_fen_per_kg", floor - lower, more_g)
        return None

    def _discounts(self, row: int, seen: Obstacles) -> list[int]:
        """By how many fen per kg the floor would have to fall, for one order or another to take any of it; by 1 more
        where that leaves a tie."""
        lots = self.instance.market.listings
        quarter = int((lots.quarter_g[row] > 0).argmax())
        bonus = self.instance.bonus_fen_per_kg[row] + self.instance.policy.spread_fen_per_kg[quarter]
        short = np.maximum(-seen.surplus_fen_per_kg, self.price - seen.surplus_fen_per_kg - bonus)
        least = np.unique(np.maximum(short[seen.but_for_money & self.takes_part], 0))[:TRIES]
        tried = np.unique(np.concatenate([least, least + 1]))
        return [lower for lower in tried.tolist() if 0 < lower <= lots.floor_fen_per_kg[row]][:TRIES]

    def _sold_g(self, row: int, changed: Instance) -> int:
        """How much of this lot the best plan would sell, were it as in `changed`; the rest of the market stays."""
        orders = np.flatnonzero(self.takes_part)
        mine = compatible_arcs(changed, np.full(len(orders), row), orders)
        if not len(mine):
            return 0
        n = len(changed.market.listings.ids)
        touched = np.unique(self.part[n + mine.order])
        others = self.arcs.select((self.arcs.listing != row) & among(self.part[self.arcs.listing], touched))
        arcs = join(others, mine)
        flow_g = solve(changed, arcs).flow_g
        bids, whole_g = changed.market.orders, int(changed.market.listings.remaining_g[row])
        filled = bids.committed_g + bought_g(changed, arcs, flow_g) >= bids.min_fill_g
        sold_g = flow_g[(arcs.listing == row) & filled[arcs.order]]
        if changed.market.listings.divisible[row]:
            return int(sold_g.sum())
        return whole_g if (sold_g == whole_g).any() else 0


def _changed(
    instance: Instance, row: int, *, floor_fen_per_kg: int | None = None, divisible: bool | None = None
) -> Instance:
    """The same, but for this of one listing."""
    lots = instance.market.listings
    if floor_fen_per_kg is not None:
        floors = lots.floor_fen_per_kg.copy()
        floors[row] = floor_fen_per_kg
        lots = replace(lots, floor_fen_per_kg=floors)
    if divisible is not None:
        whole = lots.divisible.copy()
        whole[row] = divisible
        lots = replace(lots, divisible=whole)
    return replace(instance, market=replace(instance.market, listings=lots))


def _parts(instance: Instance, arcs: Arcs) -> IntArray:
    """Which part of the market each listing and, behind them, each order is in: no arc leads from one to another."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(instance.market.listings.ids)
    nodes = n + len(instance.market.orders.ids)
    ends = (arcs.listing, n + arcs.order)
    links = coo_array((np.ones(len(arcs)), ends), shape=(nodes, nodes))  # type: ignore[no-untyped-call]
    _, part = connected_components(links, directed=False)
    labels: IntArray = part.astype(np.int64)
    return labels
