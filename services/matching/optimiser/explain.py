"""Why a lot does not sell, and the highest floor at which it would.

Every order of the market either could take the lot or says what stands between; what could take it and does not, has
other offers. The fix begins with the duals: at a floor lower by d every pair of the lot is worth d more, so the first
order to take any of it is likely the one whose price exceeds the lot's worth to it by least. It is told only when a
second plan, of the part of the market that the lot can reach, confirms it, and that a floor higher by one does not.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Literal

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance, compatible_arcs
from services.matching.optimiser.candidates import all_arcs
from services.matching.optimiser.certificate import join
from services.matching.optimiser.clear import Limits, clear_over, replan
from services.matching.optimiser.market import Market, among
from services.matching.optimiser.obstacles import Obstacle, Obstacles
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import IntArray, Policy

Code = Obstacle | Literal["outbid", "no_demand"]
OUTBID: tuple[Code] = ("outbid",)
GUESSES = 3
FIXES_WITHIN_S = 5.0
"""Of all listings asked about together, the plan of now included; beyond it reasons are told without a fix."""


@dataclass(frozen=True, slots=True)
class Reason:
    """So many orders do not take the lot for this; `quantity_g` is what they want, of what is unsold at most."""

    code: Code
    quantity_g: int
    orders: int


@dataclass(frozen=True, slots=True)
class Fix:
    """A change of the listing alone, to this value, that would match so many grams more now."""

    change: Literal["min_price_fen_per_kg"]
    to: int
    would_match_g: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of one listing; what the next round would leave unsold. Reasons with the greatest quantity first, and at least
    one where anything is unsold. No fix: no lower floor sells more, or there was no time to look for it."""

    listing_id: str
    unsold_g: int
    reasons: tuple[Reason, ...]
    fix: Fix | None


@dataclass(frozen=True, slots=True)
class Promised:
    """What is held or agreed already: no later round takes it from whom it was promised to.

    `market` has the listings of the market asked about, and the orders with what they were promised for what they
    want; `own_g` how much of it comes from the listings asked about, by listing and order id.
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
    fixes_within_s: float = FIXES_WITHIN_S,
) -> list[Explanation]:
    """Of each of these listings that is in the market, why the best plan of now leaves it unsold."""
    began_s = perf_counter()
    limits = limits or Limits()
    instance = Instance.of(market, policy, now_us)
    everything = all_arcs(instance, limits.arcs)
    plan = clear_over(instance, everything, limits, began_s)
    before = Instance.of(promised.market, policy, now_us)
    assert promised.market.listings.ids == market.listings.ids
    asked = _Asked.of(instance, before, promised.own_g, plan, everything)
    row_of = {listing_id: row for row, listing_id in enumerate(market.listings.ids)}
    return [asked.explanation(row_of[each], began_s + fixes_within_s) for each in listing_ids if each in row_of]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A market with its best plan, and what is needed to look at one listing after the other."""

    instance: Instance
    before: Instance
    own_g: Mapping[tuple[str, str], int]
    given_g: Mapping[int, Mapping[int, int]]  # of the plan: by listing row and order row
    got_g: IntArray  # of the plan, by order
    price: IntArray  # by order
    left_out: frozenset[str]  # listings that can't be sold whole, orders that can't have their least fill
    arcs: Arcs | None  # None: too many for a second plan
    part: IntArray  # by node, listings first: which part of the market it is in

    @classmethod
    def of(
        cls, instance: Instance, before: Instance, own_g: Mapping[tuple[str, str], int], plan: Plan, arcs: Arcs | None
    ) -> "_Asked":
        listing_row = {each: row for row, each in enumerate(instance.market.listings.ids)}
        order_row = {each: row for row, each in enumerate(instance.market.orders.ids)}
        given_g: dict[int, dict[int, int]] = defaultdict(dict)
        got_g = np.zeros(len(order_row), dtype=np.int64)
        for match in plan.matches:
            order = order_row[match.order_id]
            given_g[listing_row[match.listing_id]][order] = match.quantity_g
            got_g[order] += match.quantity_g
        left_out = frozenset(each.id for each in plan.set_aside if each.reason in {"indivisible", "min_fill"})
        price = np.maximum(plan.order_price_fen_per_kg, 0)
        return cls(instance, before, own_g, given_g, got_g, price, left_out, arcs, _parts(instance, arcs))

    def explanation(self, row: int, ends_s: float) -> Explanation:
        """Of this listing; its fix only if there is time for it."""
        lots = self.instance.market.listings
        unsold_g = int(lots.remaining_g[row]) - self._planned_g(row)
        if unsold_g <= 0:
            return Explanation(lots.ids[row], 0, (), None)
        seen = Obstacles.of(self.instance, row)
        amounts_g = self._amounts_g(row, seen)
        reasons = [
            Reason(code, min(unsold_g, sum(by_order.values())), len(by_order)) for code, by_order in amounts_g.items()
        ]
        reasons.sort(key=lambda each: (-each.quantity_g, each.code))
        found = tuple(reasons) or (Reason("no_demand", unsold_g, 0),)
        return Explanation(lots.ids[row], unsold_g, found, self._fix(row, seen, ends_s))

    def _planned_g(self, row: int) -> int:
        return sum(self.given_g.get(row, {}).values())

    def _amounts_g(self, row: int, seen: Obstacles) -> dict[Code, dict[str, int]]:
        """By code and order what is wanted of it, free and promised to others together: it is one order."""
        amounts_g: dict[Code, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        bids, listing_id = self.instance.market.orders, self.instance.market.listings.ids[row]

        def add(code: Code, order_id: str, grams: int) -> None:
            if grams > 0:
                amounts_g[code][order_id] += grams

        for code, hindered in seen.by_code.items():
            for order in np.flatnonzero(hindered & seen.asks).tolist():
                add(code, bids.ids[order], int(bids.wanted_g[order]))
        given_g = self.given_g.get(row, {})
        for order in np.flatnonzero(seen.none).tolist():
            if bids.ids[order] in self.left_out or listing_id in self.left_out:
                add("min_fill", bids.ids[order], int(bids.wanted_g[order]))
            else:
                add("outbid", bids.ids[order], int(self.got_g[order]) - given_g.get(order, 0))

        promised, seen_before = self.before.market.orders, Obstacles.of(self.before, row)
        for order in np.flatnonzero(seen_before.asks).tolist():
            order_id = promised.ids[order]
            by_others_g = int(promised.wanted_g[order]) - self.own_g.get((listing_id, order_id), 0)
            hindered_by: list[Code] = [
                code for code, hindered in seen_before.by_code.items() if hindered[order] and code != "min_fill"
            ]
            for each in hindered_by or OUTBID:
                add(each, order_id, by_others_g)
        return amounts_g

    def _fix(self, row: int, seen: Obstacles, ends_s: float) -> Fix | None:
        """The highest floor, below its own, at which more of it would be sold."""
        arcs, floor, had_g = self.arcs, int(self.instance.market.listings.floor_fen_per_kg[row]), self._planned_g(row)
        if arcs is None:
            return None
        more_g: dict[int, int] = {}

        def sells(lower: int) -> bool:
            if lower not in more_g:
                more_g[lower] = self._sold_g(row, arcs, floor - lower) - had_g
            return more_g[lower] > 0

        lower = _least(sells, [*self._guesses(row, seen), floor], floor, ends_s)
        return None if lower is None else Fix("min_price_fen_per_kg", floor - lower, more_g[lower])

    def _guesses(self, row: int, seen: Obstacles) -> list[int]:
        """By how many fen per kg the floor would have to fall, by the duals, for one order or another to take any of
        it; by 1 more where that leaves a tie."""
        lots = self.instance.market.listings
        quarter = int((lots.quarter_g[row] > 0).argmax())
        bonus = self.instance.bonus_fen_per_kg[row] + self.instance.policy.spread_fen_per_kg[quarter]
        short = np.maximum(-seen.surplus_fen_per_kg, self.price - seen.surplus_fen_per_kg - bonus)
        least = np.unique(np.maximum(short[seen.but_for_money], 0))[:GUESSES]
        guesses = np.unique(np.concatenate([least, least + 1]))
        return [lower for lower in guesses.tolist() if 0 < lower <= lots.floor_fen_per_kg[row]][:GUESSES]

    def _sold_g(self, row: int, arcs: Arcs, floor_fen_per_kg: int) -> int:
        """How much of this lot would be sold at this floor; the rest of the market stays as it is."""
        changed = _at_floor(self.instance, row, floor_fen_per_kg)
        listing, orders = changed.market.listings, np.arange(len(changed.market.orders.ids))
        mine = compatible_arcs(changed, np.full(len(orders), row), orders)
        if not len(mine):
            return 0
        touched = np.unique(self.part[len(listing.ids) + mine.order])
        others = arcs.select((arcs.listing != row) & among(self.part[arcs.listing], touched))
        planned, flow_g = replan(changed, join(others, mine))
        return int(flow_g[planned.listing == row].sum())


def _least(sells: Callable[[int], bool], guesses: Sequence[int], most: int, ends_s: float) -> int | None:
    """The least of 1 to `most` that sells, from the first guess that does; None when none does, or when time is up.

    What sells at a floor sells at a lower one: so in a market where all may be divided. Elsewhere it is a floor at
    which it sells while one higher by 1 does not.
    """
    found = None
    for guess in guesses:
        if perf_counter() > ends_s:
            return None
        if guess > 0 and sells(guess):
            found = guess
            break
    if found is None:
        return None
    if found == 1 or not sells(found - 1):
        return found
    low, high = 0, found - 1
    while high - low > 1:
        if perf_counter() > ends_s:
            return None
        middle = (low + high) // 2
        low, high = (low, middle) if sells(middle) else (middle, high)
    return high


def _at_floor(instance: Instance, row: int, floor_fen_per_kg: int) -> Instance:
    """The same, but for the floor of one listing."""
    lots = instance.market.listings
    floors = lots.floor_fen_per_kg.copy()
    floors[row] = floor_fen_per_kg
    return replace(instance, market=replace(instance.market, listings=replace(lots, floor_fen_per_kg=floors)))


def _parts(instance: Instance, arcs: Arcs | None) -> IntArray:
    """Which part of the market each listing and, behind them, each order is in: no arc leads from one to another."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(instance.market.listings.ids)
    nodes = n + len(instance.market.orders.ids)
    if arcs is None or not nodes:
        return np.zeros(nodes, dtype=np.int64)
    ends = (arcs.listing, n + arcs.order)
    links = coo_array((np.ones(len(arcs)), ends), shape=(nodes, nodes))  # type: ignore[no-untyped-call]
    _, part = connected_components(links, directed=False)
    labels: IntArray = part.astype(np.int64)
    return labels
