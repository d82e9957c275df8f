"""What people type into the forms that order."""

import pytest

from catalogue import places
from gateway.pages.ordering import Way, fen_typed, kg_typed, where


@pytest.mark.parametrize(
    ("text", "kg"),
    [
        ("20", 20),
        ("1,200.5", 1200.5),
        ("０.００１", 0.001),
        ("1e3", 1000),
        (" 3 ", 3),
        ("1.5000", 1.5),
        ("0.0010", 0.001),
    ],
)
def test_a_mass_as_people_write_it(text: str, kg: float) -> None:
    assert kg_typed(text) == kg


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "x", "1.2345", "1.23450", "NaN", "Infinity", "1e99", "1e1000000", "1e-99", "一"]
)
def test_what_is_no_mass(text: str) -> None:
    assert kg_typed(text) is None


@pytest.mark.parametrize(
    ("text", "fen"), [("16", 1600), ("16.05", 1605), ("1,234.5", 123_450), ("０.０１", 1), ("16.050", 1605)]
)
def test_a_price_is_read_to_the_fen(text: str, fen: int) -> None:
    assert fen_typed(text) == fen


@pytest.mark.parametrize("text", ["", "0", "-1", "1.005", "¥", "Infinity", "1e30"])
def test_what_is_no_price(text: str) -> None:
    assert fen_typed(text) is None


def test_a_place_is_found_by_what_people_call_it_and_never_guessed() -> None:
    assert where("南京玄武").place == places.get("320102")
    several = where("朝阳")
    assert several.place is None
    assert {"北京市朝阳区", "辽宁省朝阳市朝阳县"} <= {each.full_name for each in several.choices}
    chosen = where("朝阳", several.choices[0].adcode)
    assert chosen.place == several.choices[0]
    assert where("朝阳", "320102").place is None, "a choice that was made for another name"
    assert where("").fault("en") == "There is no such place; give the Chinese name of a district or county."


def test_of_a_name_that_is_spelt_wrong_one_is_chosen_and_none_is_taken() -> None:
    wrong = where("江苏泗洋县")
    assert (wrong.place, [each.adcode for each in wrong.choices]) == (None, ["321323", "321324"])
    assert wrong.fault("en") == "No place goes by that name; is it one of these?"
    assert where("江苏泗洋县", "321323").place == places.get("321323")
    assert where("江苏泗洋县", "320102").place is None


def test_every_full_name_means_its_own_place() -> None:
    for name in ("北京市朝阳区", "吉林省长春市朝阳区", "辽宁省朝阳市朝阳县", "江苏省南京市鼓楼区", "海南省东方市"):
        assert [found.full_name for found in [where(name).place] if found] == [name]


def test_the_ceiling_is_a_round_price_above_floor_and_freight() -> None:
    assert Way(242.0, 52, 8.0).ceiling_fen_per_kg(1605) == 1670
    assert Way(242.0, 50, 8.0).ceiling_fen_per_kg(1600) == 1660
