"""The market as a minimum-cost flow, and the flow as a plan with prices.

Maximise  Σ value(i,j) · x(i,j)  +  Σ spread(q) · sold(i,q)   (q: the quarters of listing i, first sold first)
subject to  Σ_j x(i,j) = Σ_q sold(i,q),  sold(i,q) ≤ what remains in the quarter,  Σ_i x(i,j) ≤ wanted(j).

What is not sold pays its spread instead of earning it, which is the same but for a constant. So every gram of a
listing comes over exactly one arc. The network runs from orders to listings, wants before goods: network simplex is a
quarter quicker that way than from listings to orders.

    order j → listing i    uncapacitated                 cost  M − value(i,j)      (M: the highest value)
    the rest → listing i   one arc a quarter, capacity   cost  spread(q)           "unsold"
    order j → the rest     uncapacitated                 cost  M                   "unmet"

(An order that must get something has at most the rest of what it wants unmet.)

The spread falls from quarter to quarter, so the cheapest to leave unsold are the last: the order of the quarters
keeps itself. Uncapacitated pair arcs are what makes the duals tight: dual = primal to the fen.

**At equal value the plan that moves more kg wins.** Costs are doubled and 1 is added to each unsold arc. A simple
cycle meets "the rest" at most once, so it gains or loses at most 1 by that; a cycle that lowers the cost lowers the
doubled cost by 2 at least. Hence a plan without negative cycle in the doubled costs is optimal first in value, then
in mass, exactly, and without a large factor. With the potential of "the rest" at 0, ⌊potential ÷ 2⌋ are optimal
potentials for the undoubled costs: rounding keeps every even arc's constraint, and an unsold arc's tight or
saturated state (potential 2·spread + 1 → spread; higher → higher).
"""

from dataclasses import dataclass
from math import gcd

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.flow import COST_LIMIT, Network, Solver, exact_dot, min_cost_flow
from services.matching.optimiser.policy import IntArray


@dataclass(frozen=True, slots=True)
class Solution:
    """An optimal plan over some arcs, with the price of a place in each order."""

    flow_g: IntArray  # by arc
    order_price_fen_per_kg: IntArray  # by order, ≥ 0: what one more kg wanted would add


def solve(instance: Instance, arcs: Arcs, solver: Solver | None = None, least_g: IntArray | None = None) -> Solution:
    """The best plan over these arcs alone: greatest value, then greatest mass.

    `least_g`, by order, is what each must get whatever it costs; raises Infeasible where the arcs cannot bring it.
    """
    prices = np.zeros(len(instance.market.orders.ids), dtype=np.int64)
    if len(arcs) == 0:
        return Solution(np.zeros(0, dtype=np.int64), prices)
    listings, listing_node = np.unique(arcs.listing, return_inverse=True)
    orders, order_node = np.unique(arcs.order, return_inverse=True)
    quarter_g = instance.market.listings.quarter_g[listings]
    wanted_g = instance.market.orders.wanted_g[orders]
    least = np.zeros_like(wanted_g) if least_g is None else least_g[orders]
    unit_g = gcd(common_divisor(quarter_g, wanted_g), int(np.gcd.reduce(least)))

    top = int(arcs.value_fen_per_kg.max())
    units = quarter_g // unit_g, wanted_g // unit_g, least // unit_g
    network = _network(instance, arcs, (listing_node, order_node), units)
    solved = min_cost_flow(network, solver)

    rest = len(listings) + len(orders)
    above_rest = solved.potential[len(listings) : rest] - solved.potential[rest]
    # The canonical potentials of an order that nobody could serve for a gain may lie below −M.
    prices[orders] = np.maximum(top + above_rest // 2, 0)
    return Solution(solved.flow[: len(arcs)] * unit_g, prices)


def _network(
    instance: Instance, arcs: Arcs, nodes: tuple[IntArray, IntArray], units: tuple[IntArray, IntArray, IntArray]
) -> Network:
    listing_node, order_node = nodes
    quarters, wanted, least = units
    supplies, top = quarters.sum(axis=1), int(arcs.value_fen_per_kg.max())
    n, m = len(supplies), len(wanted)
    rest = n + m
    free = int(supplies.sum() + wanted.sum())
    row, quarter = np.nonzero(quarters)
    spread = np.array(instance.policy.spread_fen_per_kg, dtype=np.int64)[quarter]

    def stack(pairs: IntArray | int, unsold: IntArray | int, unmet: IntArray | int) -> IntArray:
        sizes = zip((pairs, unsold, unmet), (len(arcs), len(row), m), strict=True)
        return np.concatenate([np.broadcast_to(np.asarray(part, dtype=np.int64), size) for part, size in sizes])

    return Network(
        supply=np.concatenate([-supplies, wanted, [supplies.sum() - wanted.sum()]]),
        tail=stack(order_node + n, rest, np.arange(n, rest)),
        head=stack(listing_node, row, rest),
        capacity=stack(free, quarters[row, quarter], np.where(least > 0, wanted - least, free)),
        cost=stack(2 * (top - arcs.value_fen_per_kg), 2 * spread + 1, 2 * top),
    )


def common_divisor(quarter_g: IntArray, wanted_g: IntArray) -> int:
    """The largest unit in which every quantity of the network is whole, in grams."""
    return gcd(int(np.gcd.reduce(quarter_g, axis=None)), int(np.gcd.reduce(wanted_g))) or 1


def fits(instance: Instance, listings: IntArray, orders: IntArray) -> bool:
    """Whether a market of these rows can be solved without overflow, whatever its arcs."""
    quarter_g = instance.market.listings.quarter_g[listings]
    wanted_g = instance.market.orders.wanted_g[orders]
    units = (int(quarter_g.sum()) + int(wanted_g.sum())) // common_divisor(quarter_g, wanted_g)
    ceiling = int(instance.market.orders.ceiling_fen_per_kg[orders].max(initial=0))
    bonus = int(instance.bonus_fen_per_kg[listings].max(initial=0))
    dearest = 2 * max(ceiling + bonus, *instance.policy.spread_fen_per_kg) + 1
    # Supplies, demands and the balancing supply of "the rest" together are at most twice the units.
    return dearest * max(2 * units, len(listings) + len(orders) + 1) < COST_LIMIT


def value_mfen(instance: Instance, arcs: Arcs, flow_g: IntArray) -> int:
    """What the plan is worth in thousandths of a fen (fen per kg × g): pair values and spread."""
    return exact_dot(arcs.value_fen_per_kg, flow_g) + spread_mfen(instance, sold_g(instance, arcs, flow_g))


def spread_mfen(instance: Instance, sold_by_listing_g: IntArray) -> int:
    """The spread earned by selling so much of each listing, the first quarters first."""
    return sum(spread_by_listing_mfen(instance, sold_by_listing_g).tolist())


def spread_by_listing_mfen(instance: Instance, sold_by_listing_g: IntArray) -> IntArray:
    """The same by listing: at most 10^6 fen per kg × 10^10 g each."""
    quarter_g = instance.market.listings.quarter_g
    before_g = np.cumsum(quarter_g, axis=1) - quarter_g
    filled_g = np.clip(sold_by_listing_g[:, None] - before_g, 0, quarter_g)
    earned_mfen: IntArray = filled_g @ np.array(instance.policy.spread_fen_per_kg, dtype=np.int64)
    return earned_mfen


def sold_g(instance: Instance, arcs: Arcs, flow_g: IntArray) -> IntArray:
    """Grams of each listing in this plan."""
    total = np.zeros(len(instance.market.listings.ids), dtype=np.int64)
    np.add.at(total, arcs.listing, flow_g)
    return total


def bought_g(instance: Instance, arcs: Arcs, flow_g: IntArray) -> IntArray:
    """Grams for each order in this plan."""
    total = np.zeros(len(instance.market.orders.ids), dtype=np.int64)
    np.add.at(total, arcs.order, flow_g)
    return total
