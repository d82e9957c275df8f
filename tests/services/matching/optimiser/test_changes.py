"""Rounds that look only at what has changed come to what a clearing of everything would."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser.changes import reached, rows_of
from services.matching.optimiser.clear import clear
from services.matching.optimiser.market import Listing, Market, Order
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import HOUR_US, POLICY_1
from tests.services.matching.optimiser.factories import (
    NOW_US,
    every_arc,
    instance,
    linked,
    listing,
    listings,
    order,
    orders,
    pairs_of,
    rows,
)

Rows = tuple[list[Listing], list[Order]]


def carried_out(lots: list[Listing], bids: list[Order], plan: Plan) -> Rows:
    """Both sides with these matches held."""
    sold, bought = dict.fromkeys((lot.id for lot in lots), 0), dict.fromkeys((bid.id for bid in bids), 0)
    for match in plan.matches:
        sold[match.listing_id] += match.quantity_g
        bought[match.order_id] += match.quantity_g
    return (
        [
            replace(lot, committed_g=lot.committed_g + sold[lot.id], remaining_g=lot.remaining_g - sold[lot.id])
            for lot in lots
        ],
        [
            replace(bid, committed_g=bid.committed_g + bought[bid.id], wanted_g=bid.wanted_g - bought[bid.id])
            for bid in bids
        ],
    )


def renamed(rows: Rows) -> Rows:
    lots, bids = rows
    return [replace(lot, id=f"new {lot.id}") for lot in lots], [replace(bid, id=f"new {bid.id}") for bid in bids]


@given(
    listings(divisible=st.sampled_from([True, True, False])),
    orders(min_fill=st.sampled_from([0, 0, 0, 2000])),
    st.data(),
)
def test_a_round_of_what_changed_is_worth_what_a_round_of_everything_is(
    lots: list[Listing], bids: list[Order], data: st.DataObject
) -> None:
    plan = clear(Market.of(lots, bids), POLICY_1, NOW_US)
    lots, bids = carried_out(lots, bids, plan)
    changed: set[str] = set()
    refused: list[tuple[str, str]] = []
    for match in data.draw(st.lists(st.sampled_from(plan.matches), max_size=2, unique=True)) if plan.matches else []:
        refused.append((match.listing_id, match.order_id))  # they said no: both are free again, but not for each other
        changed |= {match.listing_id, match.order_id}
        lots = [_freed(lot, "remaining_g", match.quantity_g) if lot.id == match.listing_id else lot for lot in lots]
        bids = [_freed(bid, "wanted_g", match.quantity_g) if bid.id == match.order_id else bid for bid in bids]
    new_lots, new_bids = renamed((data.draw(listings()), data.draw(orders())))
    new_lots, new_bids = new_lots[: data.draw(st.integers(0, 2))], new_bids[: data.draw(st.integers(0, 2))]
    changed |= {each.id for each in [*new_lots, *new_bids]}
    cheaper = data.draw(st.sampled_from([None, *lots]))
    if cheaper is not None:
        changed.add(cheaper.id)
        lots = [replace(lot, floor_fen_per_kg=0) if lot.id == cheaper.id else lot for lot in lots]
    market = Market.of([*lots, *new_lots], [*bids, *new_bids], refused)
    now_us = NOW_US + data.draw(st.integers(0, 30)) * HOUR_US // 4

    cold = clear(market, POLICY_1, now_us)
    warm = clear(market, POLICY_1, now_us, changed=changed)
    assert (warm.value_mfen, warm.matched_g) == (cold.value_mfen, cold.matched_g)
    assert (warm.bound_mfen, warm.certified_gap) == (cold.bound_mfen, cold.certified_gap)
    assert warm.arcs <= cold.arcs


def _freed(row: Listing | Order, free: str, quantity_g: int) -> Listing | Order:
    return replace(row, **{free: getattr(row, free) + quantity_g, "committed_g": row.committed_g - quantity_g})


def test_nothing_changed_is_nothing_looked_at() -> None:
    market = Market.of([listing()], [order()])
    assert clear(market, POLICY_1, NOW_US, changed=[]).arcs == 0


def test_what_no_change_touches_is_not_looked_at() -> None:
    near, far = {"lon": 121.4, "lat": 31.2}, {"lon": 87.6, "lat": 43.8}
    soon = {"deliver_by_us": NOW_US + 8 * HOUR_US}
    market = Market.of(
        [listing("L1", **near), listing("L2", **far), listing("L3", **far)],
        [order("O1", **near, **soon), order("O2", **far, **soon)],
    )
    plan = clear(market, POLICY_1, NOW_US, changed=["L2"])
    assert {match.order_id for match in plan.matches} == {"O2"}
    assert plan.arcs == 2, "L3 is linked to the change by O2"


def test_who_waits_for_a_promise_is_looked_at_where_a_change_is_linked_to_him() -> None:
    near, far = {"lon": 121.4, "lat": 31.2}, {"lon": 87.6, "lat": 43.8}
    soon = {"deliver_by_us": NOW_US + 8 * HOUR_US, "min_fill_g": 150_000}
    lots = [listing("L1", kg=100, **near), listing("L2", kg=100, **far)]
    bids = [order("O1", kg=200, **near, **soon), order("O2", kg=200, **far, **soon)]
    assert clear(Market.of(lots, bids), POLICY_1, NOW_US).matches == ()
    market = Market.of([*lots, listing("L3", kg=60, **near)], bids)
    plan = clear(market, POLICY_1, NOW_US, changed=["L3"])
    assert {(match.listing_id, match.order_id) for match in plan.matches} == {("L1", "O1"), ("L3", "O1")}
    assert plan.arcs == 2, "not O2's, which waits far away"


@given(listings(), orders(), st.data())
def test_reached_is_whoever_a_chain_of_compatible_pairs_leads_to(
    lots: list[Listing], bids: list[Order], data: st.DataObject
) -> None:
    of = instance(*lots, *bids)
    n, m = len(of.market.listings.ids), len(of.market.orders.ids)
    some_lots, some_bids = (data.draw(st.sets(st.integers(0, count - 1))) for count in (n, m))
    found = reached(of, rows(some_lots), rows(some_bids))
    expected = linked(pairs_of(every_arc(of)), some_lots, some_bids)
    assert [side.tolist() for side in found] == [sorted(side) for side in expected]


def test_who_is_not_in_the_market_any_more_has_no_row() -> None:
    of = instance(listing("L1", kg=10), listing("L2", kg=20), order("O1", kg=10), order("O2", kg=20))
    sides = of.market.listings, of.market.orders
    found = [{side.ids[row] for row in some} for side, some in zip(sides, rows_of(of, {"L1", "O2", "X"}), strict=True)]
    assert found == [{"L1"}, {"O2"}]
