"""The desk that grants subsidies, without a database: what one claim leaves for the next."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.programmes import ProgrammeKind
from services.logistics.programmes.granting import Claim, Desk
from services.logistics.programmes.models import Programme, RuleVersion
from services.logistics.subsidy.eligibility import Grant, NoGrant
from services.logistics.subsidy.fund import Fund
from services.logistics.subsidy.ledger import Balances, Head
from services.logistics.subsidy.queries import CapKey

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
DAY = timedelta(days=1)
PRODUCER, CARRIER, BUYER, MATCH = uuid4(), uuid4(), uuid4(), uuid4()


def programme(kind: ProgrammeKind = "courier_parcel", ends_in: int = 30, **rule: Any) -> Programme:
    standard: dict[str, Any] = {"rate_fen": 200, "adcodes": [], "produce": []}
    version = RuleVersion(version=1, effective_at=NOON - DAY, **(standard | rule))
    return Programme(
        id=uuid4(),
        kind=kind,
        starts_at=NOON - DAY,
        ends_at=NOON + ends_in * DAY,
        created_at=NOON - 2 * DAY,
        rules=[version],
    )


def fund(of: Programme, available_fen: int) -> Fund:
    head = Head(str(of.id), 1, "0" * 64, Balances(funder=-available_fen, available=available_fen))
    return Fund(of.id, head, NOON, 200, None, 1, Counter())


def desk(
    *opened: tuple[Programme, int],
    kind: ProgrammeKind = "courier_parcel",
    taken: set[tuple[UUID, str]] | None = None,
    used: dict[CapKey, int] | None = None,
) -> Desk:
    funds = {each.id: fund(each, available_fen) for each, available_fen in opened}
    return Desk(kind, [each for each, _ in opened], funds, taken or set(), used or {})


def claim(subject: str = "SF1", **changes: Any) -> Claim:
    standard: dict[str, Any] = {
        "moment": NOON,
        "match_id": MATCH,
        "parcel_id": uuid4(),
        "producer_id": PRODUCER,
        "carrier_id": CARRIER,
        "buyer_id": BUYER,
        "order_ref": None,
        "origin_adcode": "321323",
        "produce": "strawberry",
        "mass_g": 1000,
        "match_mass_g": 300_000,
    }
    return Claim(subject=subject, **(standard | changes))


@given(st.integers(0, 30), st.integers(0, 199), st.integers(0, 40))
def test_with_money_for_k_the_first_k_get_it(k: int, change_fen: int, asking: int) -> None:
    one = programme()
    at_desk = desk((one, 200 * k + change_fen))
    verdicts = [at_desk.ask(claim(f"SF{number}")) for number in range(asking)]
    granted = [isinstance(verdict, Grant) for verdict in verdicts]
    assert granted == [number < k for number in range(asking)]
    assert all(verdict == NoGrant("fund_exhausted", None, str(one.id)) for verdict in verdicts[k:])
    batch = at_desk.funds[one.id].batch()
    assert batch.head.balances.reserved == 200 * min(k, asking)
    assert batch.head.balances.sound


def test_where_nothing_is_active_there_is_none_and_a_moment_outside_of_the_dates_is_nothing() -> None:
    assert desk().ask(claim()) == NoGrant("none")
    at_desk = desk((programme(), 1000))
    assert at_desk.ask(claim(moment=NOON - DAY - timedelta(microseconds=1))) == NoGrant("none")
    assert at_desk.ask(claim(moment=NOON + 30 * DAY)) == NoGrant("none")
    assert isinstance(at_desk.ask(claim(moment=NOON - DAY)), Grant)


def test_a_claim_goes_by_the_rules_of_its_own_moment_however_late_it_comes() -> None:
    one = programme()
    one.rules.append(RuleVersion(version=2, effective_at=NOON + DAY, rate_fen=500, adcodes=[], produce=[]))
    at_desk = desk((one, 1000))
    assert at_desk.ask(claim("a", moment=NOON + 2 * DAY)) == Grant(str(one.id), 500, 2)
    assert at_desk.ask(claim("b", moment=NOON)) == Grant(str(one.id), 200, 1)
    assert at_desk.funds[one.id].available_fen == 300


def test_of_one_order_the_first_has_the_subsidy_at_this_desk_too() -> None:
    one = programme()
    at_desk = desk((one, 1000), taken={(BUYER, "B")})
    refs = ["A", "A", "B", None, None, "C"]
    verdicts = [at_desk.ask(claim(f"SF{number}", order_ref=ref)) for number, ref in enumerate(refs)]
    assert [isinstance(verdict, Grant) for verdict in verdicts] == [True, False, False, True, True, True]
    assert verdicts[1] == verdicts[2] == NoGrant("not_eligible", "duplicate_order", str(one.id))


def test_the_order_of_another_buyer_is_another_order() -> None:
    at_desk = desk((programme(), 1000), taken={(BUYER, "A")})
    assert isinstance(at_desk.ask(claim(order_ref="A", buyer_id=uuid4())), Grant)


@pytest.mark.parametrize(
    ("cap", "others"), [("per_producer_per_day", "producer_id"), ("per_carrier_per_day", "carrier_id")]
)
def test_a_cap_counts_what_was_granted_before_and_at_this_desk(cap: str, others: str) -> None:
    one = programme(**{cap: 5})
    party, party_id = ("producer", PRODUCER) if others == "producer_id" else ("carrier", CARRIER)
    at_desk = desk((one, 10_000), used={(one.id, NOON.date(), party, party_id): 3})
    verdicts = [at_desk.ask(claim(f"SF{number}")) for number in range(4)]
    assert [isinstance(verdict, Grant) for verdict in verdicts] == [True, True, False, False]
    assert verdicts[-1] == NoGrant("not_eligible", "cap", str(one.id))
    assert isinstance(at_desk.ask(claim("another", **{others: uuid4()})), Grant)


def test_a_day_begins_at_midnight_in_shanghai() -> None:
    midnight = datetime(2026, 11, 23, 16, tzinfo=UTC)
    assert claim(moment=midnight - timedelta(microseconds=1)).day == midnight.date()
    assert claim(moment=midnight).day == (midnight + DAY).date()
    at_desk = desk((programme(per_producer_per_day=1), 1000))
    moments = [midnight - timedelta(seconds=1), midnight - timedelta(seconds=1), midnight, midnight + DAY]
    verdicts = [at_desk.ask(claim(f"SF{number}", moment=moment)) for number, moment in enumerate(moments)]
    assert [isinstance(verdict, Grant) for verdict in verdicts] == [True, False, True, True]


def test_a_refusal_counts_towards_no_cap_and_no_order() -> None:
    one = programme(per_producer_per_day=1, produce=["apple"])
    at_desk = desk((one, 1000))
    assert at_desk.ask(claim("a", order_ref="A")) == NoGrant("not_eligible", "produce", str(one.id))
    assert isinstance(at_desk.ask(claim("b", order_ref="A", produce="apple")), Grant)


def test_a_capped_programme_leaves_the_next_to_pay() -> None:
    soon, late = programme(ends_in=1, per_producer_per_day=1), programme(ends_in=2)
    at_desk = desk((late, 1000), (soon, 1000))
    verdicts = [at_desk.ask(claim(f"SF{number}")) for number in range(3)]
    assert [verdict.programme_id for verdict in verdicts] == [str(each.id) for each in (soon, late, late)]


def test_produce_support_is_paid_by_the_kilogram_and_capped_in_grams() -> None:
    one = programme("produce_support", rate_fen=3, per_producer_per_day=500)
    at_desk = desk((one, 10_000), kind="produce_support")
    masses_g = [499_999, 1, 1]
    verdicts = [
        at_desk.ask(claim(f"M{number}", mass_g=mass_g, parcel_id=None)) for number, mass_g in enumerate(masses_g)
    ]
    assert verdicts[0] == Grant(str(one.id), 1499, 1)
    assert verdicts[1] == NoGrant("none"), "less than a fen is nothing, and counts for nothing"
    assert isinstance(at_desk.ask(claim("M9", mass_g=1001, parcel_id=None)), NoGrant)


def test_what_was_voided_is_reserved_again_out_of_the_same_programme_while_it_has_money() -> None:
    one = programme()
    at_desk = desk((one, 399))
    mine = claim("SF1 2", order_ref="A")
    held = mine.held(Grant(str(one.id), 200, 1))
    assert at_desk.reserve_again(mine, one.id, held)
    assert at_desk.funds[one.id].available_fen == 199
    other = claim("SF2 2")
    assert not at_desk.reserve_again(other, one.id, other.held(Grant(str(one.id), 200, 1)))
    same_order = claim("SF3", order_ref="A")
    assert isinstance(at_desk.ask(same_order), NoGrant)


def test_what_was_voided_is_not_reserved_again_for_an_order_that_has_its_subsidy() -> None:
    one = programme()
    at_desk = desk((one, 1000), taken={(BUYER, "A")})
    mine = claim("SF1 2", order_ref="A")
    assert not at_desk.reserve_again(mine, one.id, mine.held(Grant(str(one.id), 200, 1)))
    assert not at_desk.funds[one.id].touched


def test_what_is_held_names_its_business_fact() -> None:
    one = claim("SF1")
    held = one.held(Grant(str(uuid4()), 200, 7))
    assert (held.subject, held.amount_fen, held.rule_version) == ("SF1", 200, 7)
    assert (held.parcel_id, held.match_id) == (str(one.parcel_id), str(MATCH))
