"""Which of the known arcs a solve is over, where they are too many for one.

First the market is cut by geography and each piece solved by itself. Their prices tell which arcs can matter to the
whole: those that carry something, and those that would nearly improve it, within a piece or across two. A solve over
these has prices of its own, which ask for a few arcs more (column generation; Ahuja, Magnanti, Orlin: Network Flows,
1993, ch. 17.4), until they ask for none. Known arcs are priced in memory; pairs that nobody knows of yet are the
certificate's affair.
"""

from collections.abc import Iterator

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.certificate import Reach, best_of_each, gain_fen_per_kg, listing_prices
from services.matching.optimiser.market import BoolArray
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.screen import Prices
from services.matching.optimiser.transport import solve


def first_arcs(instance: Instance, known: Arcs, takes_part: BoolArray, piece_rows: int, reach: Reach) -> BoolArray:
    """Those of the known arcs that the prices of pieces of so many rows make likely."""
    order_price = np.zeros(len(takes_part), dtype=np.int64)
    within, solving = np.zeros(len(known), dtype=bool), np.zeros(len(known), dtype=bool)
    for rows in pieces(instance, known, piece_rows):
        solution = solve(instance, known.select(rows))
        order_price += solution.order_price_fen_per_kg
        solving[rows] = solution.flow_g > 0
        within[rows] = True
    prices = Prices(listing_prices(instance, known.select(within), order_price, takes_part), order_price)
    return solving | _near(known, ~solving, prices, reach)


def pieces(instance: Instance, known: Arcs, piece_rows: int) -> Iterator[IntArray]:
    """The known arcs within each piece of a market cut by geography, again and again across its longer side, until a
    piece has at most so many rows; rows of `known`. Arcs across pieces are in none."""
    lots, bids = instance.market.listings.unit_vector, instance.market.orders.unit_vector
    piece_of_listing, piece_of_order = np.zeros(len(lots), dtype=np.int64), np.zeros(len(bids), dtype=np.int64)
    pending, count = [(np.arange(len(lots)), np.arange(len(bids)))], 0
    while pending:
        listings, orders = pending.pop()
        here = np.concatenate([lots[listings], bids[orders]])
        widths = np.ptp(here, axis=0) if len(here) else np.zeros(3)
        if len(here) <= piece_rows or not widths.any():
            piece_of_listing[listings] = piece_of_order[orders] = count
            count += 1
            continue
        axis = int(widths.argmax())
        middle = np.sort(here[:, axis])[: len(here) // 2].max()
        middle = min(middle, here[here[:, axis] < here[:, axis].max(), axis].max())  # some are beyond it
        west = lots[listings, axis] <= middle, bids[orders, axis] <= middle
        pending += [(listings[west[0]], orders[west[1]]), (listings[~west[0]], orders[~west[1]])]
    piece = piece_of_listing[known.listing]
    inside = np.flatnonzero(piece == piece_of_order[known.order])
    ranking = inside[np.argsort(piece[inside], kind="stable")]
    yield from np.split(ranking, np.flatnonzero(np.diff(piece[ranking])) + 1)


def missing_arcs(
    instance: Instance, known: Arcs, solving: BoolArray, order_price: IntArray, takes_part: BoolArray, reach: Reach
) -> BoolArray:
    """Those of the known arcs outside the solve that would improve its result, and the near ones with them; none when
    none would improve it."""
    prices = Prices(listing_prices(instance, known.select(solving), order_price, takes_part), order_price)
    outside = ~solving & takes_part[known.order]
    if not (gain_fen_per_kg(known.select(outside), prices) > 0).any():
        return np.zeros(len(known), dtype=bool)
    return _near(known, outside, prices, reach)


def worth_keeping(
    instance: Instance, arcs: Arcs, flow_g: IntArray, order_price: IntArray, takes_part: BoolArray, room: int
) -> BoolArray:
    """The arcs that carry something, and of the others those nearest to it, as far as there is room."""
    if len(arcs) <= room:
        return np.ones(len(arcs), dtype=bool)
    prices = Prices(listing_prices(instance, arcs, order_price, takes_part), order_price)
    ranking = np.lexsort((-gain_fen_per_kg(arcs, prices), flow_g == 0))
    keeping: BoolArray = flow_g > 0
    keeping[ranking[: max(room, 0)]] = True
    return keeping


def _near(known: Arcs, outside: BoolArray, prices: Prices, reach: Reach) -> BoolArray:
    """Of those arcs the best of each listing and of each order that would improve a plan with these prices, or nearly
    would."""
    gain = gain_fen_per_kg(known, prices)
    rows = np.flatnonzero(outside & (gain > -reach.near_fen_per_kg))
    near, gain = known.select(rows), gain[rows]
    found = np.zeros(len(known), dtype=bool)
    found[rows[best_of_each(near, gain, len(prices.order), reach.each)]] = True
    return found
