"""A listing's verbs: what changes it, what it refuses, and what it believes of matching."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.problems import StaleVersion
from contracts.listings import ListingPublished
from contracts.supply import RemainingChanged
from services.listing.listings.models import Listing, ListingClosed

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def listing(**changes: Any) -> Listing:
    """An open lot of 100 kg, in version 1."""
    fields: dict[str, Any] = {
        "id": uuid4(),
        "producer_id": uuid4(),
        "lifecycle": "open",
        "version": 1,
        "produce": "strawberry",
        "grade": "B",
        "quantity_g": 100_000,
        "min_price_fen_per_kg": 1600,
        "origin_adcode": "321323",
        "origin_village": "村",
        "harvested_at": NOW,
        "available_from": NOW,
        "temperature_class": "chilled",
        "spoils_at": NOW + timedelta(days=2),
        "shelf_life_source": "catalogue",
        "story": "故事",
        "divisible": True,
        "auto_agree": True,
        "supply_version": 0,
        "remaining_g": 100_000,
        "held_g": 0,
        "agreed_g": 0,
    }
    return Listing(**{**fields, **changes})


def supply(lot: Listing, version: int, **figures: int) -> RemainingChanged:
    told = {"listing_version": lot.version, "quantity_g": 100_000, "remaining_g": 100_000, "held_g": 0, "agreed_g": 0}
    return RemainingChanged(listing_id=lot.id, version=version, **{**told, **figures})


@pytest.mark.parametrize(
    ("lifecycle", "remaining_g", "held_g", "status"),
    [
        ("open", 1, 0, "open"),
        ("open", 0, 1, "open"),
        ("open", 0, 0, "sold_out"),
        ("withdrawn", 0, 0, "withdrawn"),
        ("withdrawn", 1, 1, "withdrawn"),
        ("expired", 0, 0, "expired"),
    ],
)
def test_sold_out_is_an_open_lot_of_which_nothing_is_left_or_held(
    lifecycle: str, remaining_g: int, held_g: int, status: str
) -> None:
    assert listing(lifecycle=lifecycle, remaining_g=remaining_g, held_g=held_g).status == status


def test_a_change_counts_one_version_however_much_it_changes() -> None:
    lot = listing()
    lot.change(story="x", quantity_g=5)
    assert (lot.story, lot.quantity_g, lot.version) == ("x", 5, 2)


@pytest.mark.parametrize("lifecycle", ["withdrawn", "expired"])
def test_a_closed_lot_takes_no_change(lifecycle: str) -> None:
    lot = listing(lifecycle=lifecycle)
    with pytest.raises(ListingClosed):
        lot.change(story="x")
    assert (lot.version, lot.story) == (1, "故事")


def test_a_sold_out_lot_may_still_be_changed_and_withdrawn() -> None:
    lot = listing(remaining_g=0)
    lot.change(quantity_g=200_000)
    assert lot.withdraw()
    assert (lot.status, lot.version) == ("withdrawn", 3)


def test_withdrawing_twice_is_the_same_and_after_expiry_too_late() -> None:
    lot = listing()
    assert lot.withdraw()
    assert not lot.withdraw()
    assert lot.version == 2
    expired = listing()
    expired.expire()
    with pytest.raises(ListingClosed):
        expired.withdraw()
    assert (expired.status, expired.version) == ("expired", 2)


def test_the_stale_version_is_told_the_present_one() -> None:
    lot = listing(version=7)
    lot.must_be(7)
    lot.must_be(None)
    with pytest.raises(StaleVersion) as caught:
        lot.must_be(6)
    for language in ("zh-CN", "en"):
        assert "7" in caught.value.body(language)["detail"]


def test_news_of_supply_changes_the_figures_and_not_the_version() -> None:
    lot = listing()
    assert not lot.hear_of_supply(supply(lot, 1, remaining_g=30_000, held_g=20_000, agreed_g=50_000))
    assert (lot.remaining_g, lot.held_g, lot.agreed_g) == (30_000, 20_000, 50_000)
    assert (lot.version, lot.supply_version) == (1, 1)


@pytest.mark.parametrize("version", [3, 2, 1])
def test_older_news_than_what_is_known_is_passed_over(version: int) -> None:
    lot = listing(supply_version=3)
    assert not lot.hear_of_supply(supply(lot, version, remaining_g=0, quantity_g=1))
    assert (lot.remaining_g, lot.quantity_g, lot.supply_version) == (100_000, 100_000, 3)


def test_a_clamp_of_the_present_version_is_a_change_and_of_an_older_one_is_not() -> None:
    lot = listing(version=2)
    assert not lot.hear_of_supply(supply(lot, 1, listing_version=1, quantity_g=300_000))
    assert (lot.quantity_g, lot.version) == (100_000, 2)
    assert lot.hear_of_supply(supply(lot, 2, listing_version=2, quantity_g=300_000))
    assert (lot.quantity_g, lot.version) == (300_000, 3)


@given(st.permutations(range(1, 7)), st.lists(st.integers(0, 6), max_size=6))
def test_in_whatever_order_and_however_often_news_comes_the_last_word_stands(
    order: list[int], again: list[int]
) -> None:
    lot = listing()
    news = {version: supply(lot, version, remaining_g=100_000 - version, agreed_g=version) for version in range(1, 7)}
    for version in [*order, *(each for each in again if each)]:
        lot.hear_of_supply(news[version])
    assert (lot.remaining_g, lot.agreed_g, lot.supply_version, lot.version) == (99_994, 6, 6, 1)


def test_a_fact_tells_the_state_and_neither_village_nor_story() -> None:
    lot = listing()
    told = lot.fact(ListingPublished).model_dump_json()
    assert "321323" in told
    assert "村" not in told
    assert "故事" not in told
