"""What has to hold between the plans of two markets that differ in one thing, whatever the optimum itself is.

A lower floor and a higher ceiling raise the value of arcs at one node alone: never can less flow pass it then, for
every cycle through two arcs of one node uses them in opposite directions.
"""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from services.matching.optimiser.clear import clear
from services.matching.optimiser.market import Listing, Market, Order
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import HOUR_US, POLICY_1
from tests.services.matching.optimiser.factories import NOW_US, listings, orders

HORIZON_US = NOW_US + 10_000 * HOUR_US


def plan_of(lots: list[Listing], bids: list[Order], excluded: tuple[tuple[str, str], ...] = ()) -> Plan:
    plan = clear(Market.of(lots, bids, excluded), POLICY_1, NOW_US)
    assert plan.certified_gap == 0
    return plan


def sold_g(plan: Plan, listing_id: str) -> int:
    return sum(match.quantity_g for match in plan.matches if match.listing_id == listing_id)


def bought_g(plan: Plan, order_id: str) -> int:
    return sum(match.quantity_g for match in plan.matches if match.order_id == order_id)


@given(listings(), orders(), orders())
def test_more_buyers_never_lower_the_value(lots: list[Listing], bids: list[Order], more: list[Order]) -> None:
    newcomers = [replace(bid, id=f"N{bid.id}") for bid in more]
    assert plan_of(lots, bids + newcomers).value_mfen >= plan_of(lots, bids).value_mfen


@given(listings(), orders(), listings())
def test_more_lots_never_lower_the_value(lots: list[Listing], bids: list[Order], more: list[Listing]) -> None:
    newcomers = [replace(lot, id=f"N{lot.id}") for lot in more]
    assert plan_of(lots + newcomers, bids).value_mfen >= plan_of(lots, bids).value_mfen


@given(listings(), orders(), st.data())
def test_who_wants_more_never_lowers_the_value(lots: list[Listing], bids: list[Order], data: st.DataObject) -> None:
    chosen = data.draw(st.integers(0, len(bids) - 1))
    more = replace(bids[chosen], wanted_g=bids[chosen].wanted_g + data.draw(st.integers(1, 5000)))
    before, after = plan_of(lots, bids), plan_of(lots, [*bids[:chosen], more, *bids[chosen + 1 :]])
    assert after.value_mfen >= before.value_mfen


@given(listings(), orders(), st.data())
def test_a_kilogram_more_wanted_adds_the_price_of_the_order_at_most(
    lots: list[Listing], bids: list[Order], data: st.DataObject
) -> None:
    chosen = data.draw(st.integers(0, len(bids) - 1))
    more = replace(bids[chosen], wanted_g=bids[chosen].wanted_g + 1000)
    before, after = plan_of(lots, bids), plan_of(lots, [*bids[:chosen], more, *bids[chosen + 1 :]])
    prices = dict(zip(before.order_ids, before.order_price_fen_per_kg.tolist(), strict=True))
    assert after.value_mfen - before.value_mfen <= prices[more.id] * 1000


@given(listings(), orders(), st.data())
def test_a_lower_floor_never_sells_less_of_that_listing(
    lots: list[Listing], bids: list[Order], data: st.DataObject
) -> None:
    chosen = data.draw(st.integers(0, len(lots) - 1))
    lot = lots[chosen]
    assume(lot.floor_fen_per_kg > 0)
    cheaper = replace(lot, floor_fen_per_kg=data.draw(st.integers(0, lot.floor_fen_per_kg - 1)))
    before, after = plan_of(lots, bids), plan_of([*lots[:chosen], cheaper, *lots[chosen + 1 :]], bids)
    assert sold_g(after, lot.id) >= sold_g(before, lot.id)
    assert after.value_mfen >= before.value_mfen


@given(listings(), orders(), st.data())
def test_a_higher_ceiling_never_brings_that_order_less(
    lots: list[Listing], bids: list[Order], data: st.DataObject
) -> None:
    chosen = data.draw(st.integers(0, len(bids) - 1))
    bid = bids[chosen]
    dearer = replace(bid, ceiling_fen_per_kg=bid.ceiling_fen_per_kg + data.draw(st.integers(1, 400)))
    before, after = plan_of(lots, bids), plan_of(lots, [*bids[:chosen], dearer, *bids[chosen + 1 :]])
    assert bought_g(after, bid.id) >= bought_g(before, bid.id)
    assert after.value_mfen >= before.value_mfen


@given(listings(), orders(), st.data())
def test_a_pair_that_said_no_never_raises_the_value_and_is_not_matched(
    lots: list[Listing], bids: list[Order], data: st.DataObject
) -> None:
    pair = (data.draw(st.sampled_from(lots)).id, data.draw(st.sampled_from(bids)).id)
    free, barred = plan_of(lots, bids), plan_of(lots, bids, (pair,))
    assert barred.value_mfen <= free.value_mfen
    assert pair not in {(match.listing_id, match.order_id) for match in barred.matches}
    if pair not in {(match.listing_id, match.order_id) for match in free.matches}:
        assert barred.value_mfen == free.value_mfen
    assert plan_of(lots, bids, (pair, pair, ("gone", "too"))).matches == barred.matches


@given(listings(), orders())
def test_conditions_that_fall_away_never_lower_the_value(lots: list[Listing], bids: list[Order]) -> None:
    strict = plan_of(lots, bids).value_mfen
    for loosened in (
        [replace(bid, min_remaining_life_us=0) for bid in bids],
        [replace(bid, deliver_by_us=HORIZON_US) for bid in bids],
        [replace(bid, min_grade="C") for bid in bids],
        [replace(bid, listing_id=None) for bid in bids],
        [replace(bid, price_basis="farm_gate") for bid in bids],
    ):
        assert plan_of(lots, loosened).value_mfen >= strict
    assert plan_of([replace(lot, available_until_us=None) for lot in lots], bids).value_mfen >= strict


def _scaled(lots: list[Listing], bids: list[Order], times: int) -> tuple[list[Listing], list[Order]]:
    figures = ("quantity_g", "remaining_g", "committed_g")
    return (
        [replace(lot, **{name: getattr(lot, name) * times for name in figures}) for lot in lots],
        [replace(bid, wanted_g=bid.wanted_g * times) for bid in bids],
    )


@given(listings(), orders(), st.integers(2, 9))
def test_everything_so_many_times_as_much_is_worth_so_many_times_as_much(
    lots: list[Listing], bids: list[Order], times: int
) -> None:
    once = plan_of(*_scaled(lots, bids, 4))  # four times, so that the quarters are whole grams
    often = plan_of(*_scaled(lots, bids, 4 * times))
    assert (often.value_mfen, often.matched_g) == (once.value_mfen * times, once.matched_g * times)


@given(listings(), orders(), st.integers(1, 500))
def test_floor_and_ceiling_raised_together_change_nothing_but_the_price(
    lots: list[Listing], bids: list[Order], dearer_fen_per_kg: int
) -> None:
    before = plan_of(lots, bids)
    after = plan_of(
        [replace(lot, floor_fen_per_kg=lot.floor_fen_per_kg + dearer_fen_per_kg) for lot in lots],
        [replace(bid, ceiling_fen_per_kg=bid.ceiling_fen_per_kg + dearer_fen_per_kg) for bid in bids],
    )
    assert (after.value_mfen, after.matched_g) == (before.value_mfen, before.matched_g)
    assert [match.price_fen_per_kg for match in after.matches] == [
        match.price_fen_per_kg + dearer_fen_per_kg for match in before.matches
    ]


@given(listings(), orders())
def test_what_was_matched_leaves_a_market_in_which_nothing_more_can_be(lots: list[Listing], bids: list[Order]) -> None:
    """A round leaves no compatible pair with something left on both sides: every such pair is worth something."""
    plan = plan_of(lots, bids)
    rest_lots = [
        replace(
            lot,
            remaining_g=lot.remaining_g - sold_g(plan, lot.id),
            committed_g=lot.committed_g + sold_g(plan, lot.id),
        )
        for lot in lots
    ]
    rest_bids = [replace(bid, wanted_g=bid.wanted_g - bought_g(plan, bid.id)) for bid in bids]
    pinned_to_the_sold = {lot.id for lot in rest_lots if lot.remaining_g == 0}
    rest_bids = [bid for bid in rest_bids if bid.listing_id not in pinned_to_the_sold]
    assert plan_of(rest_lots, rest_bids).matches == ()


@given(listings(), orders())
def test_every_match_lies_between_floor_and_ceiling_and_arrives_fresh_and_in_time(
    lots: list[Listing], bids: list[Order]
) -> None:
    lot_of, bid_of = {lot.id: lot for lot in lots}, {bid.id: bid for bid in bids}
    for match in plan_of(lots, bids).matches:
        lot, bid = lot_of[match.listing_id], bid_of[match.order_id]
        paid = match.delivered_price_fen_per_kg if bid.price_basis == "delivered" else match.price_fen_per_kg
        assert lot.floor_fen_per_kg <= match.price_fen_per_kg
        assert paid <= bid.ceiling_fen_per_kg
        assert match.arrives_at_us <= bid.deliver_by_us
        assert match.arrives_at_us >= (bid.deliver_from_us or 0)
        assert match.remaining_life_us >= bid.min_remaining_life_us
