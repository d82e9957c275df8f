"""An optimal plan, and what would follow if one more listing or order that has nothing of it paid its way in.

Where a floor is lower by d, or a ceiling higher, only the arcs of that one row are worth more, so every cycle by which
the old plan could be improved runs through it. Pushing grams along the cheapest of these until none is left gives an
optimal plan of the changed market (successive shortest paths; Ahuja, Magnanti and Orlin, *Network Flows*, 1993, §9.7),
from a few nodes about it instead of a solve. The distances to "the rest" in the old plan say how much is missing, of
every row at once, and guide the search.

Costs are those of `transport`, doubled, with 1 for each unsold gram, so that of equal plans the one that moves more is
taken; the rest stands at 0. For an order the network is read backwards: then both sides are alike. All must be
divisible: a promise is no part of a linear programme. And the row must have nothing yet: what it has could move, too.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import accumulate, pairwise

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.market import BoolArray
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.sides import OTHER, Side, ids_of, open_g, rows_of

FAR = 1 << 60
REST, ASKING = (-1, 0), (2, 0)  # of equal ways, the one to the rest comes first
ME, IT = 0, 1
Node = tuple[int, int]  # who asks is on ME's side, the others on IT's


@dataclass(slots=True)
class _Changes:
    """What one question has changed so far, beside the plan that all begin with."""

    flow_g: dict[tuple[int, int], int] = field(default_factory=dict)  # by row of ME and of IT
    matched_g: dict[Node, int] = field(default_factory=dict)
    distance: dict[Node, int] = field(default_factory=dict)
    came: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))  # by row of IT: rows of ME


@dataclass(frozen=True, slots=True)
class Offers:
    """Who could come together with one row but for money: what a kilogram is worth at its present price."""

    rows: IntArray  # of IT
    surplus: IntArray
    value: IntArray

    def at(self, by_fen: int) -> Iterator[tuple[int, int]]:
        """Rows and values where its price yields so much, of those that it pays for then."""
        paid = self.surplus + by_fen >= 0
        return zip(self.rows[paid].tolist(), (self.value[paid] + by_fen).tolist(), strict=True)


@dataclass(frozen=True, slots=True)
class Residual:
    """An optimal plan, from one side."""

    side: Side
    spread: tuple[int, ...]
    quarter_g: list[list[int]]
    open_g: tuple[list[int], list[int]]
    matched_g: tuple[list[int], list[int]]
    arcs: list[list[tuple[int, int]]]  # by row of ME: how far the rest is over each, the nearest first; rows of IT
    flow_g: list[dict[int, int]]  # by row of IT: by row of ME, grams
    value: dict[tuple[int, int], int]
    distance: tuple[list[int], list[int]]  # to the rest, by row; FAR: there is no way

    @classmethod
    def of(cls, side: Side, instance: Instance, arcs: Arcs, flow_g: IntArray) -> "Residual | None":
        """Of the plan that has these grams on these arcs, which are all there are; None where it is not optimal, or of
        its equals moves less."""
        market, sides = instance.market, (side, OTHER[side])
        rows = tuple(rows_of(arcs, each) for each in sides)
        sizes = tuple(len(ids_of(market, each)) for each in sides)
        matched = tuple(np.bincount(row, flow_g, size).astype(np.int64) for row, size in zip(rows, sizes, strict=True))
        by_it: list[dict[int, int]] = [{} for _ in range(sizes[IT])]
        value: dict[tuple[int, int], int] = {}
        for me, it, worth, grams in zip(
            *(each.tolist() for each in (*rows, arcs.value_fen_per_kg, flow_g)), strict=True
        ):
            value[me, it] = worth
            if grams:
                by_it[it][me] = grams
        bare = cls(
            side,
            instance.policy.spread_fen_per_kg,
            market.listings.quarter_g.tolist(),
            (open_g(market, side).tolist(), open_g(market, OTHER[side]).tolist()),
            (matched[ME].tolist(), matched[IT].tolist()),
            [[] for _ in range(sizes[ME])],
            by_it,
            value,
            ([FAR] * sizes[ME], [FAR] * sizes[IT]),
        )
        if not bare._measure(rows, arcs.value_fen_per_kg, flow_g > 0):
            return None
        for (me, it), worth in value.items():
            if bare.distance[IT][it] < FAR:
                bare.arcs[me].append((bare.distance[IT][it] - 2 * worth, it))
        for each in bare.arcs:
            each.sort()
        return bare

    def _measure(self, rows: tuple[IntArray, ...], value: IntArray, carries: BoolArray) -> bool:
        """The distances, by Bellman and Ford; False where a negative cycle shows a better plan."""
        mine, its = (self._straight(at, to_rest=True) for at in (ME, IT))
        back = rows[ME][carries], rows[IT][carries], 2 * value[carries]
        for _ in range(len(mine) + len(its) + 2):
            before = mine.copy(), its.copy()
            np.minimum.at(mine, rows[ME], np.where(its[rows[IT]] < FAR, its[rows[IT]] - 2 * value, FAR))
            np.minimum.at(its, back[1], np.where(mine[back[0]] < FAR, mine[back[0]] + back[2], FAR))
            if (mine == before[ME]).all() and (its == before[IT]).all():
                self.distance[ME][:], self.distance[IT][:] = mine.tolist(), its.tolist()
                around = self._straight(ME, to_rest=False) + mine, self._straight(IT, to_rest=False) + its
                return bool(all((each >= 0).all() for each in around))
        return False

    def _straight(self, at: int, *, to_rest: bool) -> IntArray:
        """What it costs each row of one side to go straight to the rest, or the rest to go to it."""
        step = self._less_of if (at == ME) == to_rest else self._more_of
        costs = (step(at, row, _Changes()) for row in range(len(self.distance[at])))
        return np.array([cost if room else FAR for cost, room in costs], dtype=np.int64)

    def least(self, row: int, offers: Offers) -> int | None:
        """By how many fen per kg the price of a row that has nothing has to yield for every best plan to match some of
        it; by less, a best plan has none. None: however much, there is none."""
        far = np.array(self.distance[IT], dtype=np.int64)[offers.rows]
        near = far < FAR
        if not near.any():
            return None
        room = -self._more_of(ME, row, _Changes())[0]
        wanting = (far[near] - 2 * offers.value[near] - room) // 2 + 1
        return max(int(np.maximum(wanting, -offers.surplus[near]).min()), 1)

    def more(self, row: int, by_fen: int, offers: Offers) -> tuple[int, bool]:
        """How much of it the best plans match at least where its price yields so much; and whether they all agree."""
        mine, changes = list(offers.at(by_fen)), _Changes()
        while True:
            room = self._more_of(ME, row, changes)
            if not room[1]:
                return self._matched(ME, row, changes), True
            cost, path, reached = self._cheapest(row, mine, -room[0], changes)
            if cost >= 0:
                return self._matched(ME, row, changes), cost > 0
            self._push(row, path, changes)
            for node, at in reached.items():
                if at < cost - room[0]:
                    changes.distance[node] = self._far(node, changes) + cost - room[0] - at

    def _cheapest(
        self, row: int, mine: list[tuple[int, int]], room: int, changes: _Changes
    ) -> tuple[int, list[Node], dict[Node, int]]:
        """The cheapest cycle through the row and the rest, by Dijkstra: its cost, or 1 where it costs more than
        nothing; the nodes between row and rest; what each was reached at."""
        reached: dict[Node, int] = {}
        came_from: dict[Node, Node] = {}
        heap: list[tuple[int, Node, Node]] = []
        for it, value in mine:
            at = self._far((IT, it), changes) - 2 * value
            if at <= room:
                heappush(heap, (at, (IT, it), ASKING))
        while heap:
            at, node, before = heappop(heap)
            if node in reached:
                continue
            came_from[node] = before
            if node == REST:
                return at - room, self._path(came_from), reached
            reached[node] = at
            gone = at - self._far(node, changes)
            for step, to in self._edges(node, row, room - gone, changes):
                ahead = gone + step + self._far(to, changes)
                if to not in reached and ahead <= room:
                    heappush(heap, (ahead, to, node))
        return 1, [], reached

    def _path(self, came_from: dict[Node, Node]) -> list[Node]:
        path, node = [], came_from[REST]
        while node != ASKING:
            path.append(node)
            node = came_from[node]
        return path[::-1]

    def _edges(self, node: Node, row: int, within: int, changes: _Changes) -> Iterator[tuple[int, Node]]:
        """What is left to do at a node: its cost and where that leads, while the rest may be no further than that."""
        at, number = node
        cost, room = (self._less_of if at == ME else self._more_of)(at, number, changes)
        if room:
            yield cost, REST
        if at == ME:
            for far, it in self.arcs[number]:
                if far > within:
                    break
                yield far - self.distance[IT][it], (IT, it)
        else:
            for me in {*self.flow_g[number], *changes.came[number]} - {row}:
                if self._flow(me, number, changes):
                    yield 2 * self.value[me, number], (ME, me)

    def _push(self, row: int, path: list[Node], changes: _Changes) -> None:
        """As much as can go this way: from the row, over these nodes, to the rest."""
        steps = list(pairwise([(ME, row), *path]))
        last = path[-1]
        most = min(
            self._more_of(ME, row, changes)[1],
            (self._less_of if last[0] == ME else self._more_of)(*last, changes)[1],
            *(self._flow(b, a, changes) for (at, a), (_, b) in steps if at == IT),
        )
        for (at, a), (_, b) in steps:
            me, it, grams = (a, b, most) if at == ME else (b, a, -most)
            changes.flow_g[me, it] = self._flow(me, it, changes) + grams
            changes.came[it].add(me)
            for node in ((ME, me), (IT, it)):
                changes.matched_g[node] = self._matched(*node, changes) + grams

    def _flow(self, me: int, it: int, changes: _Changes) -> int:
        found = changes.flow_g.get((me, it))
        return self.flow_g[it].get(me, 0) if found is None else found

    def _matched(self, at: int, row: int, changes: _Changes) -> int:
        found = changes.matched_g.get((at, row))
        return self.matched_g[at][row] if found is None else found

    def _far(self, node: Node, changes: _Changes) -> int:
        if node == REST:
            return 0
        found = changes.distance.get(node)
        return self.distance[node[0]][node[1]] if found is None else found

    def _more_of(self, at: int, row: int, changes: _Changes) -> tuple[int, int]:
        """What a gram more of it costs beside its pair, and for how many grams."""
        matched_g = self._matched(at, row, changes)
        if not self._is_listing(at):
            return 0, self.open_g[at][row] - matched_g
        for quarter, end_g in enumerate(accumulate(self.quarter_g[row])):
            if end_g > matched_g:
                return -(2 * self.spread[quarter] + 1), end_g - matched_g
        return 0, 0

    def _less_of(self, at: int, row: int, changes: _Changes) -> tuple[int, int]:
        """What a gram less of it costs beside its pair, and for how many grams."""
        matched_g = self._matched(at, row, changes)
        if not self._is_listing(at):
            return 0, matched_g
        begins_g = 0
        for quarter, end_g in enumerate(accumulate(self.quarter_g[row])):
            if begins_g < matched_g <= end_g:
                return 2 * self.spread[quarter] + 1, matched_g - begins_g
            begins_g = end_g
        return 0, 0

    def _is_listing(self, at: int) -> bool:
        return (self.side == "listing") == (at == ME)
