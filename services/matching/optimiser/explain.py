"""Why a lot does not sell and an order is not met, and the least change of its own price that would help.

Both sides are answered alike. Every order of the market either could take the lot or says what stands between, and so
does every lot of an order; what could come together and does not, has other offers. How much of either speaks is told:
what these orders want, or these lots have left, of what is unmatched at most. What nobody speaks of is told only where
it is all: no demand, no supply. The least change of price is found in `fixes`.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal

import numpy as np

from services.matching.optimiser.arcs import Instance
from services.matching.optimiser.budget import Budget
from services.matching.optimiser.candidates import all_arcs
from services.matching.optimiser.clear import Limits, clear_over
from services.matching.optimiser.fixes import Fixes
from services.matching.optimiser.market import BoolArray, Market
from services.matching.optimiser.obstacles import Obstacle, Obstacles
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import IntArray, Policy
from services.matching.optimiser.sides import OTHER, Side, Who, ids_of, open_g, pairs_of

Nobody = Literal["no_demand", "no_supply"]
Code = Obstacle | Nobody | Literal["outbid"]
Change = Literal["min_price_fen_per_kg", "max_price_fen_per_kg"]
NOBODY: dict[Side, Nobody] = {"listing": "no_demand", "order": "no_supply"}
FIXES_WITHIN_S = 5.0
"""Of all who are asked about together, the plan of now included; beyond it reasons are told without a fix."""


@dataclass(frozen=True, slots=True)
class Reason:
    """So many of the other side do not come together with it for this; `quantity_g` is what they want or have left, of
    what is unmatched at most."""

    code: Code
    quantity_g: int
    count: int


@dataclass(frozen=True, slots=True)
class Fix:
    """A change of it alone, to this value, that would match so many grams more now."""

    change: Change
    to: int
    would_match_g: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of one listing or order; what the next round would leave unmatched. Reasons with the greatest quantity first, and
    at least one where anything is. No fix: no such change matches more, or there was no time to look for it."""

    who: Who
    unmatched_g: int
    reasons: tuple[Reason, ...]
    fix: Fix | None


@dataclass(frozen=True, slots=True)
class Promises:
    """When which of them was promised how much, the earliest first."""

    ids: Sequence[str]
    at_us: IntArray
    quantity_g: IntArray


NOTHING_PROMISED = Promises((), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Promised:
    """What is held or agreed already: no later round takes it from whom it was promised to.

    By side that is asked about, `markets` has that side as it is in the market, and all of the other with what they
    were promised for what they want or have left; `promises` tells when each of these was. `own_g` is how much of it is
    between whom it is asked about and another, by listing and order id. `since_us` is when those came who are asked
    about: what was promised before was never for them. `left_g`: of those that are open no more, what they had left.
    """

    markets: Mapping[Side, Market]
    own_g: Mapping[tuple[str, str], int]
    promises: Mapping[Side, Promises] = field(default_factory=dict)
    since_us: Mapping[Who, int] = field(default_factory=dict)
    left_g: Mapping[Side, Mapping[str, int]] = field(default_factory=dict)


def explain(
    market: Market,
    promised: Promised,
    policy: Policy,
    now_us: int,
    asked: Sequence[Who],
    limits: Limits | None = None,
    fixes_within_s: float = FIXES_WITHIN_S,
) -> list[Explanation]:
    """Of each of these that is in the market, why the best plan of now leaves it unmatched."""
    began_s = perf_counter()
    limits = limits or Limits()
    instance = Instance.of(market, policy, now_us)
    everything = all_arcs(instance, limits.arcs)
    plan = clear_over(instance, everything, limits, began_s)
    sides = {each.side for each in asked}
    fixes = Fixes.of(instance, plan, everything, sides, Budget(began_s, fixes_within_s), limits.seconds)
    views = {
        side: _View.of(side, instance, Instance.of(promised.markets[side], policy, now_us), promised, plan)
        for side in sides
    }
    return [
        views[who.side].explanation(row, fixes)
        for who in asked
        if (row := views[who.side].row_of.get(who.id)) is not None
    ]


@dataclass(frozen=True, slots=True)
class _View:
    """A market with its best plan, from one side: `mine` are the rows of who asks, `other` those of the others."""

    side: Side
    instance: Instance
    before: Instance
    row_of: Mapping[str, int]
    mine: IntArray  # by match of the plan
    other: IntArray
    planned_g: IntArray
    got_g: IntArray  # by row of the others: what the plan gives them
    left_out: tuple[BoolArray, BoolArray]  # mine, others: who can't be sold whole, or can't have their least fill
    place: IntArray  # by row of the others before: the same one's row now, or a number of its own
    places: int
    own: Mapping[int, Mapping[int, int]]  # by row: by row of the others before, what was promised between them
    promise: tuple[IntArray, IntArray, IntArray]  # when, to which row of the others before, how much
    since_us: Mapping[Who, int]
    left_g: IntArray  # by row of the others before: what was left of it when it was closed

    @classmethod
    def of(cls, side: Side, instance: Instance, before: Instance, promised: Promised, plan: Plan) -> "_View":
        market, other = instance.market, OTHER[side]
        assert ids_of(before.market, side) == ids_of(market, side)
        row_of = _numbered(ids_of(market, side))
        place_of = _numbered(ids_of(market, other))
        pairs = [(each.listing_id, each.order_id)[:: 1 if side == "listing" else -1] for each in plan.matches]
        mine = np.array([row_of[me] for me, _ in pairs], dtype=np.int64)
        others = np.array([place_of[it] for _, it in pairs], dtype=np.int64)
        planned_g = np.array([each.quantity_g for each in plan.matches], dtype=np.int64)
        got_g = np.zeros(len(place_of), dtype=np.int64)
        np.add.at(got_g, others, planned_g)
        left_out = {each.id for each in plan.set_aside if each.reason in {"indivisible", "min_fill"}}
        before_of = _numbered(ids_of(before.market, other))
        place = [place_of.setdefault(each, len(place_of)) for each in before_of]
        own: dict[int, dict[int, int]] = defaultdict(dict)
        for pair, grams in promised.own_g.items():
            me, it = pair if side == "listing" else pair[::-1]
            if me in row_of and it in before_of:
                own[row_of[me]][before_of[it]] = grams
        promises = promised.promises.get(side, NOTHING_PROMISED)
        to = np.array([before_of.get(each, -1) for each in promises.ids], dtype=np.int64)
        known = to >= 0
        left_g = promised.left_g.get(side, {})
        return cls(
            side,
            instance,
            before,
            row_of,
            mine,
            others,
            planned_g,
            got_g,
            (_among(ids_of(market, side), left_out), _among(ids_of(market, other), left_out)),
            np.array(place, dtype=np.int64),
            len(place_of),
            own,
            (promises.at_us[known], to[known], promises.quantity_g[known]),
            promised.since_us,
            np.array([left_g.get(each, 0) for each in before_of], dtype=np.int64),
        )

    def explanation(self, row: int, fixes: Fixes) -> Explanation:
        """Of this row; its fix only if there is time for it."""
        market, side = self.instance.market, self.side
        who = Who(side, ids_of(market, side)[row])
        had_g = int(self.planned_g[self.mine == row].sum())
        unmatched_g = int(open_g(market, side)[row]) - had_g
        if unmatched_g <= 0:
            return Explanation(who, 0, (), None)
        seen = Obstacles.of(self.instance, *pairs_of(market, side, row))
        reasons = [
            Reason(code, min(unmatched_g, int(grams.sum())), int(np.count_nonzero(grams)))
            for code, grams in self._grams(row, seen, unmatched_g).items()
            if grams.any()
        ]
        reasons.sort(key=lambda each: (-each.quantity_g, -each.count, each.code))
        found = tuple(reasons) or (Reason(NOBODY[side], unmatched_g, 0),)
        return Explanation(who, unmatched_g, found, _fix(market, side, row, fixes.of_row(side, row, seen, had_g)))

    def _grams(self, row: int, seen: Obstacles, unmatched_g: int) -> Mapping[Code, IntArray]:
        """By code and other what there is of it, free and promised elsewhere together: it is one listing or order."""
        grams: dict[Code, IntArray] = defaultdict(lambda: np.zeros(self.places, dtype=np.int64))
        free_g = open_g(self.instance.market, OTHER[self.side])
        for code, hindered in seen.by_code.items():
            rows = np.flatnonzero(hindered & seen.asks)
            grams[code][rows] += free_g[rows]
        mine_out, others_out = self.left_out
        could = np.flatnonzero(seen.none)
        broken = others_out[could] | mine_out[row]
        grams["min_fill"][could[broken]] += free_g[could[broken]]
        elsewhere_g = self.got_g.copy()
        elsewhere_g[self.other[self.mine == row]] -= self.planned_g[self.mine == row]
        grams["outbid"][could[~broken]] += elsewhere_g[could[~broken]]
        self._add_promised(row, grams, unmatched_g)
        return grams

    def _add_promised(self, row: int, grams: Mapping[Code, IntArray], unmatched_g: int) -> None:
        """What others were promised since it is there: it is outbid, or would not have come together anyway.

        Where the other was closed, only of what it had not left: that much would have been there for it all the same.
        """
        market = self.before.market
        seen = Obstacles.of(self.before, *pairs_of(market, self.side, row))
        elsewhere_g = open_g(market, OTHER[self.side]).copy()
        for other, own_g in self.own.get(row, {}).items():
            elsewhere_g[other] -= own_g
        elsewhere_g -= self._promised_earlier_g(Who(self.side, ids_of(market, self.side)[row]), len(elsewhere_g))
        lacked_g = np.where(self.left_g > 0, unmatched_g - self.left_g, elsewhere_g)
        elsewhere_g = np.maximum(np.minimum(elsewhere_g, lacked_g), 0)
        outbid = seen.asks.copy()
        for code, hindered in seen.by_code.items():
            if code != "min_fill":
                rows = np.flatnonzero(hindered & seen.asks)
                grams[code][self.place[rows]] += elsewhere_g[rows]
                outbid &= ~hindered
        grams["outbid"][self.place[outbid]] += elsewhere_g[outbid]

    def _promised_earlier_g(self, who: Who, others: int) -> IntArray:
        """By row of the others before, what they were promised when this one had not come yet."""
        at_us, to, quantity_g = self.promise
        earlier = slice(0, np.searchsorted(at_us, self.since_us.get(who, 0)))
        return np.bincount(to[earlier], quantity_g[earlier], others).astype(np.int64)


def _fix(market: Market, side: Side, row: int, found: tuple[int, int] | None) -> Fix | None:
    if found is None:
        return None
    by_fen, more_g = found
    if side == "listing":
        return Fix("min_price_fen_per_kg", int(market.listings.floor_fen_per_kg[row]) - by_fen, more_g)
    return Fix("max_price_fen_per_kg", int(market.orders.ceiling_fen_per_kg[row]) + by_fen, more_g)


def _numbered(ids: Sequence[str]) -> dict[str, int]:
    return {each: row for row, each in enumerate(ids)}


def _among(ids: Sequence[str], some: Collection[str]) -> BoolArray:
    return np.array([each in some for each in ids], dtype=bool)
