"""Checking a finished plan from outside: its matches against the market, its value against the bound of its prices.

Nothing of the solver is asked, so a wrong plan, or one with something hidden from it, is not certified.
"""

from collections import Counter

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance, compatible_arcs
from services.matching.optimiser.candidates import all_arcs
from services.matching.optimiser.certificate import certify, no_arcs, relative_gap
from services.matching.optimiser.clear import Limits
from services.matching.optimiser.market import Market
from services.matching.optimiser.plan import Plan, matches_of
from services.matching.optimiser.policy import IntArray, Policy
from services.matching.optimiser.promises import reachable
from services.matching.optimiser.transport import bought_g, sold_g, value_mfen


class BrokenPlan(ValueError):
    """A plan that this market does not allow."""


def audit(market: Market, policy: Policy, now_us: int, plan: Plan, limits: Limits | None = None) -> float:
    """The certified gap of this plan's matches by this plan's order prices; raises BrokenPlan if it breaks a rule."""
    instance = Instance.of(market, policy, now_us)
    listing = _rows(market.listings.ids, [match.listing_id for match in plan.matches])
    order = _rows(market.orders.ids, [match.order_id for match in plan.matches])
    arcs = compatible_arcs(instance, listing, order)
    flow_g = np.array([match.quantity_g for match in plan.matches], dtype=np.int64)
    if len(arcs) != len(listing):
        raise BrokenPlan("a matched pair is not compatible")
    if matches_of(instance, arcs, flow_g) != plan.matches:
        raise BrokenPlan("a match's figures are not those of its pair")
    _check_quantities(instance, arcs, flow_g)
    value = value_mfen(instance, arcs, flow_g)
    if value != plan.value_mfen:
        raise BrokenPlan("the value is not that of the matches")

    everything = all_arcs(instance, (limits or Limits()).arcs)
    takes_part = reachable(instance, everything)
    prices = np.maximum(plan.order_price_fen_per_kg, 0)
    return relative_gap(certify(instance, no_arcs(), prices, takes_part).bound_mfen, value)


def _check_quantities(instance: Instance, arcs: Arcs, flow_g: IntArray) -> None:
    lots, bids = instance.market.listings, instance.market.orders
    sold, bought = sold_g(instance, arcs, flow_g), bought_g(instance, arcs, flow_g)
    if (flow_g <= 0).any() or max(Counter(zip(arcs.listing, arcs.order, strict=True)).values(), default=0) > 1:
        raise BrokenPlan("an empty match, or two of one pair")
    if (sold > lots.remaining_g).any() or (bought > bids.wanted_g).any():
        raise BrokenPlan("more than there is, or more than is wanted")
    if ((bought > 0) & (bids.committed_g + bought < bids.min_fill_g)).any():
        raise BrokenPlan("an order got less than its least fill")
    if (~lots.divisible[arcs.listing] & (flow_g < lots.remaining_g[arcs.listing])).any():
        raise BrokenPlan("an indivisible lot was divided")


def _rows(ids: tuple[str, ...], wanted: list[str]) -> IntArray:
    row = {row_id: row for row, row_id in enumerate(ids)}
    try:
        return np.array([row[row_id] for row_id in wanted], dtype=np.int64)
    except KeyError as error:
        raise BrokenPlan(f"{error} is not in the market") from error
