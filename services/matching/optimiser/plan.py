"""What a round decided: matches with their prices, the proof, and the price of a place on either side."""

from dataclasses import dataclass, field

import numpy as np

from services.matching.optimiser.arcs import Arcs, Instance
from services.matching.optimiser.market import SetAside
from services.matching.optimiser.policy import IntArray, amount_fen, farm_gate_price


@dataclass(frozen=True, slots=True)
class Match:
    """So many grams of one listing for one order. The distance shows the freight, the freight the price."""

    listing_id: str
    order_id: str
    quantity_g: int
    price_fen_per_kg: int  # at the farm gate
    freight_fen_per_kg: int
    surplus_fen_per_kg: int
    value_fen_per_kg: int  # surplus + rescue + priority, without the spread
    distance_m: int
    arrives_at_us: int
    remaining_life_us: int  # on arrival

    @property
    def delivered_price_fen_per_kg(self) -> int:
        """Farm gate and freight."""
        return self.price_fen_per_kg + self.freight_fen_per_kg

    @property
    def amount_fen(self) -> int:
        """Quantity × farm-gate price, half to even."""
        return amount_fen(self.quantity_g, self.price_fen_per_kg)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """One round's outcome. Values are in thousandths of a fen: fen per kg × grams."""

    matches: tuple[Match, ...]  # by listing, then order
    value_mfen: int
    bound_mfen: int  # no plan for this market is worth more
    certified_gap: float  # (bound − value) ÷ value; 0: proven optimal
    greedy_value_mfen: int
    listing_ids: tuple[str, ...]  # those the prices are of, in their order
    listing_price_fen_per_kg: IntArray  # the best value over all orders, less the order's price; < 0: unsold
    order_ids: tuple[str, ...]
    order_price_fen_per_kg: IntArray  # what one more kg wanted would add
    set_aside: tuple[SetAside, ...]
    priority_unknown: tuple[str, ...]  # listings whose bonus is 0 for want of knowledge
    arcs: int
    solves: int
    policy: int
    now_us: int
    stopped_early: bool  # a limit was reached: the next round may find more without any change
    seconds: float = field(compare=False)

    @property
    def matched_g(self) -> int:
        """All that was matched."""
        return sum(match.quantity_g for match in self.matches)


def matches_of(instance: Instance, arcs: Arcs, flow_g: IntArray) -> tuple[Match, ...]:
    """The arcs that carry something, as matches."""
    rows = np.flatnonzero(flow_g)
    rows = rows[np.lexsort((arcs.order[rows], arcs.listing[rows]))]
    used, lots = arcs.select(rows), instance.market.listings
    floor, spoils = lots.floor_fen_per_kg[used.listing], lots.spoils_at_us[used.listing]
    columns = (
        used.listing,
        used.order,
        flow_g[rows],
        farm_gate_price(instance.policy, floor, used.surplus_fen_per_kg),
        used.freight_fen_per_kg,
        used.surplus_fen_per_kg,
        used.value_fen_per_kg,
        used.distance_m,
        used.arrives_at_us,
        spoils - used.arrives_at_us,
    )
    order_ids = instance.market.orders.ids
    return tuple(
        Match(lots.ids[listing], order_ids[order], *figures)
        for listing, order, *figures in zip(*(column.tolist() for column in columns), strict=True)
    )
