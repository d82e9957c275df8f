"""What a farmer writes, as the API is asked for it."""

from typing import Any

import pytest

from gateway.pages.farm.form import Filled
from gateway.pages.farm.texts import TEXTS

FOUR = {"produce": "草莓", "place": "泗阳县", "quantity": "1200", "price": "16.05"}


def body(**fields: str) -> dict[str, Any]:
    return Filled({**FOUR, **fields}).body()


def test_four_fields_make_a_lot() -> None:
    assert body() == {
        "produce": "strawberry",
        "origin": {"adcode": "321323"},
        "quantity_kg": 1200,
        "min_price_fen_per_kg": 1605,
        "divisible": True,
        "auto_agree": True,
    }


def test_what_is_left_empty_is_not_sent_so_that_the_api_says_its_defaults() -> None:
    assert "story" not in body(story="  ", harvested="", households="")


@pytest.mark.parametrize(
    ("typed", "slug"),
    [("Strawberry", "strawberry"), ("strawberry", "strawberry"), ("牛油果", "avocado"), ("桃", "桃"), ("金", "金")],
)
def test_produce_is_known_by_any_of_its_names_and_nothing_is_guessed(typed: str, slug: str) -> None:
    assert body(produce=typed)["produce"] == slug


@pytest.mark.parametrize(
    ("typed", "adcode"), [("江苏省宿迁市泗阳县", "321323"), ("321323", "321323"), ("鼓楼区", "鼓楼区"), ("", "")]
)
def test_a_place_that_means_several_counties_goes_as_it_was_typed(typed: str, adcode: str) -> None:
    assert body(place=typed)["origin"] == {"adcode": adcode}


def test_what_was_chosen_counts_while_it_answers_to_what_is_typed() -> None:
    chosen = {"place_choice": "江苏省南京市鼓楼区", "produce_choice": "桃子"}
    assert body(place="鼓楼区", produce="桃", **chosen)["origin"] == {"adcode": "320106"}
    assert body(place="鼓楼区", produce="桃", **chosen)["produce"] == "peach"
    assert body(**chosen)["origin"] == {"adcode": "321323"}
    assert body(**chosen)["produce"] == "strawberry"


def test_the_reader_is_offered_what_they_may_have_meant() -> None:
    filled = Filled({"produce": "桃", "place": "鼓楼区"})
    assert "桃子" in [each.value for each in filled.produce_choices("zh-CN")]
    assert "Peach" in [each.label for each in filled.produce_choices("en")]
    assert "江苏省南京市鼓楼区" in [each.value for each in filled.place_choices()]
    known = Filled(FOUR)
    assert (list(known.produce_choices("zh-CN")), list(known.place_choices())) == ([], [])


@pytest.mark.parametrize(
    ("field", "typed", "read"),
    [
        ("quantity", "1,200.5", 1200.5),
        ("quantity", "１２００", 1200),
        ("quantity", "many", "many"),
        ("quantity", "NaN", "NaN"),
        ("quantity", "-1", -1),
        ("price", "0.1", 10),
        ("price", "16", 1600),
        ("price", "1.005", "1.005"),
        ("price", "x", "x"),
        ("households", " 3 ", 3),
        ("best_before", "2026-11-29T14:05", "2026-11-29T14:05:00+08:00"),
        ("best_before", "soon", "soon"),
    ],
)
def test_what_people_write_is_read_and_what_is_none_of_its_kind_is_left_to_be_refused(
    field: str, typed: str, read: object
) -> None:
    named = {"quantity": "quantity_kg", "price": "min_price_fen_per_kg"}
    assert body(**{field: typed})[named.get(field, field)] == read


def test_the_ticked_boxes_say_what_is_not_the_default() -> None:
    ticked = body(whole="on", ask_me="on")
    assert (ticked["divisible"], ticked["auto_agree"]) == (False, False)


def test_faults_are_told_by_the_fields_of_the_form() -> None:
    pointers = {"origin.adcode": "a", "quantity_kg": "b", "available_from": "c", "story": "d"}
    assert Filled().faults(pointers, "en") == {"place": "a", "quantity": "b", "harvested": "c", "story": "d"}


def test_of_a_name_that_names_nothing_the_form_speaks_to_people() -> None:
    told = Filled({"produce": "桃"}).faults({"produce": "see /v1/produce", "origin.adcode": "required"}, "en")
    assert told == {"produce": TEXTS["farm.produce.fault"].en, "place": "required"}


def test_a_name_that_is_spelt_wrong_is_answered_with_those_that_are_spelt_like_it() -> None:
    filled = Filled({"place": "泗洋县"})
    assert "江苏省宿迁市泗阳县" in [each.value for each in filled.place_choices()]
    assert filled.body()["origin"] == {"adcode": "泗洋县"}, "nothing is guessed"
    assert [each.value for each in Filled({"place": "江苏泗洋县"}).place_choices()] == [
        "江苏省宿迁市泗阳县",
        "江苏省宿迁市泗洪县",
    ]


@pytest.mark.parametrize(("typed", "text"), [("鼓楼区", "farm.place.several"), ("泗洋县", "farm.place.fault")])
def test_of_a_place_that_is_none_and_of_one_that_is_several_it_is_told_which(typed: str, text: str) -> None:
    assert Filled({"place": typed}).faults({"origin.adcode": "x"}, "zh-CN") == {"place": TEXTS[text].zh}


def test_nobody_is_told_to_choose_where_there_is_nothing_to_choose_from() -> None:
    for typed, text in (("桃", "fault"), ("无此物", "unknown")):
        told = Filled({"produce": typed}).faults({"produce": "see /v1/produce"}, "zh-CN")
        assert told == {"produce": TEXTS[f"farm.produce.{text}"].zh}


@pytest.mark.parametrize(
    ("filled", "faults", "unfolds"),
    [
        ({"village": "穿城"}, set(), False),
        ({"whole": "on"}, set(), True),
        ({"best_before": "2026-12-01T08:00"}, set(), True),
        ({}, {"village"}, True),
        ({}, {"quantity"}, False),
    ],
)
def test_what_is_folded_away_is_seen_once_something_was_typed_there_or_is_wrong(
    filled: dict[str, str], faults: set[str], unfolds: bool
) -> None:
    assert Filled(filled).unfolds(faults) is unfolds
