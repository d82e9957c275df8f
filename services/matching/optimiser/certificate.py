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
from services.matching.optimiser.market import BoolArray, among
from services.matching.optimiser.policy import QUARTERS, IntArray
from services.matching.optimiser.screen import BATCH_PAIRS, Prices, candidate_pairs

SCATTER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: multiples of it lie evenly (Knuth, TAOCP 6.4)
LOT_SHIFT = np.uint64(44)  # leaves 20 bits


@dataclass(frozen=True, slots=True)
class Certificate:
    """A bound on the value of every plan, the prices it comes from, and the best pairs that were left out."""

    bound_mfen: int
    prices: Prices
    left_out: Arcs
    gain_fen_per_kg: IntArray  # by pair left out: > 0 where it would improve the plan


@dataclass(frozen=True, slots=True)
class Reach:
    """Which pairs left out are wanted back: those that improve the plan, and those that nearly do.

    The near ones save solves: prices move a little each time, and would call for them next.
    """

    each: int  # at most so many of each listing, and of each order
    near_fen_per_kg: int


def certify(
    instance: Instance, known: Arcs, order_price: IntArray, takes_part: BoolArray, reach: Reach | None = None
) -> Certificate:
    """The bound by these order prices, over all pairs of the orders that take part.

    ``known`` are the arcs solved with: a head start only, the bound does not depend on them.
    """
    near = reach.near_fen_per_kg if reach else 0
    solved = Prices(listing_prices(instance, known, order_price, takes_part), order_price)
    listing_price = solved.listing.copy()
    known_codes = np.sort(_codes(instance, known))
    found = [no_arcs()]
    for listing, order in candidate_pairs(instance, Prices(solved.listing - near, order_price)):
        taking = takes_part[order]
        arcs = compatible_arcs(instance, listing[taking], order[taking])
        np.maximum.at(listing_price, arcs.listing, arcs.value_fen_per_kg - order_price[arcs.order])
        if reach:
            arcs = arcs.select(gain_fen_per_kg(arcs, solved) > -near)
            arcs = arcs.select(~among(_codes(instance, arcs), known_codes))
            found.append(_best(arcs, solved, reach.each))
            if sum(map(len, found)) > BATCH_PAIRS:
                found = [_best(join(*found), solved, reach.each)]
    left_out = _best(join(*found), solved, reach.each) if reach else no_arcs()
    prices = Prices(listing_price, order_price)
    return Certificate(_bound_mfen(instance, prices, takes_part), prices, left_out, gain_fen_per_kg(left_out, solved))


def gain_fen_per_kg(arcs: Arcs, prices: Prices) -> IntArray:
    """What a kilogram over each arc is worth beyond the prices of its two ends."""
    gain: IntArray = arcs.value_fen_per_kg - prices.order[arcs.order] - prices.listing[arcs.listing]
    return gain


def listing_prices(instance: Instance, known: Arcs, order_price: IntArray, takes_part: BoolArray) -> IntArray:
    """u over these arcs, as far as their orders take part; never below the price at which even the best quarter would
    rather stay unsold."""
    spread = np.array(instance.policy.spread_fen_per_kg, dtype=np.int64)
    price: IntArray = -spread[(instance.market.listings.quarter_g > 0).argmax(axis=1)]
    known = known.select(takes_part[known.order])
    np.maximum.at(price, known.listing, known.value_fen_per_kg - order_price[known.order])
    return price


def best_of_each(arcs: Arcs, gain: IntArray, orders: int, each: int) -> BoolArray:
    """The arcs of greatest gain, so many of every listing and of every order."""
    # Of equals the first would be the same few for everybody, and in a market of equals nobody would come any further.
    lot = (((arcs.listing * orders + arcs.order).astype(np.uint64) * SCATTER) >> LOT_SHIFT).astype(np.int64)
    return _first_of_each(arcs.listing, gain, lot, each) | _first_of_each(arcs.order, gain, lot, each)


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


def _bound_mfen(instance: Instance, prices: Prices, takes_part: BoolArray) -> int:
    quarter_g = instance.market.listings.quarter_g
    bound = exact_dot(prices.order[takes_part], instance.market.orders.wanted_g[takes_part])
    for quarter in range(QUARTERS):
        worth = np.maximum(prices.listing + instance.policy.spread_fen_per_kg[quarter], 0)
        bound += exact_dot(worth, quarter_g[:, quarter])
    return bound


def _codes(instance: Instance, arcs: Arcs) -> IntArray:
    codes: IntArray = arcs.listing * len(instance.market.orders.ids) + arcs.order
    return codes


def _best(arcs: Arcs, prices: Prices, each: int) -> Arcs:
    if len(arcs) <= each:
        return arcs
    gain = gain_fen_per_kg(arcs, prices)
    return arcs.select(best_of_each(arcs, gain, prices.order.size, each))


def _first_of_each(group: IntArray, gain: IntArray, lot: IntArray, each: int) -> BoolArray:
    """The ``each`` rows of greatest gain in every group; of equals those of the lowest lot."""
    order = np.argsort((group << 42) - (gain << 20) + lot, kind="stable")
    ranked = group[order]
    starts = np.flatnonzero(np.diff(ranked, prepend=-1))
    rank = np.arange(len(group)) - np.repeat(starts, np.diff(starts, append=len(group)))
    first = np.zeros(len(group), dtype=bool)
    first[order[rank < each]] = True
    return first
