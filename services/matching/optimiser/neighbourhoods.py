"""A few lots and orders around one of them, and what the rest of a plan leaves them to share out anew."""

from dataclasses import dataclass, replace
from heapq import heappop, heappush

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.market import BoolArray
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.transport import bought_g, sold_g

ARCS_OF_EACH = 12  # that a neighbourhood grows by, of each node; it has all arcs between its nodes


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The arcs of every node, the ones nearest to carrying something first. Nodes are listings, then orders."""

    arc: IntArray  # grouped by node
    other_end: IntArray  # of each of these
    loss_fen_per_kg: IntArray  # of each of these: what a kg over it earns less than over the best of its listing
    start: IntArray  # by node, and the end of the last
    listings: int

    @classmethod
    def of(cls, instance: Instance, arcs: Arcs, order_price: IntArray) -> "Neighbours":
        """The neighbours over these arcs at these prices of a place in each order."""
        n, m = len(instance.market.listings.ids), len(instance.market.orders.ids)
        earned = arcs.value_fen_per_kg - order_price[arcs.order]
        best = np.full(n, np.iinfo(np.int64).min)
        np.maximum.at(best, arcs.listing, earned)
        loss = np.tile(best[arcs.listing] - earned, 2)
        node = np.concatenate([arcs.listing, n + arcs.order])
        other_end = np.concatenate([n + arcs.order, arcs.listing])
        ranking = np.lexsort((other_end, loss, node))
        start = np.searchsorted(node[ranking], np.arange(n + m + 1))
        return cls(ranking % max(len(arcs), 1), other_end[ranking], loss[ranking], start, n)

    def nearest(self, count: int) -> BoolArray:
        """By arc, whether it is among the first so many of one of its ends."""
        rank = np.arange(len(self.arc)) - np.repeat(self.start[:-1], np.diff(self.start))
        near = np.zeros(len(self.arc) // 2, dtype=bool)
        near[self.arc[rank < count]] = True
        return near

    def around(self, node: int, size: int) -> frozenset[int]:
        """So many nodes around this one, always the one that the least loss leads to."""
        inside: set[int] = set()
        waiting = [(0, node)]
        while waiting and len(inside) < size:
            _, nearest = heappop(waiting)
            if nearest in inside:
                continue
            inside.add(nearest)
            first = slice(self.start[nearest], min(self.start[nearest] + ARCS_OF_EACH, self.start[nearest + 1]))
            losses, ends = self.loss_fen_per_kg[first].tolist(), self.other_end[first].tolist()
            for loss, end in zip(losses, ends, strict=True):
                if end not in inside:
                    heappush(waiting, (loss, end))
        return frozenset(inside)

    def arcs_between(self, nodes: frozenset[int]) -> IntArray:
        """The arcs with both ends among these nodes, by listing."""
        among = np.zeros(len(self.start) - 1, dtype=bool)
        among[list(nodes)] = True
        of_each = [slice(self.start[node], self.start[node + 1]) for node in sorted(nodes) if node < self.listings]
        arc = np.concatenate([self.arc[:0], *(self.arc[each] for each in of_each)])
        end = np.concatenate([self.other_end[:0], *(self.other_end[each] for each in of_each)])
        found: IntArray = np.sort(arc[among[end]])
        return found


@dataclass(frozen=True, slots=True)
class Piece:
    """Some arcs of a market with what the flow over all others leaves to them; rows are those of the whole market."""

    instance: Instance  # its quarters and what is wanted are what is left
    rows: IntArray  # of the arcs, among all
    arcs: Arcs
    need_g: IntArray  # by order what its least fill still lacks
    bound: BoolArray  # by order: it gets something elsewhere, so the rest of its least fill has to come


class Standing:
    """A plan that is being bettered piece by piece, with its sums."""

    def __init__(self, instance: Instance, arcs: Arcs, flow_g: IntArray) -> None:
        """`flow_g` is taken over, and changed."""
        self.instance, self.arcs, self.flow_g = instance, arcs, flow_g
        self.sold_g = sold_g(instance, arcs, flow_g)
        self.bought_g = bought_g(instance, arcs, flow_g)

    def piece(self, rows: IntArray) -> Piece:
        """These arcs, but those of whole lots that are sold over another."""
        market, arcs = self.instance.market, self.arcs.select(rows)
        lots, bids = market.listings, market.orders
        sold = self.sold_g - sold_g(self.instance, arcs, self.flow_g[rows])
        bought = self.bought_g - bought_g(self.instance, arcs, self.flow_g[rows])
        before_g = np.cumsum(lots.quarter_g, axis=1) - lots.quarter_g
        quarter_g = lots.quarter_g - np.clip(sold[:, None] - before_g, 0, lots.quarter_g)
        need_g = np.maximum(bids.min_fill_g - bids.committed_g - bought, 0)
        free = lots.divisible[arcs.listing] | (sold[arcs.listing] == 0)
        left = replace(
            market,
            listings=replace(lots, quarter_g=quarter_g),
            orders=replace(bids, wanted_g=bids.wanted_g - bought),
        )
        instance = replace(self.instance, market=left)
        return Piece(instance, rows[free], arcs.select(free), need_g, bought > 0)

    def take(self, piece: Piece, flow_g: IntArray) -> None:
        """This flow over the arcs of the piece."""
        more_g = flow_g - self.flow_g[piece.rows]
        self.sold_g += sold_g(self.instance, piece.arcs, more_g)
        self.bought_g += bought_g(self.instance, piece.arcs, more_g)
        self.flow_g[piece.rows] = flow_g
