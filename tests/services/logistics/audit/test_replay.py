"""Figures from instant to instant, and which answers are right where several may be."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from contracts.parcels import SubsidyStatus
from services.logistics.audit.replay import Asked, Books, Course, Difference, answers, dated, judged, standing
from services.logistics.programmes.granting import Claim
from services.logistics.programmes.models import Programme, RuleVersion
from services.logistics.subsidy.eligibility import Grant, NoGrant

NOON = datetime(2026, 12, 1, 4, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def programme(days: int, **rule: object) -> Programme:
    conditions = {"poverty_832": None, "watch_52": None, "adcodes": [], "produce": []}
    caps = {"per_producer_per_day": None, "per_carrier_per_day": None}
    version = RuleVersion(
        version=1, effective_at=NOON - timedelta(days=9), **{"rate_fen": 200, **conditions, **caps, **rule}
    )
    made = Programme(
        id=uuid4(),
        kind="courier_parcel",
        starts_at=NOON - timedelta(days=9),
        ends_at=NOON + timedelta(days=days),
        created_at=NOON - timedelta(days=9),
    )
    made.rules, made.standings = [version], []
    return made


def claim(order_ref: str | None = None) -> Claim:
    ids = (uuid4() for _ in range(5))
    match, parcel, producer, carrier, buyer = ids
    return Claim("SF1", NOON, match, parcel, producer, carrier, buyer, order_ref, "321323", "strawberry", 1000, 10_000)


def books(*available: tuple[Programme, Course]) -> Books:
    return Books({str(each.id): course for each, course in available})


def course(start: int, *changes: tuple[int, int]) -> Course:
    made = Course(start)
    for seconds, by in changes:
        made.change(NOON + seconds * SECOND, by)
    return made


def test_a_figure_is_all_that_it_was_in_an_instant() -> None:
    figure = course(10, (1, -3), (1, -3), (2, 5), (4, -9))
    assert [figure.at(NOON + each * SECOND) for each in range(6)] == [(10, 10), (4, 10), (4, 9), (9, 9), (0, 9), (0, 0)]
    figure.begin_with(100)
    assert (figure.at(NOON), figure.last) == ((110, 110), 100)


def test_with_money_the_first_programme_pays_and_without_the_next() -> None:
    first, second = programme(1), programme(2)
    asked = Asked(claim(), "courier_parcel", "reserved")
    rich = answers(asked, [second, first], books((first, course(200)), (second, course(900))), NOON)
    assert rich == {Grant(str(first.id), 200, 1)}
    poor = answers(asked, [second, first], books((first, course(199)), (second, course(900))), NOON)
    assert poor == {Grant(str(second.id), 200, 1)}
    none = answers(asked, [second, first], books((first, course(199)), (second, course(0))), NOON)
    assert none == {NoGrant("fund_exhausted", None, str(first.id))}


def test_in_the_instant_in_which_the_money_ends_both_answers_are_right() -> None:
    only = programme(1)
    ending = books((only, course(300, (0, -200))))
    right = answers(Asked(claim(), "courier_parcel", "reserved"), [only], ending, NOON)
    assert right == {Grant(str(only.id), 200, 1), NoGrant("fund_exhausted", None, str(only.id))}
    assert answers(Asked(claim(), "courier_parcel", "reserved"), [only], ending, NOON + SECOND) == {
        NoGrant("fund_exhausted", None, str(only.id))
    }


def test_an_order_has_one_subsidy_while_it_is_held() -> None:
    only = programme(1)
    asked = Asked(claim("A"), "courier_parcel", "reserved")
    kept = books((only, course(9000)))
    order = (asked.claim.buyer_id, "A")
    kept.orders[order] = course(0, (-5, 1), (5, -1))
    refused = NoGrant("not_eligible", "duplicate_order", str(only.id))
    granted = Grant(str(only.id), 200, 1)
    assert answers(asked, [only], kept, NOON) == {refused}
    assert answers(asked, [only], kept, NOON + 6 * SECOND) == {granted}
    kept.held_before(order, None)
    assert answers(asked, [only], kept, NOON) == {refused, granted}


def test_changes_may_come_in_any_order_for_programmes_are_entered_one_after_the_other() -> None:
    assert course(0, (5, -1), (1, 1)).at(NOON + 3 * SECOND) == (1, 1)
    kept = books((programme(1), course(9000)))
    order = (uuid4(), "A")
    kept.orders[order] = course(0, (5, -1))
    assert [kept.is_taken(order, NOON + each * SECOND) for each in (0, 5, 9)] == [{True}, {False, True}, {False}]


def test_a_grant_is_in_the_ledger_at_its_instant_and_a_refusal_comes_soon() -> None:
    only = programme(1)
    kept, soon = books((only, course(9000))), timedelta(minutes=10)
    granted = Asked(claim(), "courier_parcel", "reserved", status="reserved", first_status="reserved", decided_at=NOON)
    assert dated(granted, kept, soon) == Difference("SF1", "entry", "none", "reserve")
    kept.granted_at["SF1"] = NOON
    assert dated(granted, kept, soon) is None
    kept.granted_at["SF1"] = NOON + SECOND
    told, entered = NOON.isoformat(), (NOON + SECOND).isoformat()
    assert dated(granted, kept, soon) == Difference("SF1", "decided_at", told, entered)
    for late, right in ((timedelta(), True), (soon, True), (soon + SECOND, False), (-SECOND, False)):
        refused = Asked(claim(), "courier_parcel", "reserved", first_status="not_eligible", decided_at=NOON + late)
        assert (dated(refused, kept, soon) is None) == right, late


def test_caps_count_what_was_granted_before() -> None:
    only = programme(1, per_carrier_per_day=2)
    asked = Asked(claim(), "courier_parcel", "reserved")
    kept = books((only, course(9000)))
    carrier = asked.claim.cap_keys(only.id)[1]
    kept.used[carrier] = course(0, (-9, 1), (-1, 1))
    assert answers(asked, [only], kept, NOON) == {NoGrant("not_eligible", "cap", str(only.id))}
    assert answers(asked, [only], kept, NOON - 5 * SECOND) == {Grant(str(only.id), 200, 1)}


def test_what_was_granted_late_is_no_longer_told_by_whom_it_was_refused() -> None:
    stands: dict[str, SubsidyStatus] = {"status": "posted", "first_status": "fund_exhausted"}
    late = Asked(claim(), "courier_parcel", "posted", **stands, programme_id=uuid4(), amount_fen=200)
    assert judged(late, {NoGrant("fund_exhausted", None, "p")}) is None
    granted = Difference("SF1", "answer", "fund_exhausted", "200 fen of p by rule 1")
    assert judged(late, {Grant("p", 200, 1)}) == granted


@pytest.mark.parametrize(
    ("status", "due", "came_back", "right"),
    [
        ("posted", "posted", False, True),
        ("reserved", "posted", False, False),
        ("posted", "reversed", False, False),
        ("posted", "reversed", True, True),
        ("voided", "posted", False, True),
        ("posted", "voided", False, False),
        ("not_eligible", "posted", False, True),
    ],
)
def test_a_subsidy_stands_as_its_parcels_scans_want_it(
    status: SubsidyStatus, due: SubsidyStatus, came_back: bool, right: bool
) -> None:
    asked = Asked(claim(), "courier_parcel", due, status=status, first_status=status, came_back=came_back)
    assert (standing(asked) is None) == right
