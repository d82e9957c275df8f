"""The table says what the totals say, in numbers a person reads."""

import pytest

from duijie.demo.table import Totals, cny, kg, table

FUND = {"budget_fen": 1000, "available_fen": 700, "reserved_fen": 100, "posted_fen": 200, "paid_fen": 0}
TOTALS = Totals(
    seed=1,
    day="2026-11-23",
    listings=2400,
    orders=720,
    offered_g=2_531_608_000,
    wanted_g=938_984_000,
    matches=1719,
    matched_g=899_463_000,
    saved_g=101_106_250,
    value_fen=532_908_951.5,
    greedy_value_fen=517_257_115.0,
    certified_gap=0.0,
    shipments=1719,
    delivered=1670,
    routes=12,
    routed_stops=102,
    unassigned=27,
    driven_m=9_162_400,
    parcels=12_064,
    parcels_subsidised=11_864,
    subsidies={"reserved": 223, "posted": 11_130, "voided": 400, "reversed": 111, "refused": 200},
    courier=FUND,
    produce=FUND,
)


def test_every_total_that_was_promised_is_in_the_table() -> None:
    said = table(TOTALS)
    for number in (
        "2,531,608 kg in 2,400 lots",
        "899,463 kg in 1,719 matches",
        "101,106.25 kg",
        "5,329,089.5",
        "5,172,571.15",
        "9,162.4 km",
        "11,864 of 12,064",
        "223 reserved, 11,130 posted, 400 voided, 111 reversed",
        "100 fen (1.00 CNY)",
    ):
        assert number in said, number


def test_columns_are_aligned() -> None:
    places = {len(line) - len(line.split("  ")[-1].lstrip()) for line in table(TOTALS).splitlines()}
    assert len(places) == 1


@pytest.mark.parametrize(
    ("grams", "said"), [(0, "0"), (1, "0.001"), (1000, "1"), (10_000, "10"), (1_234_567_890, "1,234,567.89")]
)
def test_kilograms_have_no_needless_zeros(grams: int, said: str) -> None:
    assert kg(grams) == said


def test_money_has_two_decimals() -> None:
    assert (cny(0), cny(5), cny(123_456)) == ("0.00", "0.05", "1,234.56")


def test_totals_survive_their_file() -> None:
    assert Totals(**TOTALS.as_json()) == TOTALS
