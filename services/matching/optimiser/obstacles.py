"""What stands between one lot and every order of its market."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from services.matching.optimiser.arcs import Instance, arrival_us, road_distance_m
from services.matching.optimiser.market import NO_PIN, BoolArray, among
from services.matching.optimiser.policy import IntArray, freight_fen_per_kg

Obstacle = Literal["grade", "window", "price_gap", "too_far", "spoils_before_arrival", "declined", "min_fill"]


@dataclass(frozen=True, slots=True)
class Obstacles:
    """By order of the market, for one lot."""

    asks: BoolArray  # would have this lot as well as any other, or no other
    surplus_fen_per_kg: IntArray  # < 0: floor and freight are more than it pays
    by_code: Mapping[Obstacle, BoolArray]
    but_for_money: BoolArray  # asks, and has no obstacle but that surplus

    @classmethod
    def of(cls, instance: Instance, row: int) -> "Obstacles":
        """All that apply to each pair; there are none exactly where the pair is compatible."""
        lots, bids, policy = instance.market.listings, instance.market.orders, instance.policy
        orders = np.arange(len(bids.ids))
        listing = np.full(len(orders), row)
        distance_m = road_distance_m(instance, listing, orders)
        freight = freight_fen_per_kg(policy, distance_m, instance.class_percent[listing])
        surplus = bids.ceiling_fen_per_kg - lots.floor_fen_per_kg[row] - np.where(bids.delivered, freight, 0)
        arrives_us = arrival_us(instance, listing, orders, distance_m)
        packed_us = int(instance.leaves_at_us[row]) + policy.handling_us

        gone = np.full(len(orders), instance.leaves_at_us[row] > lots.available_until_us[row])
        window = gone | (np.maximum(packed_us, bids.deliver_from_us) > bids.deliver_by_us)
        dear = bids.ceiling_fen_per_kg < lots.floor_fen_per_kg[row]
        late = ~window & (arrives_us > bids.deliver_by_us)
        by_code: dict[Obstacle, BoolArray] = {
            "grade": lots.grade[row] > bids.min_grade,
            "window": window,
            "price_gap": dear,
            "too_far": late | (~dear & (surplus < 0)),
            "spoils_before_arrival": lots.spoils_at_us[row] - arrives_us < bids.min_remaining_life_us,
            "declined": among(row * len(orders) + orders, instance.market.excluded),
            "min_fill": ~lots.divisible[row] & (lots.remaining_g[row] > bids.wanted_g),
        }
        asks = (bids.pin == NO_PIN) | (bids.pin == row)
        but_for_money = asks & ~late
        for code, hindered in by_code.items():
            if code not in {"price_gap", "too_far"}:
                but_for_money &= ~hindered
        return cls(asks, surplus, by_code, but_for_money)

    @property
    def none(self) -> BoolArray:
        """The orders that could have the lot."""
        return self.but_for_money & (self.surplus_fen_per_kg >= 0)
