"""What looks like fraud, and what only nearly does."""

from datetime import UTC, datetime, timedelta

import pytest

from catalogue.geodesy import great_circle_km
from services.logistics.flags import rules
from services.logistics.flags.rules import Early, Repeated, Seen, Share, Weights

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
SIYANG, NANJING, CHENGDU = (118.70, 33.72), (118.80, 32.06), (104.07, 30.67)


@pytest.mark.parametrize(
    ("share", "is_flagged"),
    [
        (Share("c", 100, 100, 1000, 500), True),
        (Share("c", 1000, 980, 1000, 900), True),
        (Share("c", 1000, 979, 1000, 500), False),  # nearly all is not all
        (Share("c", 99, 99, 1000, 500), False),  # too few to say
        (Share("c", 100, 100, 1000, 901), False),  # so have the others
        (Share("c", 100, 100, 0, 0), False),  # nobody to compare with
    ],
)
def test_who_has_everything_subsidised_where_others_have_not(share: Share, is_flagged: bool) -> None:
    assert [each.rule for each in rules.of_share(share)] == ["subsidised_share"] * is_flagged


def test_parcels_that_weigh_more_than_was_fetched() -> None:
    matches = [Weights("a", 105_000, 100_000), Weights("b", 105_001, 100_000), Weights("c", 1, 0)]
    found = rules.of_weights(matches)
    assert [(each.subject, each.evidence["declared_g"]) for each in found] == [("b", 105_001), ("c", 1)]


def seen(hours: float, place: tuple[float, float], adcode: str = "1") -> Seen:
    return Seen(NOON + timedelta(hours=hours), adcode, *place)


@pytest.mark.parametrize(
    ("scans", "is_flagged"),
    [
        ([seen(0, SIYANG), seen(3, NANJING)], False),  # 185 km
        ([seen(0, SIYANG), seen(1, NANJING)], False),  # 125 beyond what two seats may hide
        ([seen(0, SIYANG), seen(0.5, NANJING)], True),
        ([seen(0, SIYANG), seen(24, CHENGDU)], False),  # by lorry
        ([seen(0, SIYANG), seen(5, CHENGDU)], True),
        ([seen(5, CHENGDU), seen(0, SIYANG)], True),  # in whatever order it was told
        ([seen(0, SIYANG), seen(0, CHENGDU)], True),  # at two places at once
        ([seen(0, SIYANG), seen(0, SIYANG)], False),
        ([seen(0, SIYANG)], False),
        ([], False),
    ],
)
def test_a_parcel_that_was_faster_than_any_lorry(scans: list[Seen], is_flagged: bool) -> None:
    assert bool(rules.of_speed({"SF1": scans}, great_circle_km)) == is_flagged


def test_of_a_parcel_the_fastest_of_its_ways_is_told() -> None:
    scans = [seen(0, SIYANG, "a"), seen(30, CHENGDU, "b"), seen(30.5, SIYANG, "c")]
    (found,) = rules.of_speed({"SF1": scans}, great_circle_km)
    assert (found.subject, found.evidence["from"], found.evidence["to"]) == ("SF1", "b", "c")
    assert found.evidence["km_h"] > 2000


def test_many_alike_parcels_to_one_county_that_no_order_stands_for() -> None:
    found = rules.of_recipients([Repeated("m", "320102", 2500, each) for each in (19, 20)])
    assert [each.evidence for each in found] == [{"recipient_adcode": "320102", "weight_g": 2500, "parcels": 20}]


@pytest.mark.parametrize(("hours", "is_flagged"), [(-2, True), (-1, False), (0, False), (5, False)])
def test_what_was_delivered_before_it_was_fetched(hours: float, is_flagged: bool) -> None:
    found = rules.of_early([Early("m", NOON, NOON + timedelta(hours=hours), 3), Early("n", None, NOON, 99)])
    assert [(each.subject, each.evidence["parcels"]) for each in found] == [("m", 3)] * is_flagged


@pytest.mark.parametrize(("parcels", "flagged"), [((12, 8), ["m0", "m1"]), ((12, 7), []), ((), [])])
def test_goods_of_a_statement_that_its_carrier_never_fetched(parcels: tuple[int, ...], flagged: list[str]) -> None:
    matches = [Early(f"m{number}", None, NOON, each) for number, each in enumerate(parcels)]
    found = rules.of_unfetched([*matches, Early("fetched", NOON, NOON - timedelta(hours=2), 99)])
    assert [each.subject for each in found] == flagged
