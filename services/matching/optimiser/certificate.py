"""The proof of a plan: a bound on every possible plan, from the prices, over every pair of the market.

By Lagrangian duality (linear, so without a gap at the optimum), for any order prices v ≥ 0

    every plan's value ≤ Σ_j wanted(j) · v(j) + Σ_i Σ_q remains(i,q) · max(0, u(i) + spread(q)),
    u(i) = max over all compatible j of value(i,j) − v(j).

The bound trusts neither the solver nor the pruning: it asks every pair. With the prices of an optimum over all pairs
it equals the value, and a pair with value − v − u > 0 over the pairs solved with is just what was left out.
"""

from dataclasses import dataclass

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance, compatible_arcs
from services.matching.optimiser.flow import exact_dot
from services.matching.optimiser.market import BoolArray
from services.matching.optimiser.policy import QUARTERS, IntArray
from services.matching.optimiser.screen import BLOCK_PAIRS, Prices, candidate_pairs


@dataclass(frozen=True, slots=True)
class Certificate:
    """A bound on the value of every plan, the prices it comes from, and the best pairs that were left out."""

    bound_mfen: int
    prices: Prices
    improving: Arcs


def certify(instance: Instance, known: Arcs, order_price: IntArray, takes_part: BoolArray, keep: int) -> Certificate:
    """The bound by these order prices, over all pairs of the orders that take part.

    ``known`` are the arcs solved with: a head start only, the bound does not depend on them. ``improving`` are the
    pairs they lack, up to ``keep`` the best of each listing and of each order.
    """
    listing_price = _unsold_price(instance)
    known = known.select(takes_part[known.order])
    np.maximum.at(listing_price, known.listing, known.value_fen_per_kg - order_price[known.order])
    solved_price = listing_price.copy()
    found = no_arcs()
    for listing, order in candidate_pairs(instance, Prices(solved_price, order_price)):
        taking = takes_part[order]
        arcs = compatible_arcs(instance, listing[taking], order[taking])
        gain = arcs.value_fen_per_kg - order_price[arcs.order] - solved_price[arcs.listing]
        np.maximum.at(listing_price, arcs.listing, gain + solved_price[arcs.listing])
        arcs, gain = arcs.select(gain > 0), gain[gain > 0]
        if keep and len(arcs):
            found = join(found, arcs.select(_best_of_either_side(arcs, gain, keep)))
        if len(found) > BLOCK_PAIRS:
            found = _prune(found, Prices(solved_price, order_price), keep)
    found = _prune(found, Prices(solved_price, order_price), keep)
    prices = Prices(listing_price, order_price)
    return Certificate(_bound_mfen(instance, prices, takes_part), prices, found)


def relative_gap(bound_mfen: int, value_mfen: int) -> float:
    """(bound − value) ÷ value; 0 is a proof. A worthless plan below a positive bound has proven nothing: 1."""
    if bound_mfen <= value_mfen:
        return 0.0
    return (bound_mfen - value_mfen) / value_mfen if value_mfen else 1.0


def join(*parts: Arcs) -> Arcs:
    """These arcs together."""
    return Arcs(*(np.concatenate([getattr(part, name) for part in parts]) for name in Arcs.__slots__))


def no_arcs() -> Arcs:
    """An empty set of arcs."""
    return Arcs(*(np.zeros(0, dtype=np.int64) for _ in Arcs.__slots__))


def _unsold_price(instance: Instance) -> IntArray:
    """The least price that matters: below it even the best quarter left would rather stay unsold."""
    spread = np.array(instance.policy.spread_fen_per_kg, dtype=np.int64)
    first = (instance.market.listings.quarter_g > 0).argmax(axis=1)
    return -spread[first]


def _bound_mfen(instance: Instance, prices: Prices, takes_part: BoolArray) -> int:
    quarter_g = instance.market.listings.quarter_g
    bound = exact_dot(prices.order[takes_part], instance.market.orders.wanted_g[takes_part])
    for quarter in range(QUARTERS):
        worth = np.maximum(prices.listing + instance.policy.spread_fen_per_kg[quarter], 0)
        bound += exact_dot(worth, quarter_g[:, quarter])
    return bound


def _prune(arcs: Arcs, prices: Prices, keep: int) -> Arcs:
    gain = arcs.value_fen_per_kg - prices.order[arcs.order] - prices.listing[arcs.listing]
    return arcs.select(_best_of_either_side(arcs, gain, keep)) if len(arcs) else arcs


def _best_of_either_side(arcs: Arcs, gain: IntArray, keep: int) -> BoolArray:
    return _best(arcs.listing, gain, keep) | _best(arcs.order, gain, keep)


def _best(group: IntArray, gain: IntArray, keep: int) -> BoolArray:
    """The ``keep`` rows of greatest gain in each group; of equals the first."""
    order = np.lexsort((-gain, group))
    ranked = group[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    rank = np.arange(len(group)) - np.repeat(starts, np.diff(np.append(starts, len(group))))
    best = np.zeros(len(group), dtype=bool)
    best[order[rank < keep]] = True
    return best
