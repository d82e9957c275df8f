"""Rows that a plan cannot tell apart are solved as one, and what it gets is given out among them again.

Listings that differ in quantity alone (and may be divided) are one listing whose quarters are theirs together: each
spread is paid for as many grams as before. Orders that differ in quantity alone (and are promised nothing) are one
order. Values, prices and the bound stay the same to the fen. It is worth the trouble where there are too many arcs.
"""

from dataclasses import dataclass, replace

import numpy as np

from services.matching.optimiser.arcs import Instance, compatible_arcs
from services.matching.optimiser.market import Market, rows_of_columns
from services.matching.optimiser.plan import Plan, matches_of
from services.matching.optimiser.policy import IntArray
from services.matching.optimiser.tables import MAX_QUANTITY_G


@dataclass(frozen=True, slots=True)
class Twins:
    """A market with one row for all that are alike, and which row that is."""

    instance: Instance
    listing: IntArray  # by listing of the market as it was
    order: IntArray

    @classmethod
    def of(cls, instance: Instance) -> "Twins | None":
        """None where no two rows are alike."""
        listing, order = _groups(_listing_keys(instance)), _groups(_order_keys(instance))
        market = instance.market
        listing = _apart(listing, market.listings.remaining_g)
        order = _apart(order, market.orders.wanted_g)
        lots, bids = _first_rows(listing), _first_rows(order)
        if len(lots) == len(listing) and len(bids) == len(order):
            return None
        return cls(_merged(instance, (listing, order), (lots, bids)), listing, order)

    def split(self, instance: Instance, plan: Plan) -> Plan:
        """The plan of the market as it was, `instance`, from that of the rows merged."""
        merged, market = self.instance.market, instance.market
        lot_of = {each: row for row, each in enumerate(merged.listings.ids)}
        bid_of = {each: row for row, each in enumerate(merged.orders.ids)}
        lots = np.array([lot_of[match.listing_id] for match in plan.matches], dtype=np.int64)
        bids = np.array([bid_of[match.order_id] for match in plan.matches], dtype=np.int64)
        grams = np.array([match.quantity_g for match in plan.matches], dtype=np.int64)

        given_g = _filled(self.listing, market.listings.quarter_g, _sums(lots, grams, len(lot_of)))
        member, pair, grams = _shared_out((self.listing, given_g), (lots, grams))
        lots, bids = member, bids[pair]
        taken_g = _filled(self.order, market.orders.wanted_g[:, None], _sums(bids, grams, len(bid_of)))
        ranking = np.lexsort((lots, bids))
        member, pair, grams = _shared_out((self.order, taken_g), (bids[ranking], grams[ranking]))
        arcs = compatible_arcs(instance, lots[ranking][pair], member)
        return replace(
            plan,
            matches=matches_of(instance, arcs, grams),
            listing_ids=market.listings.ids,
            listing_price_fen_per_kg=plan.listing_price_fen_per_kg[self.listing],
            order_ids=market.orders.ids,
            order_price_fen_per_kg=plan.order_price_fen_per_kg[self.order],
        )


def _listing_keys(instance: Instance) -> list[IntArray]:
    """Everything about a listing that a pair's figures hang on."""
    market = instance.market
    lots, rows = market.listings, np.arange(len(market.listings.ids))
    alone = ~lots.divisible
    alone[market.orders.pin[market.orders.pin >= 0]] = True
    alone[market.excluded // max(len(market.orders.ids), 1)] = True
    return [
        np.where(alone, rows, -1),
        lots.floor_fen_per_kg,
        lots.grade,
        *lots.unit_vector.view(np.int64).T,
        *([] if market.roads is None else [market.roads.origin]),
        instance.leaves_at_us,
        lots.available_until_us,
        lots.spoils_at_us,
        lots.temperature_class,
        instance.bonus_fen_per_kg,
    ]


def _order_keys(instance: Instance) -> list[IntArray]:
    market = instance.market
    bids, rows = market.orders, np.arange(len(market.orders.ids))
    alone = bids.min_fill_g > bids.committed_g
    alone[market.excluded % max(len(rows), 1)] = True
    if not market.listings.divisible.all():  # whether an order takes a whole lot hangs on what it wants
        alone |= True
    return [
        np.where(alone, rows, -1),
        bids.ceiling_fen_per_kg,
        bids.min_grade,
        *bids.unit_vector.view(np.int64).T,
        *([] if market.roads is None else [market.roads.destination]),
        np.maximum(bids.deliver_from_us, instance.now_us),
        bids.deliver_by_us,
        bids.min_remaining_life_us,
        bids.delivered.astype(np.int64),
        bids.pin,
    ]


def _groups(keys: list[IntArray]) -> IntArray:
    """By row the number of its group, counted in the order of their first rows."""
    if not len(keys[0]):
        return keys[0]
    ranking = np.lexsort(keys[::-1])  # stable: the rows of a group stay in their order
    new = np.zeros(len(ranking), dtype=bool)
    for key in keys:
        ranked = key[ranking]
        new[1:] |= ranked[1:] != ranked[:-1]
    group = np.empty(len(ranking), dtype=np.int64)
    group[ranking] = np.cumsum(new)
    return _renumbered(group)


def _apart(group: IntArray, quantity_g: IntArray) -> IntArray:
    """The same groups, cut where they would be more than twice the largest of rows: every pair can still be solved."""
    ranking = np.argsort(group, kind="stable")
    before = np.cumsum(quantity_g[ranking]) - quantity_g[ranking]
    starts = np.searchsorted(group[ranking], group[ranking])
    piece = np.empty(len(group), dtype=np.int64)
    piece[ranking] = (before - before[starts]) // MAX_QUANTITY_G if len(group) else 0
    _, number = np.unique(np.stack([group, piece]), axis=1, return_inverse=True)
    return _renumbered(number.reshape(-1))


def _renumbered(group: IntArray) -> IntArray:
    _, first, number = np.unique(group, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    renumbered: IntArray = rank[number]
    return renumbered


def _first_rows(group: IntArray) -> IntArray:
    first: IntArray = np.unique(group, return_index=True)[1]
    return first


def _merged(instance: Instance, groups: tuple[IntArray, IntArray], firsts: tuple[IntArray, IntArray]) -> Instance:
    market, (listing, order), (lots, bids) = instance.market, groups, firsts
    listings, orders = rows_of_columns(market.listings, lots), rows_of_columns(market.orders, bids)
    quarter_g = np.stack([_sums(listing, each, len(lots)) for each in market.listings.quarter_g.T], axis=1)
    pinned = orders.pin >= 0
    pin = orders.pin.copy()
    pin[pinned] = listing[orders.pin[pinned]]
    excluded_lot, excluded_bid = np.divmod(market.excluded, max(len(order), 1))
    roads = market.roads
    merged = Market(
        replace(listings, remaining_g=quarter_g.sum(axis=1), quarter_g=quarter_g),
        replace(orders, wanted_g=_sums(order, market.orders.wanted_g, len(bids)), pin=pin),
        np.sort(listing[excluded_lot] * len(bids) + order[excluded_bid]),
        market.set_aside,
        None if roads is None else replace(roads, origin=roads.origin[lots], destination=roads.destination[bids]),
    )
    return replace(
        instance,
        market=merged,
        leaves_at_us=instance.leaves_at_us[lots],
        bonus_fen_per_kg=instance.bonus_fen_per_kg[lots],
        class_percent=instance.class_percent[lots],
    )


def _sums(group: IntArray, grams: IntArray, groups: int) -> IntArray:
    total = np.zeros(groups, dtype=np.int64)
    np.add.at(total, group, grams)
    return total


def _filled(group: IntArray, step_g: IntArray, given_g: IntArray) -> IntArray:
    """By row what it has of what its group is given: the first step of every row before the second of any."""
    rows, steps = step_g.shape
    step, row = np.divmod(np.arange(rows * steps), rows) if rows else (np.zeros(0, int), np.zeros(0, int))
    ranking = np.lexsort((row, step, group[row]))
    of_group, length = group[row[ranking]], step_g[row[ranking], step[ranking]]
    before = np.cumsum(length) - length
    before -= before[np.searchsorted(of_group, of_group)]
    return _sums(row[ranking], np.clip(given_g[of_group] - before, 0, length), rows)


def _shared_out(
    members: tuple[IntArray, IntArray], pairs: tuple[IntArray, IntArray]
) -> tuple[IntArray, IntArray, IntArray]:
    """Lay what each member of a group has and what each pair of the group carries side by side, both in their order:
    which member is in which pair, with how much. `pairs` are (group, grams), sorted by group."""
    (group, has_g), (_, carries_g) = members, pairs
    row = np.argsort(group, kind="stable")
    ends, pair_ends = np.cumsum(has_g[row]), np.cumsum(carries_g)
    cuts = np.unique(np.concatenate([ends[has_g[row] > 0], pair_ends]))
    member = row[np.searchsorted(ends, cuts)]
    return member, np.searchsorted(pair_ends, cuts), np.diff(cuts, prepend=0)
