"""Looking at every pair of a market, cheaply: which could be compatible, and which could still improve a plan.

A market of 10,000 × 10,000 has 10⁸ pairs. Single precision and a lower bound of the distance (the chord) rule out
nearly all of them; the few that pass are reckoned exactly. Both sides are looked at along one axis, so that neighbours
are met with neighbours and most pairs not at all. A pair is only ruled out with a margin, so what the screen leaves
out is proven out. A road that was measured may be shorter than the chord with its detour, or shorter
there than back: it has no bound but itself, and is looked up for every pair.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from services.matching.optimiser.arcs import MEAN_EARTH_RADIUS_M, Instance
from services.matching.optimiser.market import BoolArray, FloatArray
from services.matching.optimiser.policy import HOUR_US, IntArray

Float32 = npt.NDArray[np.float32]

BLOCK_PAIRS = 1 << 17  # single precision: half a megabyte a step, which a processor's cache holds
BATCH_PAIRS = 1 << 19
NEIGHBOURS = 64
"""Listings that are met with the same orders: more would be further from each other, fewer not worth a step."""
MARGIN_FEN_PER_KG = 0.5  # prices up to 10⁶ are held to 1/16
MARGIN_M = 10_000.0  # hours up to 10⁶ are held to 1/16, which is 4 km of road
MARGIN_COSINE = 2e-6  # of a dot product of unit vectors
FAR_H, LONG_H = 1e6, 1e5
FARM_GATE_WEIGHT = 1e-6  # freight does not count at the farm gate; zero would divide


@dataclass(frozen=True, slots=True)
class Prices:
    """What a place in each order costs, and what each listing already earns, in fen per kg.

    A pair improves the plan when value − order price − listing price > 0.
    """

    listing: IntArray
    order: IntArray


def candidate_pairs(instance: Instance, prices: Prices | None = None) -> Iterator[tuple[IntArray, IntArray]]:
    """All pairs (listing rows, order rows) that may be compatible, and may improve a plan with these prices.

    In batches, each by listing and then order; some that pass are neither.
    """
    sides = _Sides.of(instance, prices)
    width = len(sides.order_vector)
    if width == 0 or len(sides.listing_vector) == 0:
        return
    waiting: list[IntArray] = []
    for rows, columns in sides.blocks():
        listing, order = np.nonzero(sides.block(rows, columns))
        waiting.append(sides.listing_row[rows][listing] * width + sides.order_row[columns][order])
        if sum(map(len, waiting)) >= BATCH_PAIRS:
            yield np.divmod(np.sort(np.concatenate(waiting)), width)
            waiting = []
    if waiting:
        yield np.divmod(np.sort(np.concatenate(waiting)), width)


@dataclass(frozen=True, slots=True)
class _Sides:
    """Every condition as a difference of a row's figure and a column's; see ``block``."""

    listing_row: IntArray  # of the market; here in the order of ``_axis``
    order_row: IntArray
    listing_vector: Float32
    order_vector: Float32
    offer: Float32  # (n, 1) fen per kg
    bid: Float32  # (m,)
    priced_offer: Float32
    priced_bid: Float32  # less 1: a gain is a whole fen
    per_class: Float32  # (n, 1) 1 / freight factor
    per_basis: Float32  # (m,) 1 / weight of the freight
    leaves_h: Float32  # from now, handling included
    due_h: Float32
    life_h: Float32
    min_life_h: Float32
    grade: npt.NDArray[np.int8]
    min_grade: npt.NDArray[np.int8]
    freight_base: float
    m_per_fen: float
    speed_m_per_h: float
    m_per_chord: float
    road_m: Float32 | None  # (origins, destinations); < 0: nobody has measured it
    origin: IntArray
    destination: IntArray

    @classmethod
    def of(cls, instance: Instance, prices: Prices | None) -> "_Sides":
        lots, bids, policy = instance.market.listings, instance.market.orders, instance.policy
        n, m = len(lots.ids), len(bids.ids)
        order_price = prices.order if prices else np.zeros(m, dtype=np.int64)
        listing_price = prices.listing if prices else np.full(n, -(10**7))
        handling_h = policy.handling_us / HOUR_US
        roads = instance.market.roads
        found = cls(
            listing_row=np.arange(n),
            order_row=np.arange(m),
            listing_vector=lots.unit_vector.astype(np.float32),
            order_vector=bids.unit_vector.astype(np.float32),
            offer=_column(lots.floor_fen_per_kg),
            bid=bids.ceiling_fen_per_kg.astype(np.float32),
            priced_offer=_column(lots.floor_fen_per_kg - instance.bonus_fen_per_kg + listing_price),
            priced_bid=(bids.ceiling_fen_per_kg - order_price - 1).astype(np.float32),
            per_class=_column(100 / instance.class_percent),
            per_basis=np.where(bids.delivered, 1.0, 1 / FARM_GATE_WEIGHT).astype(np.float32),
            leaves_h=_column(_hours(instance.leaves_at_us - instance.now_us, LONG_H) + handling_h),
            due_h=_hours(bids.deliver_by_us - instance.now_us, FAR_H).astype(np.float32),
            life_h=_column(_hours(lots.spoils_at_us - instance.leaves_at_us, FAR_H) - handling_h),
            min_life_h=_hours(bids.min_remaining_life_us, LONG_H).astype(np.float32),
            grade=lots.grade.astype(np.int8)[:, None],
            min_grade=bids.min_grade.astype(np.int8),
            freight_base=policy.freight_base_fen_per_kg,
            m_per_fen=1_000_000 / max(policy.freight_fen_per_kg_per_1000_km, 1e-6),
            speed_m_per_h=policy.speed_m_per_h,
            m_per_chord=policy.detour * MEAN_EARTH_RADIUS_M,
            road_m=None if roads is None else roads.metres.astype(np.float32),
            origin=np.zeros(n, dtype=np.int64) if roads is None else roads.origin,
            destination=np.zeros(m, dtype=np.int64) if roads is None else roads.destination,
        )
        return found if roads is not None or n == 0 or m == 0 else found._along_an_axis()

    def blocks(self) -> Iterator[tuple[slice, slice]]:
        """Listings, and the orders that any of them could reach: all pairs but those too far along the axis."""
        if self.road_m is None:
            first, last = self._windows()
        else:  # a road that was measured may be shorter than its way along the axis
            first = np.zeros(len(self.listing_row), dtype=np.int64)
            last = np.full_like(first, len(self.order_row))
        together = max(NEIGHBOURS, BLOCK_PAIRS // len(self.order_row))
        for start in range(0, len(first), together):
            stop = min(start + together, len(first))
            columns = slice(int(first[start:stop].min()), int(last[start:stop].max()))
            if columns.start < columns.stop:
                step = max(1, BLOCK_PAIRS // (columns.stop - columns.start))
                for row in range(start, stop, step):
                    yield slice(row, min(row + step, stop)), columns

    def block(self, rows: slice, columns: slice) -> npt.NDArray[np.bool_]:
        """Which pairs of these listings with these orders pass."""
        # How far the money goes: the surplus pays the freight, and the priced surplus does too.
        reach = self.bid[columns] - self.offer[rows]
        np.minimum(reach, self.priced_bid[columns] - self.priced_offer[rows], out=reach)
        reach += MARGIN_FEN_PER_KG
        reach *= self.per_class[rows]
        reach *= self.per_basis[columns]
        reach -= self.freight_base
        reach *= self.m_per_fen
        # How far the time goes: until it is due, and while it keeps.
        spare = self.due_h[columns] - self.leaves_h[rows]
        np.minimum(spare, self.life_h[rows] - self.min_life_h[columns], out=spare)
        spare *= self.speed_m_per_h
        np.minimum(reach, spare, out=reach)
        reach += MARGIN_M
        by_road = None if self.road_m is None else self._by_road(self.road_m, rows, columns, reach)
        # Without one that was measured, the road is no shorter than detour × chord, and cos = 1 − chord² ÷ 2.
        reach /= self.m_per_chord
        np.clip(reach, -1.0, 2.0, out=reach)
        near = self.listing_vector[rows] @ self.order_vector[columns].T
        near += reach * np.abs(reach) / 2
        passed: npt.NDArray[np.bool_] = near >= 1 - MARGIN_COSINE
        if by_road is not None:
            measured, within = by_road
            np.copyto(passed, within, where=measured)
        passed &= reach >= 0
        passed &= self.grade[rows] <= self.min_grade[columns]
        return passed

    def _by_road(self, road_m: Float32, rows: slice, columns: slice, reach_m: Float32) -> tuple[BoolArray, BoolArray]:
        """Which pairs have a road that was measured, and which roads are within reach."""
        road = np.take(road_m[self.origin[rows]], self.destination[columns], axis=1)
        return road >= 0, road <= reach_m

    def _along_an_axis(self) -> "_Sides":
        """The same, both sides sorted by the coordinate in which the orders are furthest from each other."""
        axis = int(np.ptp(self.order_vector, axis=0).argmax())
        rows = np.argsort(self.listing_vector[:, axis], kind="stable")
        columns = np.argsort(self.order_vector[:, axis], kind="stable")
        sorted_rows = {name: getattr(self, name)[rows] for name in _OF_LISTINGS}
        sorted_columns = {name: getattr(self, name)[columns] for name in _OF_ORDERS}
        return replace(self, **sorted_rows, **sorted_columns)

    def _windows(self) -> tuple[IntArray, IntArray]:
        """By listing the first order that it could reach, and the one behind the last."""
        axis = int(np.ptp(self.order_vector, axis=0).argmax())
        x, order_x = self.listing_vector[:, axis].astype(np.float64), self.order_vector[:, axis].astype(np.float64)
        reach = self._furthest()
        # As `block` has it, cos ≥ 1 − reach² ÷ 2 − margin; and along an axis nobody is further away than by the chord.
        width = np.sqrt(np.maximum(reach, 0) ** 2 + 4 * MARGIN_COSINE) + MARGIN_COSINE
        first, last = np.searchsorted(order_x, x - width, "left"), np.searchsorted(order_x, x + width, "right")
        return first, np.where(reach >= 0, last, first)

    def _furthest(self) -> FloatArray:
        """By listing the reach of ``block`` at the best bid, basis, due time and shelf life of any order."""
        money = np.minimum(self.bid.max() - self.offer, self.priced_bid.max() - self.priced_offer) + MARGIN_FEN_PER_KG
        money = money * self.per_class
        money = np.maximum(money * self.per_basis.max(), money * self.per_basis.min()) - self.freight_base
        spare = np.minimum(self.due_h.max() - self.leaves_h, self.life_h - self.min_life_h.min())
        reach = np.minimum(money * self.m_per_fen, spare * self.speed_m_per_h) + MARGIN_M
        found: FloatArray = np.clip(reach[:, 0].astype(np.float64) / self.m_per_chord, -1.0, 2.0)
        return found


_OF_LISTINGS = (
    "listing_row",
    "listing_vector",
    "offer",
    "priced_offer",
    "per_class",
    "leaves_h",
    "life_h",
    "grade",
    "origin",
)
_OF_ORDERS = (
    "order_row",
    "order_vector",
    "bid",
    "priced_bid",
    "per_basis",
    "due_h",
    "min_life_h",
    "min_grade",
    "destination",
)


def _column(values: npt.NDArray[np.generic]) -> Float32:
    return values.astype(np.float32)[:, None]


def _hours(duration_us: IntArray, limit_h: float) -> npt.NDArray[np.float64]:
    """Hours, cut where they cannot bind: a listing's own time shorter than an order's, so that it errs to passing."""
    return np.clip(duration_us / HOUR_US, -LONG_H, limit_h)
