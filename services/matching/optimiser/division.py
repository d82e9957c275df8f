"""Independent parts of a large market, to be cleared by several solvers at once, and one plan of theirs.

No pair is compatible across two parts, so the sum of their bounds bounds the whole.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.candidates import all_arcs
from services.matching.optimiser.certificate import relative_gap
from services.matching.optimiser.changes import of_changed
from services.matching.optimiser.clear import Limits, clear_over
from services.matching.optimiser.market import Market
from services.matching.optimiser.parts import components
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import IntArray, Policy

WORTH_DIVIDING_ARCS = 60_000
GREATEST_SHARE = 0.8
"""With more of its arcs in one piece, a market is not cleared sooner by two."""


def clear_or_divide(
    market: Market,
    policy: Policy,
    now_us: int,
    limits: Limits | None = None,
    changed: Collection[str] | None = None,
    pieces: int = 1,
) -> Plan | list[Market]:
    """The plan, as of `clear`; or up to so many markets to be cleared by themselves, where that is sooner."""
    began_s = perf_counter()
    limits = limits or Limits()
    instance = of_changed(Instance.of(market, policy, now_us), changed)
    everything = all_arcs(instance, limits.arcs)
    if pieces > 1 and everything is not None and len(everything) >= WORTH_DIVIDING_ARCS:
        piece_of_listing, piece_of_order, arcs_of_piece = _pieces(instance, everything, pieces)
        if max(arcs_of_piece) <= GREATEST_SHARE * len(everything):
            return [
                instance.market.part(np.flatnonzero(piece_of_listing == piece), np.flatnonzero(piece_of_order == piece))
                for piece, arcs in enumerate(arcs_of_piece)
                if arcs
            ]
    return clear_over(instance, everything, limits, began_s)


def merged(market: Market, plans: Sequence[Plan]) -> Plan:
    """The plan of the market that was divided into theirs."""
    first = plans[0]
    lot_row = {row_id: row for row, row_id in enumerate(market.listings.ids)}
    bid_row = {row_id: row for row, row_id in enumerate(market.orders.ids)}
    matches = [match for plan in plans for match in plan.matches]
    matches.sort(key=lambda match: (lot_row[match.listing_id], bid_row[match.order_id]))
    listing_ids, listing_price = _in_order(
        lot_row, [(plan.listing_ids, plan.listing_price_fen_per_kg) for plan in plans]
    )
    order_ids, order_price = _in_order(bid_row, [(plan.order_ids, plan.order_price_fen_per_kg) for plan in plans])
    value_mfen, bound_mfen = (sum(getattr(plan, name) for plan in plans) for name in ("value_mfen", "bound_mfen"))
    return replace(
        first,
        matches=tuple(matches),
        value_mfen=value_mfen,
        bound_mfen=bound_mfen,
        certified_gap=relative_gap(bound_mfen, value_mfen),
        greedy_value_mfen=sum(plan.greedy_value_mfen for plan in plans),
        listing_ids=listing_ids,
        listing_price_fen_per_kg=listing_price,
        order_ids=order_ids,
        order_price_fen_per_kg=order_price,
        set_aside=tuple(dict.fromkeys(each for plan in plans for each in plan.set_aside)),
        priority_unknown=tuple(
            sorted((each for plan in plans for each in plan.priority_unknown), key=lot_row.__getitem__)
        ),
        arcs=sum(plan.arcs for plan in plans),
        solves=sum(plan.solves for plan in plans),
        stopped_early=any(plan.stopped_early for plan in plans),
        seconds=max(plan.seconds for plan in plans),
    )


def _pieces(instance: Instance, arcs: Arcs, pieces: int) -> tuple[IntArray, IntArray, list[int]]:
    """By listing and by order the piece it is in, the first where it has no arc; and how many arcs each piece has."""
    listings, orders = len(instance.market.listings.ids), len(instance.market.orders.ids)
    part_of_arc = components(arcs, orders)[arcs.listing]
    sizes = np.bincount(part_of_arc)
    piece_of_part = np.zeros(len(sizes), dtype=np.int64)
    arcs_of_piece = [0] * pieces
    for part in np.argsort(-sizes, kind="stable").tolist():
        smallest = arcs_of_piece.index(min(arcs_of_piece))
        piece_of_part[part] = smallest
        arcs_of_piece[smallest] += int(sizes[part])
    piece_of_listing, piece_of_order = np.zeros(listings, dtype=np.int64), np.zeros(orders, dtype=np.int64)
    piece_of_listing[arcs.listing] = piece_of_order[arcs.order] = piece_of_part[part_of_arc]
    return piece_of_listing, piece_of_order, arcs_of_piece


def _in_order(
    row: dict[str, int], parts: Sequence[tuple[tuple[str, ...], IntArray]]
) -> tuple[tuple[str, ...], IntArray]:
    ids = [each for part, _ in parts for each in part]
    prices = np.concatenate([prices for _, prices in parts])
    ranking = sorted(range(len(ids)), key=lambda place: row[ids[place]])
    return tuple(ids[place] for place in ranking), prices[np.array(ranking, dtype=np.int64)]
