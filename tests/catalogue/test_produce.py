from datetime import timedelta

import pytest

from catalogue import produce
from catalogue.produce import Produce, ShelfLife, TemperatureClass

AMBIENT, CHILLED, FROZEN = TemperatureClass


def known(slug: str) -> Produce:
    found = produce.get(slug)
    assert found is not None
    return found


def days(count: int) -> timedelta:
    return timedelta(days=count)


def test_every_row_of_the_source_is_there():
    everything = produce.all_produce()
    assert len(everything) == 125
    assert len({item.slug for item in everything}) == 125
    assert len([item for item in everything if item.life_ambient or item.life_chilled]) == 115


@pytest.mark.parametrize("item", produce.all_produce(), ids=lambda item: item.slug)
def test_everything_has_a_name_in_both_languages(item: Produce):
    assert item.name_en.isascii()
    assert item.name_zh
    assert not any(character.isascii() for character in item.name_zh)


def test_strawberries_keep_two_days_chilled_and_nobody_knows_how_long_on_a_shelf():
    strawberry = known("strawberry")
    assert (strawberry.name_zh, strawberry.name_en, strawberry.category) == ("草莓", "Strawberry", "fruit")
    assert strawberry.life_by_class == {AMBIENT: None, CHILLED: days(2), FROZEN: None}
    assert strawberry.storage_temp_c == 0.0
    assert produce.default_temperature_class(strawberry) is CHILLED
    assert produce.shelf_life(strawberry, CHILLED) == ShelfLife(days(2), "catalogue")


def test_the_default_class_is_the_one_in_which_it_keeps_longest():
    assert produce.default_temperature_class(known("apple")) is CHILLED
    assert produce.default_temperature_class(known("garlic")) is AMBIENT
    assert produce.default_temperature_class(known("sweet-potato")) is AMBIENT


def test_cold_is_worse_for_eight_kinds_of_produce():
    worse = [
        item.slug
        for item in produce.all_produce()
        if item.life_ambient and item.life_chilled and item.life_ambient > item.life_chilled
    ]
    assert len(worse) == 8
    assert {"garlic", "potato", "taro"} <= set(worse)


def test_of_two_equal_lives_the_one_without_a_cold_chain_is_taken():
    assert produce.default_temperature_class(known("orange")) is AMBIENT


def test_produce_of_unknown_life_is_chilled_by_default():
    persimmon = known("persimmon")
    assert persimmon.life_ambient is None
    assert persimmon.life_chilled is None
    assert produce.default_temperature_class(persimmon) is CHILLED


def test_an_unknown_life_is_the_shortest_known_of_the_category():
    assert produce.shelf_life(known("strawberry"), AMBIENT) == ShelfLife(days(1), "category")
    assert produce.shelf_life(known("parsley"), AMBIENT) == ShelfLife(days(2), "category")


def test_green_onions_do_not_let_spinach_lie_on_a_shelf_for_a_month():
    assert known("green-onion").life_ambient == days(30)
    assert produce.shelf_life(known("spinach"), AMBIENT) == ShelfLife(days(2), "category")


@pytest.mark.parametrize("item", produce.all_produce(), ids=lambda item: item.slug)
def test_a_figure_of_the_category_is_never_longer_than_a_known_one(item: Produce):
    for temperature_class in (AMBIENT, CHILLED):
        life = produce.shelf_life(item, temperature_class)
        assert life is not None
        own = item.life_by_class[temperature_class]
        assert life == (ShelfLife(own, "catalogue") if own else ShelfLife(life.duration, "category"))
        assert all(life.duration <= other for other in item.life_by_class.values() if other and not own)


def test_frozen_produce_needs_its_own_date():
    assert all(produce.shelf_life(item, FROZEN) is None for item in produce.all_produce())


def test_a_category_without_any_life_gives_none():
    unheard_of = Produce("x", "某", "X", "nut", None, None, None, None)
    assert produce.shelf_life(unheard_of, AMBIENT) is None
    assert produce.shelf_life(unheard_of, CHILLED) is None


def test_the_classes_are_the_words_of_the_api():
    assert [str(temperature_class) for temperature_class in TemperatureClass] == ["ambient", "chilled", "frozen"]


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("草莓", "strawberry"),
        ("Strawberry", "strawberry"),
        ("star fruit", "star-fruit"),
        ("bok-choy", "bok-choy"),
        ("西红柿", "tomato"),
        ("马铃薯", "potato"),
        ("cilan", "cilantro"),
        ("雪梨", "pear"),
        ("白萝卜", "radish"),
        ("贝贝南瓜", "winter-squash"),
        ("四季豆", "green-bean"),
        ("南瓜", "pumpkin"),
    ],
)
def test_produce_is_found_by_slug_name_and_everyday_name(q: str, first: str):
    assert produce.search(q)[0].slug == first


def test_the_exact_name_comes_before_names_that_hold_it():
    found = [item.slug for item in produce.search("carrot")]
    assert found == ["carrot", "baby-carrot"]


def test_an_empty_search_gives_everything_up_to_the_limit():
    assert len(produce.search("", limit=500)) == 125
    assert len(produce.search("", limit=7)) == 7


def test_what_is_not_produce_is_not_found():
    assert produce.get("bicycle") is None
    assert produce.search("bicycle") == ()


def test_every_everyday_name_belongs_to_produce_and_to_no_other():
    names = [name for item in produce.all_produce() for name in (item.name_zh, *item.aliases)]
    assert len(names) == len(set(names))
    assert sum(len(item.aliases) for item in produce.all_produce()) == 68
