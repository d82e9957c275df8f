"""The best plan for a piece of a market with all its promises, by branch and bound (HiGHS).

Maximise   Σ value(i,j) · x(i,j) + Σ spread(q) · sold(i,q)     over lots i that may be divided
         + Σ (value(i,j) · lot(i) + spread of lot i) · z(i,j)  over whole lots: z = 1 where all of it goes to j
subject to Σ_j x(i,j) = Σ_q sold(i,q),   Σ_j z(i,j) ≤ 1,
           need(j) · y(j) ≤ Σ_i x(i,j) + Σ_i lot(i) · z(i,j) ≤ wanted(j) · y(j)    (y = 1 where nothing is promised).

It reckons in doubles, so only its choices, y and z, are taken; the grams that follow from them are the flow's.
"""

from dataclasses import dataclass, replace

import numpy as np

from services.matching.optimiser.flow import Infeasible
from services.matching.optimiser.market import BoolArray, FloatArray
from services.matching.optimiser.neighbourhoods import Piece
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.transport import bought_g, solve, value_mfen

NODES = 50  # of branch and bound: beyond it the best so far is taken
SECONDS = 5.0  # far beyond what so many nodes of a piece take; else nothing is taken


@dataclass(frozen=True, slots=True)
class Choice:
    """Who is served."""

    order: BoolArray  # by order
    whole: BoolArray  # by arc of the piece: all of the lot goes over it


def better(piece: Piece, flow_g: IntArray) -> IntArray | None:
    """The best flow over the arcs of this piece, if it is worth more than this one, or moves more at equal worth."""
    choice = _choice(piece) if len(piece.arcs) else None
    found = None if choice is None else _flow_g(piece, choice)
    if found is None or _worth(piece, found) <= _worth(piece, flow_g):
        return None
    return found


def _worth(piece: Piece, flow_g: IntArray) -> tuple[int, int]:
    return value_mfen(piece.instance, piece.arcs, flow_g), int(flow_g.sum())


def _flow_g(piece: Piece, choice: Choice) -> IntArray | None:
    """The best flow of those that serve the chosen; none where there is none."""
    lots, bids = piece.instance.market.listings, piece.instance.market.orders
    flow_g = np.where(choice.whole, lots.remaining_g[piece.arcs.listing], 0)
    given_g = bought_g(piece.instance, piece.arcs, flow_g)
    if (given_g > bids.wanted_g).any():
        return None
    left = replace(piece.instance.market, orders=replace(bids, wanted_g=bids.wanted_g - given_g))
    free = lots.divisible[piece.arcs.listing] & choice.order[piece.arcs.order]
    least_g = np.where(choice.order, np.maximum(piece.need_g - given_g, 0), 0)
    try:
        solution = solve(replace(piece.instance, market=left), piece.arcs.select(free), least_g=least_g)
    except Infeasible:
        return None
    flow_g[free] = solution.flow_g
    return flow_g if _keeps_all(piece, flow_g) else None


def _keeps_all(piece: Piece, flow_g: IntArray) -> bool:
    got_g = bought_g(piece.instance, piece.arcs, flow_g)
    served = np.unique(piece.arcs.order)
    promised = served[piece.bound[served] | (got_g[served] > 0)]
    return bool((got_g[promised] >= piece.need_g[promised]).all())


def _choice(piece: Piece) -> Choice | None:
    """The values of y and z at the optimum, or the best found."""
    from scipy.optimize import LinearConstraint, milp  # type: ignore[attr-defined]

    form = _Form.of(piece)
    solved = milp(  # type: ignore[no-untyped-call]
        -form.gain,
        integrality=form.yes_or_no,
        bounds=(0, form.most),
        constraints=LinearConstraint(form.matrix, form.low, form.high),  # type: ignore[no-untyped-call]
        options={"node_limit": NODES, "time_limit": SECONDS, "mip_rel_gap": 0.0},
    )
    if solved.x is None:
        return None
    serving = np.ones(len(piece.instance.market.orders.ids), dtype=bool)
    serving[form.asked] = solved.x[len(solved.x) - len(form.asked) :] > 0.5
    whole = ~piece.instance.market.listings.divisible[piece.arcs.listing]
    return Choice(serving, whole & (solved.x[: len(piece.arcs)] > 0.5))


@dataclass(frozen=True, slots=True)
class _Form:
    """The programme: a column an arc, a quarter of each lot that may be divided, and y of each order asked.

    Rows: the listings, the most of each order, the least of each order.
    """

    gain: FloatArray
    most: FloatArray
    yes_or_no: IntArray
    matrix: object  # sparse
    low: FloatArray
    high: FloatArray
    asked: IntArray  # the orders that may be left out: promised something, and nothing given elsewhere

    @classmethod
    def of(cls, piece: Piece) -> "_Form":
        lots, bids = piece.instance.market.listings, piece.instance.market.orders
        listings, listing = np.unique(piece.arcs.listing, return_inverse=True)
        orders, order = np.unique(piece.arcs.order, return_inverse=True)
        whole, quarter_g = ~lots.divisible[listings], lots.quarter_g[listings]
        wanted_g, need_g, bound = bids.wanted_g[orders], piece.need_g[orders], piece.bound[orders]
        asked = np.flatnonzero((need_g > 0) & ~bound)
        lot, quarter = np.nonzero(np.where(whole[:, None], 0, quarter_g))
        spread = np.array(piece.instance.policy.spread_fen_per_kg, dtype=np.float64)
        # Of the usual size, so that the solver's tolerances, which are absolute, are small beside an order.
        unit_g = float(max(np.median(wanted_g), 1)) if len(wanted_g) else 1.0
        remaining_g = quarter_g.sum(axis=1)
        of_whole, each = whole[listing], np.where(whole, remaining_g / unit_g, 1.0)[listing]
        earned = np.where(whole, quarter_g @ spread / unit_g, 0.0)[listing]
        gain = [piece.arcs.value_fen_per_kg * each + earned, spread[quarter], np.zeros(len(asked))]
        reach = np.minimum(wanted_g[order], remaining_g[listing]) / unit_g
        most = [np.where(of_whole, 1.0, reach), quarter_g[lot, quarter] / unit_g, np.ones(len(asked))]
        yes_or_no = [of_whole, np.zeros(len(lot)), np.ones(len(asked))]
        given = np.where(bound, need_g, 0) / unit_g
        free = np.where((need_g > 0) & ~bound, 0, wanted_g) / unit_g
        return cls(
            np.concatenate(gain),
            np.concatenate(most),
            np.concatenate(yes_or_no).astype(np.int64),
            _matrix((listing, order, lot, asked), each, wanted_g / unit_g, need_g / unit_g),
            np.concatenate([np.zeros(len(listings)), np.full(len(orders), -np.inf), given]),
            np.concatenate([whole.astype(np.float64), free, np.full(len(orders), np.inf)]),
            orders[asked],
        )


def _matrix(
    ends: tuple[IntArray, IntArray, IntArray, IntArray], each: FloatArray, wanted: FloatArray, need: FloatArray
) -> object:
    from scipy.sparse import coo_array

    listing, order, lot, asked = ends
    n, m = int(listing.max(initial=-1)) + 1, len(wanted)
    arc, sold, served = (np.arange(len(part)) for part in (listing, lot, asked))
    sold += len(arc)
    served += len(arc) + len(lot)
    rows = [listing, lot, n + order, n + asked, n + m + order, n + m + asked]
    columns = [arc, sold, arc, served, arc, served]
    entries = [np.ones(len(arc)), -np.ones(len(lot)), each, -wanted[asked], each, -need[asked]]
    shape = (n + 2 * m, len(arc) + len(lot) + len(asked))
    ends_of = (np.concatenate(rows), np.concatenate(columns))
    matrix = coo_array((np.concatenate(entries), ends_of), shape=shape)  # type: ignore[no-untyped-call]
    return matrix.tocsr()  # type: ignore[no-untyped-call]
