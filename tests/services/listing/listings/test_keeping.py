"""How long a lot keeps, and which times of a listing can't be: the rules alone, without web or database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue import produce as catalogue
from chassis.problems import InvalidInput
from contracts.listings import TemperatureClass
from services.listing.listings.keeping import Times, spoilage, temperature_class_of

MORNING = datetime(2026, 11, 23, tzinfo=UTC)
TIMES = Times(harvested_at=MORNING, available_from=MORNING, available_until=None, best_before=None)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SLUGS = st.sampled_from([each.slug for each in catalogue.all_produce()])
CLASSES = st.sampled_from(get_args(TemperatureClass))


def refusal(times: Times, slug: str = "strawberry", temperature_class: TemperatureClass = "chilled") -> list[str]:
    """The fields that are named."""
    with pytest.raises(InvalidInput) as caught:
        spoilage(slug, temperature_class, times)
    for error in caught.value.errors:
        assert error.detail.zh != error.detail.en
    return [error.pointer for error in caught.value.errors]


def test_a_declared_date_counts_before_any_figure_of_ours() -> None:
    declared = MORNING + timedelta(days=400)
    assert spoilage("strawberry", "chilled", replace(TIMES, best_before=declared)) == (declared, "declared")


def test_strawberries_keep_two_days_from_their_harvest() -> None:
    times = replace(TIMES, harvested_at=MORNING - 5 * HOUR)
    assert spoilage("strawberry", "chilled", times) == (MORNING - 5 * HOUR + 2 * DAY, "catalogue")


def test_a_class_of_unknown_life_takes_the_categorys_shortest() -> None:
    spoils_at, source = spoilage("strawberry", "ambient", TIMES)
    strawberry = catalogue.get("strawberry")
    assert strawberry is not None
    assert (spoils_at - MORNING, source) == (catalogue.shortest_life_of_category(strawberry.category), "category")


@given(SLUGS)
def test_frozen_produce_of_any_kind_needs_its_own_date(slug: str) -> None:
    assert refusal(TIMES, slug, "frozen") == ["#/best_before"]
    declared = MORNING + 90 * DAY
    assert spoilage(slug, "frozen", replace(TIMES, best_before=declared)) == (declared, "declared")


@given(SLUGS, CLASSES)
def test_whatever_is_posted_has_a_date_after_its_harvest_or_is_asked_for_one(
    slug: str, temperature_class: TemperatureClass
) -> None:
    produce = catalogue.get(slug)
    assert produce is not None
    if catalogue.shelf_life(produce, catalogue.TemperatureClass(temperature_class)) is None:
        assert refusal(TIMES, slug, temperature_class) == ["#/best_before"]
        return
    spoils_at, source = spoilage(slug, temperature_class, TIMES)
    assert spoils_at > TIMES.harvested_at
    assert source in {"catalogue", "category"}


def test_a_lot_that_would_be_spoiled_before_it_is_available_is_refused() -> None:
    long_ago = replace(TIMES, harvested_at=MORNING - 2 * DAY)
    assert refusal(long_ago) == ["#/harvested_at"]
    just_in_time = replace(TIMES, harvested_at=MORNING - 2 * DAY + timedelta(microseconds=1))
    assert spoilage("strawberry", "chilled", just_in_time)[0] > MORNING


@pytest.mark.parametrize(
    ("times", "pointers"),
    [
        (replace(TIMES, harvested_at=MORNING + HOUR), ["#/harvested_at"]),
        (replace(TIMES, available_until=MORNING), ["#/available_until"]),
        (replace(TIMES, available_until=MORNING - HOUR), ["#/available_until"]),
        (replace(TIMES, best_before=MORNING), ["#/best_before"]),
        (replace(TIMES, best_before=MORNING - HOUR), ["#/best_before"]),
        (replace(TIMES, harvested_at=MORNING - DAY, best_before=MORNING), ["#/best_before"]),
        (
            Times(MORNING + HOUR, MORNING, MORNING - HOUR, MORNING - DAY),
            ["#/harvested_at", "#/available_until", "#/best_before"],
        ),
    ],
    ids=["late harvest", "no window", "window backwards", "bad at harvest", "before", "bad when available", "all"],
)
def test_times_that_cannot_be_are_all_named_at_once(times: Times, pointers: list[str]) -> None:
    assert refusal(times) == pointers


def test_the_boundaries_themselves_can_be() -> None:
    tick = timedelta(microseconds=1)
    times = replace(TIMES, available_until=MORNING + tick, best_before=MORNING + tick)
    assert spoilage("strawberry", "chilled", times) == (MORNING + tick, "declared")


def test_the_class_is_what_was_asked_for_else_the_one_in_which_it_keeps_longest() -> None:
    assert temperature_class_of("strawberry", "ambient") == "ambient"
    assert temperature_class_of("strawberry", None) == "chilled"
    assert temperature_class_of("garlic", None) == "ambient"


@given(SLUGS)
def test_no_other_class_is_known_to_keep_longer_than_the_default(slug: str) -> None:
    produce = catalogue.get(slug)
    assert produce is not None
    lives = {kept.value: life for kept, life in produce.life_by_class.items() if life is not None}
    chosen = temperature_class_of(slug, None)
    assert lives.get(chosen) == max(lives.values(), default=None)
    assert lives or chosen == "chilled"
