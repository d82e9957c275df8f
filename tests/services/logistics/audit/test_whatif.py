"""Other rules over a past, in the order in which it was."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from contracts.parcels import SubsidyStatus
from services.logistics.audit.whatif import Past, outcome
from services.logistics.programmes.granting import Claim
from services.logistics.subsidy.eligibility import Caps, Conditions, Rule

MORNING = datetime(2026, 11, 30, 20, tzinfo=UTC)  # four o'clock in Shanghai
MATCH, PRODUCER, CARRIER, BUYER = (UUID(int=number) for number in range(1, 5))
PLAIN = Rule(1, "courier_parcel", 200)


def past(
    hour: float,
    due: SubsidyStatus = "reserved",
    until: float | None = None,
    mass_g: int = 1000,
    order: str | None = None,
) -> Past:
    asked_at = MORNING + timedelta(hours=hour)
    name = str(uuid4())
    claim = Claim(
        name, asked_at, MATCH, uuid4(), PRODUCER, CARRIER, BUYER, order, "321323", "strawberry", mass_g, 10**6
    )
    return Past(claim, due, None if until is None else MORNING + timedelta(hours=until))


def test_without_an_end_of_money_all_that_are_eligible_get_it() -> None:
    tried = outcome(PLAIN, None, [past(0), past(1, "posted", 3), past(30, "voided", 31)])
    assert (tried.asked, tried.granted, tried.fen, tried.returned_fen) == (3, 3, 400, 200)
    assert {day.isoformat(): (of.asked, of.granted, of.fen) for day, of in tried.days.items()} == {
        "2026-12-01": (2, 2, 400),
        "2026-12-02": (1, 1, 0),
    }
    assert tried.exhausted_at is None


def test_money_that_comes_back_is_granted_again() -> None:
    tried = outcome(PLAIN, 200, [past(0, "voided", 2), past(1, "voided", 9), past(3, "posted", 4)])
    assert (tried.granted, tried.fen, tried.returned_fen) == (2, 200, 200)
    assert +tried.refused == {"fund_exhausted": 1}
    assert tried.exhausted_at == MORNING + timedelta(hours=1)


def test_what_met_an_empty_fund_is_tried_once_more_when_it_was_delivered() -> None:
    pasts = [past(0, "reversed", 5), past(1, "posted", 8), past(2, "posted", 3)]
    tried = outcome(PLAIN, 200, pasts)
    assert (tried.granted, tried.fen) == (2, 200)
    assert tried.days[pasts[1].claim.day].fen == 200


def test_conditions_caps_orders_and_the_weight_of_the_match_are_those_of_claims() -> None:
    elsewhere = Rule(1, "courier_parcel", 200, Conditions(adcode_prefixes=frozenset({"11"})))
    assert outcome(elsewhere, None, [past(0)]).refused == {"place": 1}
    capped = Rule(1, "courier_parcel", 200, caps=Caps(per_carrier_per_day=2))
    assert outcome(capped, None, [past(0), past(1), past(2), past(30)]).refused == {"cap": 1}
    orders = [past(0, "voided", 5, order="A"), past(1, order="A"), past(6, order="A"), past(7, order="B")]
    assert outcome(PLAIN, None, orders).refused == {"duplicate_order": 1}
    heavy = [past(0, mass_g=600_000), past(1, mass_g=600_000), past(2, mass_g=500_000), past(3)]
    assert outcome(PLAIN, None, heavy).refused == {"match_mass": 2}


def test_what_a_match_had_before_weighs_on_those_that_come_after() -> None:
    pasts = [past(0, mass_g=600_000)]
    assert outcome(PLAIN, None, pasts, {MATCH: 500_000}).granted == 1
    assert outcome(PLAIN, None, pasts, {MATCH: 500_001}).refused == {"match_mass": 1}


def test_support_is_by_the_kilogram_and_a_crumb_earns_nothing() -> None:
    support = Rule(1, "produce_support", 33)
    tried = outcome(support, None, [past(0, "posted", mass_g=100_999), past(1, "posted", mass_g=20)])
    assert (tried.granted, tried.fen, tried.refused) == (1, 3332, {"too_small": 1})


ENDS = st.one_of(
    st.just(("reserved", None)), st.tuples(st.sampled_from(["posted", "voided", "reversed"]), st.floats(0, 99))
)


@given(
    st.lists(st.tuples(st.floats(0, 72), ENDS, st.sampled_from([None, "A", "B"])), max_size=30),
    st.integers(0, 2000),
)
def test_no_fen_is_lost_and_none_is_spent_that_was_not_there(
    drawn: list[tuple[float, tuple[SubsidyStatus, float | None], str | None]], budget_fen: int
) -> None:
    pasts = sorted((past(hour, *end, order=order) for hour, end, order in drawn), key=lambda each: each.claim.moment)
    tried = outcome(PLAIN, budget_fen, pasts)
    assert 0 <= tried.fen <= budget_fen
    assert tried.granted * 200 == tried.fen + tried.returned_fen
    assert tried.fen == sum(of.fen for of in tried.days.values())
    assert tried.asked == len(pasts) == tried.granted + sum(tried.refused.values())
