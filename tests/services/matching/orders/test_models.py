"""An order by itself: its states, its versions, and what counts as new terms."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.problems import StaleVersion
from services.matching.orders.models import Order, OrderClosed

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def order(**changes: Any) -> Order:
    row = {
        "id": uuid4(),
        "lifecycle": "open",
        "version": 3,
        "terms": 2,
        "quantity_g": 1000,
        "held_g": 0,
        "agreed_g": 0,
        "max_price_fen_per_kg": 2600,
        "deliver_from": NOW,
        "deliver_by": NOW + timedelta(days=7),
    }
    return Order(**(row | changes))


@pytest.mark.parametrize(
    ("lifecycle", "held_g", "agreed_g", "status"),
    [
        ("open", 0, 0, "open"),
        ("open", 1000, 0, "open"),
        ("open", 1, 999, "open"),
        ("open", 0, 1000, "filled"),
        ("cancelled", 0, 1000, "cancelled"),
        ("expired", 0, 10, "expired"),
    ],
)
def test_filled_is_when_all_is_agreed_and_not_before(lifecycle: str, held_g: int, agreed_g: int, status: str) -> None:
    it = order(lifecycle=lifecycle, held_g=held_g, agreed_g=agreed_g)
    assert it.status == status
    if status != "open":
        with pytest.raises(OrderClosed):
            it.must_be_open()


def test_a_release_makes_a_filled_order_open_again() -> None:
    it = order(agreed_g=1000)
    it.give_back_agreed(1)
    assert it.status == "open"
    it.must_be_open()


@pytest.mark.parametrize("version", [2, 4, 0])
def test_only_the_version_that_it_has_is_the_one_that_was_read(version: int) -> None:
    order().must_be(3)
    with pytest.raises(StaleVersion) as refused:
        order().must_be(version)
    assert refused.value.fields == {"current": 3}


@pytest.mark.parametrize(
    ("changes", "terms"),
    [
        ({}, 2),
        ({"quantity_g": 1000, "max_price_fen_per_kg": 2600}, 2),
        ({"quantity_g": 1001}, 3),
        ({"max_price_fen_per_kg": 2601}, 3),
        ({"deliver_from": NOW - timedelta(1)}, 3),
        ({"deliver_by": NOW + timedelta(1)}, 3),
        ({"quantity_g": 1, "max_price_fen_per_kg": 1}, 3),
    ],
)
def test_a_change_is_a_version_and_new_terms_only_where_something_differs(changes: dict[str, Any], terms: int) -> None:
    it = order()
    it.change(**changes)
    assert (it.version, it.terms) == (4, terms)


def test_cancelling_twice_is_once() -> None:
    it = order(agreed_g=10)
    assert it.cancel()
    assert not it.cancel()
    assert (it.lifecycle, it.version) == ("cancelled", 4)


@pytest.mark.parametrize("state", [{"lifecycle": "expired"}, {"agreed_g": 1000}])
def test_what_is_over_or_filled_can_not_be_cancelled(state: dict[str, Any]) -> None:
    it = order(**state)
    with pytest.raises(OrderClosed):
        it.cancel()
    assert it.version == 3


@given(st.lists(st.tuples(st.sampled_from(["hold", "settle", "back", "agreed back"]), st.integers(1, 400))))
def test_the_books_always_add_up_to_the_quantity(steps: list[tuple[str, int]]) -> None:
    it = order()
    for step, quantity_g in steps:
        if step == "hold" and quantity_g <= it.free_g:
            it.held_g += quantity_g
        elif step == "settle" and quantity_g <= it.held_g:
            it.settle(quantity_g)
        elif step == "back" and quantity_g <= it.held_g:
            it.give_back_held(quantity_g)
        elif step == "agreed back" and quantity_g <= it.agreed_g:
            it.give_back_agreed(quantity_g)
        assert it.free_g + it.held_g + it.agreed_g == it.quantity_g == 1000
        assert it.promised_g == it.held_g + it.agreed_g
        assert min(it.free_g, it.held_g, it.agreed_g) >= 0
