"""The figures of the backlog's pages: summed in grams, grouped, and never more or less than the API told."""

from typing import Any

import pytest

from gateway.pages.backlog.views import Row, by_basis, by_hours, by_produce, in_all, tone


def an_item(**changes: Any) -> dict[str, Any]:
    area = {"adcode": "321323", "name": "泗阳县", "province": "江苏省", "poverty_832": None, "watch_52": False}
    return {
        "area": area | changes.pop("area", {}),
        "produce": "strawberry",
        "name_zh": "草莓",
        "name_en": "Strawberry",
        "open_kg": 1200.5,
        "at_risk_kg": 300.1,
        "hours_left_median": 30.5,
        "listings": 2,
        "forecast": "fitted",
        **changes,
    }


def rows(*items: dict[str, Any]) -> list[Row]:
    return [Row.of(each, "en") for each in items]


def test_sums_are_exact_where_floats_are_not() -> None:
    total = in_all(rows(*(an_item(open_kg=0.1, at_risk_kg=0.001, listings=1) for _ in range(3))))
    assert (total.open_kg, total.at_risk_kg, total.listings) == (0.3, 0.003, 3)


def test_nothing_open_is_no_share_at_risk() -> None:
    assert in_all([]).share == 0
    assert by_basis([]) == []


def test_produce_is_summed_over_areas_the_most_at_risk_first() -> None:
    of_two = an_item(produce="tomato", name_en="Tomato", at_risk_kg=200)
    kinds = by_produce(rows(an_item(), of_two, of_two))
    assert [(each.name, each.sum.at_risk_kg) for each in kinds] == [("Tomato", 400), ("Strawberry", 300.1)]


@pytest.mark.parametrize(
    ("hours", "band"), [(0, 0), (11.9, 0), (12, 1), (24, 2), (95.9, 3), (239, 4), (240, 5), (9000, 5)]
)
def test_a_row_counts_in_the_band_of_its_median(hours: float, band: int) -> None:
    bands = by_hours(rows(an_item(hours_left_median=hours)))
    assert [at for at, each in enumerate(bands) if each.sum.listings] == [band]
    assert (bands[0].from_h, bands[-1].until_h) == (0, None)
    assert [each.until_h for each in bands[:-1]] == [each.from_h for each in bands[1:]]


def test_what_forecasts_rest_on_is_weighed_by_what_is_at_risk_the_best_first() -> None:
    found = by_basis(rows(an_item(forecast="prior", at_risk_kg=100), an_item(at_risk_kg=300)))
    assert [(each.name, each.share) for each in found] == [("fitted", 0.75), ("prior", 0.25)]


@pytest.mark.parametrize(("share", "badge"), [(0, "good"), (0.19, "good"), (0.2, "soon"), (0.5, "alarm"), (1, "alarm")])
def test_the_tone_follows_the_share(share: float, badge: str) -> None:
    assert tone(share) == badge


def test_a_kind_has_the_name_of_the_readers_language() -> None:
    item = an_item(produce="asian-pear")
    assert [Row.of(item, "zh-CN").name, Row.of(item, "en").name] == ["沙梨", "Asian pear (nashi)"]


def test_a_province_is_not_said_to_lie_in_itself() -> None:
    (province,) = rows(an_item(area={"name": "江苏省"}))
    (county,) = rows(an_item())
    assert (province.within, county.within) == ("", "江苏省")
