"""What a policy makes of a world: every round of every market, day after day, by the engine that clears the real ones.

1. What was posted and neither spoiled nor overdue is the market of its produce.
2. It is cleared. Every match is agreed at once, and counts into the spread of later rounds.
3. All that two policies are compared by is measured by one yardstick, the freight and the roads of a third or of one
   of the two: what a policy says of itself is not comparable.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from services.matching.optimiser.arcs import Instance, road_distance_m
from services.matching.optimiser.clear import clear
from services.matching.optimiser.flow import exact_dot
from services.matching.optimiser.market import Listing, Market, Order
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import HOUR_US, IntArray, Policy, freight_fen_per_kg
from services.matching.policies.worlds import BEGINS_US, CLASSES, CountyClass, Lot, World

ROUND_EVERY_US = 6 * HOUR_US


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it. Thousandths of a fen are fen per kg × grams."""

    value_mfen: int  # by the policy's own weights
    surplus_mfen: int  # ceiling − floor, less the freight where the ceiling includes it
    freight_mfen: int
    sold_g: int
    saved_g: int  # sold of lots with less life left than the yardstick's rescue window
    offered_g: Mapping[CountyClass, int]
    sold_of_class_g: Mapping[CountyClass, int]
    spoiled_g: int | None = None  # None: a single round tells nothing of it
    neighbours_apart: float | None = None  # mean difference of the share sold, see `apart`; None: likewise
    largest_gap: float = 0.0
    rounds: int = 0


@dataclass(slots=True)
class _Sums:
    """What the rounds so far came to."""

    value_mfen: int = 0
    surplus_mfen: int = 0
    freight_mfen: int = 0
    sold_g: int = 0
    saved_g: int = 0
    of_class_g: dict[CountyClass, int] = field(default_factory=lambda: dict.fromkeys(CLASSES, 0))
    largest_gap: float = 0.0
    rounds: int = 0

    def add(self, market: Market, plan: Plan, yardstick: Policy) -> None:
        instance = Instance.of(market, yardstick, plan.now_us)
        lots, bids = market.listings, market.orders
        lot_row = {id_: row for row, id_ in enumerate(lots.ids)}
        bid_row = {id_: row for row, id_ in enumerate(bids.ids)}
        listing = _ints(lot_row[match.listing_id] for match in plan.matches)
        order = _ints(bid_row[match.order_id] for match in plan.matches)
        grams = _ints(match.quantity_g for match in plan.matches)
        freight = freight_fen_per_kg(
            yardstick, road_distance_m(instance, listing, order), instance.class_percent[listing]
        )
        surplus = bids.ceiling_fen_per_kg[order] - lots.floor_fen_per_kg[listing]
        surplus -= np.where(bids.delivered[order], freight, 0)
        life_us = lots.spoils_at_us[listing] - instance.leaves_at_us[listing]
        self.value_mfen += plan.value_mfen
        self.surplus_mfen += exact_dot(surplus, grams)
        self.freight_mfen += exact_dot(freight, grams)
        self.sold_g += int(grams.sum())
        self.saved_g += int(grams[life_us < yardstick.rescue_window_h * HOUR_US].sum())
        classes = list(_classes(market))
        for row, quantity_g in zip(listing.tolist(), grams.tolist(), strict=True):
            self.of_class_g[classes[row]] += quantity_g
        self.largest_gap = max(self.largest_gap, plan.certified_gap)
        self.rounds += 1

    def figures(self, offered_g: Mapping[CountyClass, int]) -> Figures:
        return Figures(
            value_mfen=self.value_mfen,
            surplus_mfen=self.surplus_mfen,
            freight_mfen=self.freight_mfen,
            sold_g=self.sold_g,
            saved_g=self.saved_g,
            offered_g=offered_g,
            sold_of_class_g=self.of_class_g,
            largest_gap=self.largest_gap,
            rounds=self.rounds,
        )


def replay(world: World, policy: Policy, yardstick: Policy) -> Figures:
    """What this policy makes of the world, measured by the freight, roads and rescue window of `yardstick`."""
    sums = _Sums()
    sold_g: dict[str, int] = defaultdict(int)  # by lot and by order
    for now_us in range(BEGINS_US + ROUND_EVERY_US, world.ends_us + 1, ROUND_EVERY_US):
        for market in _markets(world, sold_g, now_us):
            plan = clear(market, policy, now_us)
            sums.add(market, plan, yardstick)
            for match in plan.matches:
                sold_g[match.listing_id] += match.quantity_g
                sold_g[match.order_id] += match.quantity_g
    spoiled = [lot.listing for lot in world.lots if lot.listing.spoils_at_us <= world.ends_us]
    return replace(
        sums.figures(_offered_g((lot.county_class, lot.listing.quantity_g) for lot in world.lots)),
        spoiled_g=sum(each.quantity_g - sold_g[each.id] for each in spoiled),
        neighbours_apart=apart(world.lots, sold_g),
    )


def of_market(market: Market, now_us: int, policy: Policy, yardstick: Policy) -> Figures:
    """One round of a market as it stands; nothing of it spoils meanwhile, and who is whose neighbour is not known."""
    sums = _Sums()
    sums.add(market, clear(market, policy, now_us), yardstick)
    return sums.figures(_offered_g(zip(_classes(market), market.listings.remaining_g.tolist(), strict=True)))


def apart(lots: Iterable[Lot], sold_g: Mapping[str, int]) -> float:
    """How far apart two neighbours end up: the mean of |share sold of one − share sold of the other| over all pairs of
    lots of one county, produce and day; 0 when every neighbour sells alike, 1 at most.

    Gini's mean difference (S. Yitzhaki and E. Schechtman, The Gini Methodology, Springer 2013, chapter 2), within the
    groups. Not his coefficient, which divides by the mean: where nearly nothing is sold it says that all is unequal.
    """
    shares: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for lot in lots:
        share = sold_g.get(lot.listing.id, 0) / lot.listing.quantity_g
        shares[lot.adcode, lot.produce, lot.day].append(share)
    differences = [abs(one - other) for group in shares.values() for one, other in combinations(group, 2)]
    return sum(differences) / len(differences) if differences else 0.0


def _markets(world: World, sold_g: Mapping[str, int], now_us: int) -> Iterator[Market]:
    """Those with two sides, by produce."""
    listings: dict[str, list[Listing]] = defaultdict(list)
    orders: dict[str, list[Order]] = defaultdict(list)
    for lot in world.lots:
        if lot.posted_us <= now_us < lot.listing.spoils_at_us:
            gone_g = sold_g.get(lot.listing.id, 0)
            left_g = lot.listing.quantity_g - gone_g
            listings[lot.produce].append(replace(lot.listing, committed_g=gone_g, remaining_g=left_g))
    for wish in world.wishes:
        if wish.posted_us <= now_us < wish.order.deliver_by_us:
            got_g = sold_g.get(wish.order.id, 0)
            orders[wish.produce].append(replace(wish.order, committed_g=got_g, wanted_g=wish.order.wanted_g - got_g))
    for produce in sorted(listings.keys() & orders.keys()):
        market = Market.of(listings[produce], orders[produce])  # without those that are sold out or filled
        if market.listings.ids and market.orders.ids:
            yield market


def _classes(market: Market) -> Iterator[CountyClass]:
    """The class of the origin of each listing."""
    lots = market.listings
    for watch_52, poverty_832 in zip(lots.watch_52.tolist(), lots.poverty_832.tolist(), strict=True):
        if watch_52 == 1:
            yield "watch_52"
        else:
            yield "unknown" if poverty_832 < 0 else ("poverty_832" if poverty_832 else "neither")


def _offered_g(lots: Iterable[tuple[CountyClass, int]]) -> dict[CountyClass, int]:
    offered_g: dict[CountyClass, int] = dict.fromkeys(CLASSES, 0)
    for each, grams in lots:
        offered_g[each] += grams
    return offered_g


def _ints(values: Iterable[int]) -> IntArray:
    return np.fromiter(values, dtype=np.int64)
