"""The parts of each match's value, and that together they are the round's."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser.arcs import Instance
from services.matching.optimiser.clear import clear
from services.matching.optimiser.market import Listing, Market, Order
from services.matching.optimiser.plan import Worth
from services.matching.optimiser.policy import HOUR_US, POLICY_1
from services.matching.optimiser.transport import spread_by_listing_mfen
from tests.services.matching.optimiser.factories import KG, NOW_US, cleared, listing, listings, order, orders


@given(listings(divisible=st.booleans()), orders(min_fill=st.sampled_from([0, 0, 1000])))
def test_the_matches_together_are_worth_what_the_plan_is(lots: list[Listing], bids: list[Order]) -> None:
    plan = cleared(lots, bids)
    assert sum(match.value_mfen for match in plan.matches) == plan.value_mfen


@given(listings(), orders())
def test_every_value_is_the_sum_of_its_parts(lots: list[Listing], bids: list[Order]) -> None:
    lot_of, bid_of = {each.id: each for each in lots}, {each.id: each for each in bids}
    for match in cleared(lots, bids).matches:
        worth, lot, bid = match.worth, lot_of[match.listing_id], bid_of[match.order_id]
        assert (worth.floor_fen_per_kg, worth.ceiling_fen_per_kg) == (lot.floor_fen_per_kg, bid.ceiling_fen_per_kg)
        assert worth.delivered == (bid.price_basis == "delivered")
        freight = match.freight_fen_per_kg if worth.delivered else 0
        assert match.surplus_fen_per_kg == worth.ceiling_fen_per_kg - freight - worth.floor_fen_per_kg >= 0
        assert worth.watch_52_fen_per_kg == (100 if lot.watch_52 else 0)
        assert worth.poverty_832_fen_per_kg == {True: 50, False: 0, None: None}[lot.poverty_832]
        priority = (worth.watch_52_fen_per_kg or 0) + (worth.poverty_832_fen_per_kg or 0)
        assert match.value_fen_per_kg == match.surplus_fen_per_kg + worth.rescue_fen_per_kg + priority


@given(listings(), orders())
def test_what_a_lot_earns_of_the_spread_is_shared_by_weight_to_the_last_thousandth(
    lots: list[Listing], bids: list[Order]
) -> None:
    market = Market.of(lots, bids)
    shares, grams = defaultdict(list), defaultdict(list)
    for match in clear(market, POLICY_1, NOW_US).matches:
        shares[match.listing_id].append(match.worth.spread_mfen)
        grams[match.listing_id].append(match.quantity_g)
    sold_g = np.array([sum(grams[each]) for each in market.listings.ids], dtype=np.int64)
    earned_mfen = spread_by_listing_mfen(Instance.of(market, POLICY_1, NOW_US), sold_g).tolist()
    for row, each in enumerate(market.listings.ids):
        assert sum(shares[each]) == earned_mfen[row]
        for share_mfen, quantity_g in zip(shares[each], grams[each], strict=True):
            assert abs(share_mfen - earned_mfen[row] * quantity_g / int(sold_g[row])) < 1


def test_two_buyers_of_one_lot_share_its_spread() -> None:
    """300 kg at 40 and 100 at 25, of 1200: each kilogram of the 400 earns 36.25."""
    plan = cleared([listing()], [order("O1", kg=100), order("O2", kg=300)])
    assert {match.order_id: match.worth.spread_mfen for match in plan.matches} == {
        "O1": 3625 * KG,
        "O2": 3 * 3625 * KG,
    }


def test_the_parts_are_told_as_they_were_and_unknown_is_not_no() -> None:
    """At the farm gate the freight counts for nothing; 36 hours of life rescue 100."""
    lot = listing(kg=100, spoils_at_us=NOW_US + 36 * HOUR_US, watch_52=True, poverty_832=None)
    bid = order(kg=100, price_basis="farm_gate", min_remaining_life_us=0)
    (match,) = cleared([lot], [bid]).matches
    assert match.worth == Worth(
        delivered=False,
        ceiling_fen_per_kg=2600,
        floor_fen_per_kg=1600,
        rescue_fen_per_kg=100,
        watch_52_fen_per_kg=100,
        poverty_832_fen_per_kg=None,
        spread_mfen=25 * (40 + 25 + 10) * KG,
    )
    assert match.value_mfen == (1000 + 100 + 100) * 100 * KG + match.worth.spread_mfen


def test_a_policy_without_spread_shares_none() -> None:
    level = replace(POLICY_1, spread_fen_per_kg=(0, 0, 0, 0))
    plan = clear(Market.of([listing()], [order()]), level, NOW_US)
    assert [match.worth.spread_mfen for match in plan.matches] == [0]
