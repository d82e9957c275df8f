"""The least change of one floor or ceiling at which the best plan matches more of it.

Where all may be divided, who has nothing yet is answered by the distances of the old plan, see `residual`. Otherwise it
begins with the duals: where a floor is lower by d, or a ceiling higher, each of its pairs is worth d more, so the
first to come together is likely the one whose price exceeds what the pair is worth by least. It is told only when a
second plan of the whole market, with every promise kept, confirms it, and that one fen less does not. Of the whole: a
part solved alone may choose another of equal plans, and after the repair of a promise they are equal no longer.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance, compatible_arcs
from services.matching.optimiser.budget import Budget
from services.matching.optimiser.certificate import join
from services.matching.optimiser.clear import replan
from services.matching.optimiser.obstacles import Obstacles
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.residual import Offers, Residual
from services.matching.optimiser.sides import Side, moved, pairs_of, rows_of, yielding, yields_at_most_fen

GUESSES = 3


@dataclass(frozen=True, slots=True)
class Fixes:
    """A market with its best plan and its prices; `budget` is for all that is asked of it."""

    instance: Instance
    listing_price: IntArray
    order_price: IntArray
    arcs: Arcs | None  # None: too many for a second plan
    budget: Budget
    plan_seconds: float | None  # for each second plan at most
    residual: Mapping[Side, Residual]  # empty where there are promises to keep

    @classmethod
    def of(
        cls,
        instance: Instance,
        plan: Plan,
        arcs: Arcs | None,
        sides: Collection[Side],
        budget: Budget,
        plan_seconds: float | None,
    ) -> "Fixes":
        order_price = np.maximum(plan.order_price_fen_per_kg, 0)
        residual: Mapping[Side, Residual] = {}
        if arcs is not None and plan.certified_gap == 0 and not _has_promises(instance):
            flow_g = _flow_of(instance, plan, arcs)
            found = {side: Residual.of(side, instance, arcs, flow_g) for side in sides}
            residual = {side: each for side, each in found.items() if each is not None}
        return cls(instance, plan.listing_price_fen_per_kg, order_price, arcs, budget, plan_seconds, residual)

    def of_row(self, side: Side, row: int, seen: Obstacles, had_g: int) -> tuple[int, int] | None:
        """By how many fen per kg its price would have to yield, and how many grams more that would match."""
        arcs, most = self.arcs, yields_at_most_fen(self.instance.market, side, row)
        if arcs is None:
            return None
        if side in self.residual and not had_g:
            return self._by_paths(side, row, seen, arcs)
        more_g: dict[int, int] = {}

        def matches_more(by_fen: int) -> bool:
            if by_fen not in more_g:
                more_g[by_fen] = self._matched_g(side, row, arcs, by_fen) - had_g
            return more_g[by_fen] > 0

        guesses = [each for each in self._guesses(side, row, seen) if each <= most]
        found = _least(matches_more, [*guesses, most], self.budget)
        return None if found is None else (found, more_g[found])

    def _by_paths(self, side: Side, row: int, seen: Obstacles, arcs: Arcs) -> tuple[int, int] | None:
        """The same of a row that has nothing, where no promise can be broken. Of one fen less the distances prove that
        a best plan has none of it; where another draws with that, a whole second plan tells which is taken, while there
        is time."""
        bonus, most = self.instance.bonus_fen_per_kg, yields_at_most_fen(self.instance.market, side, row)
        may = np.flatnonzero(seen.but_for_money)
        surplus = seen.surplus_fen_per_kg[may]
        offers = Offers(may, surplus, surplus + (bonus[row] if side == "listing" else bonus[may]))
        residual = self.residual[side]
        by_fen = residual.least(row, offers)
        if by_fen is None or by_fen > most:
            return None
        if by_fen > 1 and not residual.more(row, by_fen - 1, offers)[1] and not self.budget.spent():
            drawn_g = self._matched_g(side, row, arcs, by_fen - 1)
            if drawn_g:
                return by_fen - 1, drawn_g
        grams, agreed = residual.more(row, by_fen, offers)
        if not agreed and not self.budget.spent():
            grams = self._matched_g(side, row, arcs, by_fen)
        return by_fen, grams

    def _guesses(self, side: Side, row: int, seen: Obstacles) -> list[int]:
        """By how much it would have to yield, by the duals, for one or another to come together with it; by 1 more
        where that leaves a tie."""
        lots, policy = self.instance.market.listings, self.instance.policy
        if side == "listing":
            quarter = int((lots.quarter_g[row] > 0).argmax())
            bonus = self.instance.bonus_fen_per_kg[row] + policy.spread_fen_per_kg[quarter]
            wanting = self.order_price - seen.surplus_fen_per_kg - bonus
        else:
            wanting = self.listing_price - seen.surplus_fen_per_kg - self.instance.bonus_fen_per_kg
        short = np.maximum(-seen.surplus_fen_per_kg, wanting)
        least = np.unique(np.maximum(short[seen.but_for_money], 0))[:GUESSES]
        guesses = np.unique(np.concatenate([least, least + 1]))
        found: list[int] = guesses[guesses > 0][:GUESSES].tolist()
        return found

    def _matched_g(self, side: Side, row: int, arcs: Arcs, by_fen: int) -> int:
        """How much of it would be matched if its price yielded so much; all else in the market stays as it is."""
        changed, place = yielding(self.instance, side, row, by_fen)
        mine = compatible_arcs(changed, *pairs_of(changed.market, side, int(place[row])))
        if not len(mine):
            return 0
        others = arcs.select(rows_of(arcs, side) != row)
        together = join(moved(others, side, place), mine)
        together = together.select(np.lexsort((together.order, together.listing)))
        planned, flow_g = replan(changed, together, self.budget.within(self.plan_seconds))
        return int(flow_g[rows_of(planned, side) == place[row]].sum())


def _least(enough: Callable[[int], bool], guesses: Sequence[int], budget: Budget) -> int | None:
    """The least that is enough, from the first guess that is; None when none is, or when time is up.

    What is enough, more is, too: so in a market where all may be divided. Elsewhere it is enough while 1 less is not.
    """
    found = None
    for guess in guesses:
        if budget.spent():
            return None
        if guess > 0 and enough(guess):
            found = guess
            break
    if found is None:
        return None
    if found == 1 or not enough(found - 1):
        return found
    low, high = 0, found - 1
    while high - low > 1:
        if budget.spent():
            return None
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _has_promises(instance: Instance) -> bool:
    market = instance.market
    return not market.listings.divisible.all() or bool(market.orders.min_fill_g.any())


def _flow_of(instance: Instance, plan: Plan, arcs: Arcs) -> IntArray:
    """Grams by arc."""
    listing_row = {each: row for row, each in enumerate(instance.market.listings.ids)}
    order_row = {each: row for row, each in enumerate(instance.market.orders.ids)}
    planned_g = {(listing_row[each.listing_id], order_row[each.order_id]): each.quantity_g for each in plan.matches}
    pairs = zip(arcs.listing.tolist(), arcs.order.tolist(), strict=True)
    return np.array([planned_g.get(pair, 0) for pair in pairs], dtype=np.int64)
