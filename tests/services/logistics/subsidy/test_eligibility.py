"""Who is eligible, for how much, from which programme; and which waybills are one."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.logistics.subsidy.eligibility import (
    Caps,
    Conditions,
    Eligible,
    Facts,
    Grant,
    NoGrant,
    Programme,
    Refused,
    Rule,
    amount_fen,
    choose,
    decide,
    in_order,
    waybill_identity,
)

FACTS = Facts(
    origin_adcode="522326",
    origin_poverty_832=True,
    origin_watch_52=True,
    produce="strawberry",
    mass_g=5_000,
    match_mass_g=100_000,
)
DAY = datetime(2026, 12, 1, tzinfo=UTC)


ANY = Conditions()
NO_CAPS = Caps()


def rule(conditions: Conditions = ANY, caps: Caps = NO_CAPS) -> Rule:
    return Rule(3, "courier_parcel", 200, conditions, caps)


def programme(name: str, ends_in: int = 30, age: int = 0, fen: int = 1000, **conditions: object) -> Programme:
    return Programme(
        name,
        DAY + timedelta(days=ends_in),
        DAY - timedelta(days=age),
        rule(Conditions(**conditions)),  # type: ignore[arg-type]
        fen,
    )


def test_a_parcel_that_meets_every_condition_gets_the_rate_of_that_version() -> None:
    conditions = Conditions(True, True, frozenset({"52", "45"}), frozenset({"strawberry"}))
    assert decide(rule(conditions), FACTS) == Eligible(200, 3)


@pytest.mark.parametrize(
    ("conditions", "facts", "reason"),
    [
        (Conditions(poverty_832=True), {"origin_poverty_832": False}, "place"),
        (Conditions(poverty_832=True), {"origin_poverty_832": None}, "status_unknown"),
        (Conditions(poverty_832=False), {"origin_poverty_832": True}, "place"),
        (Conditions(poverty_832=False), {"origin_poverty_832": None}, "status_unknown"),
        (Conditions(watch_52=True), {"origin_watch_52": False}, "place"),
        (Conditions(adcode_prefixes=frozenset({"5224", "45"})), {}, "place"),
        (Conditions(produce=frozenset({"apple"})), {}, "produce"),
        (Conditions(poverty_832=True, watch_52=True), {"origin_watch_52": False}, "place"),
        (
            Conditions(poverty_832=True, adcode_prefixes=frozenset({"45"})),
            {"origin_poverty_832": None},
            "place",
        ),
        (Conditions(), {"match_parcels_g": 105_001}, "match_mass"),
        (Conditions(), {"order_ref_taken": True}, "duplicate_order"),
    ],
)
def test_one_condition_that_fails_is_enough(conditions: Conditions, facts: dict[str, object], reason: str) -> None:
    verdict = decide(rule(conditions), FACTS._replace(**facts))  # type: ignore[arg-type]
    assert verdict == Refused(reason)  # type: ignore[arg-type]


def test_what_nobody_knows_does_not_matter_where_nobody_asks() -> None:
    facts = FACTS._replace(origin_poverty_832=None, origin_watch_52=None)
    assert isinstance(decide(rule(), facts), Eligible)


def test_parcels_may_weigh_a_tenth_more_than_their_match_and_not_a_gram_beyond() -> None:
    assert isinstance(decide(rule(), FACTS._replace(match_parcels_g=105_000)), Eligible)
    assert decide(rule(), FACTS._replace(match_parcels_g=105_001)) == Refused("match_mass")


@pytest.mark.parametrize("who", ["producer", "carrier"])
def test_a_cap_of_parcels_lets_exactly_so_many_through(who: str) -> None:
    caps = Caps(**{f"per_{who}_per_day": 10})
    for today, verdict in ((9, Eligible(200, 3)), (10, Refused("cap"))):
        assert decide(rule(caps=caps), FACTS._replace(**{f"{who}_today": today})) == verdict  # type: ignore[arg-type]


def test_a_cap_of_produce_support_counts_kilograms() -> None:
    support = Rule(1, "produce_support", 30, caps=Caps(per_producer_per_day=20))
    assert decide(support, FACTS._replace(producer_today=15_000)) == Eligible(150, 1)
    assert decide(support, FACTS._replace(producer_today=15_001)) == Refused("cap")


def test_produce_support_knows_no_parcels() -> None:
    facts = FACTS._replace(match_parcels_g=10**9, order_ref_taken=True)
    assert isinstance(decide(Rule(1, "produce_support", 30), facts), Eligible)


@given(st.integers(1, 10**6), st.integers(1, 10**10))
def test_produce_support_is_the_floor_of_rate_times_kilograms(rate_fen: int, mass_g: int) -> None:
    fen = amount_fen(Rule(1, "produce_support", rate_fen), mass_g)
    assert fen * 1000 <= rate_fen * mass_g < (fen + 1) * 1000


def test_no_active_programme_is_none() -> None:
    assert choose([], FACTS) == NoGrant("none")


def test_the_programme_that_ends_first_pays_and_then_the_older_one() -> None:
    late, soon, soon_older = programme("late", 30), programme("soon", 5), programme("older", 5, age=9)
    for order in ([late, soon, soon_older], [soon_older, late, soon], [soon, soon_older, late]):
        assert choose(in_order(order), FACTS) == Grant("older", 200, 3)


def test_an_empty_programme_passes_the_parcel_on_to_the_next() -> None:
    assert choose([programme("a", 1, fen=199), programme("b", 2)], FACTS) == Grant("b", 200, 3)


def test_all_eligible_programmes_empty_is_fund_exhausted_even_beside_one_that_refuses() -> None:
    offered = [programme("elsewhere", 1, adcode_prefixes=frozenset({"11"})), programme("empty", 2, fen=0)]
    assert choose(offered, FACTS) == NoGrant("fund_exhausted", None, "empty")


def test_when_all_refuse_the_reason_is_that_of_the_programme_that_came_nearest() -> None:
    elsewhere = programme("a", 1, adcode_prefixes=frozenset({"11"}))
    apples, pears = (programme(name, 2, produce=frozenset({name})) for name in ("apple", "pear"))
    assert choose(in_order([apples, elsewhere]), FACTS) == NoGrant("not_eligible", "produce", "apple")
    assert choose([elsewhere], FACTS) == NoGrant("not_eligible", "place", "a")
    of_two = choose(in_order([pears, elsewhere, apples]), FACTS)
    assert of_two == NoGrant("not_eligible", "produce", "apple"), "the first of two"
    taken = FACTS._replace(order_ref_taken=True)
    assert choose([apples, programme("b", 9)], taken) == NoGrant("not_eligible", "duplicate_order", "b")


def test_each_programme_may_have_facts_of_its_own() -> None:
    facts = {"a": FACTS._replace(order_ref_taken=True), "b": FACTS}
    assert choose([programme("a", 1), programme("b", 2)], facts) == Grant("b", 200, 3)


@pytest.mark.parametrize(
    "written", ["SF1234567890", "sf 1234 567 890", "ＳＦ１２３４５６７８９０", " sf1234567890\n", "sf\u30001234567890"]
)
def test_a_waybill_is_one_identity_however_it_is_written(written: str) -> None:
    assert waybill_identity(written) == "SF1234567890"


@pytest.mark.parametrize("written", ["", " \t", "x" * 65, "SF\x001", "SF\u200b1", "SF\x1c1", "SF1\ufe0f", "SF\u202e1"])
def test_a_waybill_that_cannot_be_seen_or_is_too_long_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="waybill"):
        waybill_identity(written)


def test_a_waybill_of_64_characters_and_blanks_is_taken() -> None:
    assert len(waybill_identity("ab " * 32)) == 64


@given(st.text(max_size=20))
def test_the_identity_of_an_identity_is_itself(written: str) -> None:
    try:
        identity = waybill_identity(written)
    except ValueError:
        return
    for again in (identity, identity.lower(), " ".join(identity)):
        assert waybill_identity(again) == identity
