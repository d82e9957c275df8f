from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser.market import LATEST_US, Market, SetAside
from tests.services.matching.optimiser.factories import KG, NOW_US, listing, order


def test_rows_are_sorted_by_id_whatever_order_they_come_in() -> None:
    market = Market.of([listing("b"), listing("a")], [order("y"), order("x", listing_id="b")])
    assert market.listings.ids == ("a", "b")
    assert market.orders.ids == ("x", "y")
    assert market.orders.pin.tolist() == [1, -1]


def test_what_is_sold_out_or_filled_takes_no_part_and_is_nothing_odd() -> None:
    market = Market.of([listing(remaining_g=0, committed_g=1200 * KG)], [order(wanted_g=0)])
    assert market.listings.ids == ()
    assert market.orders.ids == ()
    assert market.set_aside == ()


@given(
    quantity_g=st.integers(1, 10**10),
    committed_g=st.integers(0, 10**10),
    remaining_g=st.integers(1, 10**10),
)
def test_the_grams_left_are_counted_in_the_quarter_of_the_lot_they_fall_in(
    quantity_g: int, committed_g: int, remaining_g: int
) -> None:
    row = listing(quantity_g=quantity_g, committed_g=committed_g, remaining_g=remaining_g)
    quarters = Market.of([row], []).listings.quarter_g[0].tolist()
    assert sum(quarters) == remaining_g
    # The gram after n others is in quarter ⌊4n ÷ quantity⌋; look at both ends of each quarter.
    n = committed_g
    for quarter, grams in enumerate(quarters):
        if grams:
            assert min(4 * n // quantity_g, 3) == quarter
            assert min(4 * (n + grams - 1) // quantity_g, 3) == quarter
        n += grams


def test_a_fresh_lot_has_four_equal_quarters_and_one_partly_sold_starts_later() -> None:
    fresh = listing("a", kg=1200)
    sold = listing("b", quantity_g=1200 * KG, committed_g=400 * KG, remaining_g=800 * KG)
    quarters = Market.of([fresh, sold], []).listings.quarter_g // KG
    assert quarters.tolist() == [[0, 200, 300, 300], [300, 300, 300, 300]]  # the smaller lot first


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"quantity_g": 0}, "quantity_out_of_range"),
        ({"remaining_g": 10**10 + 1}, "quantity_out_of_range"),
        ({"remaining_g": -1}, "quantity_out_of_range"),
        ({"floor_fen_per_kg": 10**6 + 1}, "price_out_of_range"),
        ({"floor_fen_per_kg": None}, "malformed"),
        ({"grade": "D"}, "grade_unknown"),
        ({"temperature_class": "warm"}, "temperature_class_unknown"),
        ({"lon": nan}, "place_unknown"),
        ({"lat": None}, "malformed"),
        ({"lat": 90.5}, "place_unknown"),
        ({"spoils_at_us": LATEST_US + 1}, "time_out_of_range"),
    ],
)
def test_an_odd_listing_is_set_aside_with_a_reason(change: dict[str, object], reason: str) -> None:
    market = Market.of([listing("odd", **change), listing("sound")], [order()])
    assert market.listings.ids == ("sound",)
    assert market.set_aside == (SetAside("listing", "odd", reason),)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"wanted_g": 10**10 + 1}, "quantity_out_of_range"),
        ({"min_fill_g": -1}, "quantity_out_of_range"),
        ({"ceiling_fen_per_kg": -1}, "price_out_of_range"),
        ({"min_grade": ""}, "grade_unknown"),
        ({"price_basis": "gift"}, "price_basis_unknown"),
        ({"lon": -181.0}, "place_unknown"),
        ({"deliver_by_us": -NOW_US}, "time_out_of_range"),
    ],
)
def test_an_odd_order_is_set_aside_with_a_reason(change: dict[str, object], reason: str) -> None:
    market = Market.of([listing()], [order("odd", **change), order("sound")])
    assert market.orders.ids == ("sound",)
    assert market.set_aside == (SetAside("order", "odd", reason),)


def test_two_rows_under_one_id_are_both_set_aside() -> None:
    market = Market.of([listing("a", kg=1), listing("a", kg=2), listing("b")], [])
    assert market.listings.ids == ("b",)
    assert market.set_aside == (SetAside("listing", "a", "duplicate_id"),)
