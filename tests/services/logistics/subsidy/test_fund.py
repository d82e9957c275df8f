"""A fund inside one transaction agrees with the ledger it posts to, whatever is asked of it."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.logistics.subsidy.fund import Fund, Held
from services.logistics.subsidy.ledger import Balances, Head

PROGRAMME = UUID("0190a1b2-0000-7000-8000-000000000001")
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
MATCH = str(uuid4())


def fund_with(fen: int, head: Head | None = None) -> Fund:
    standing = head or Head(str(PROGRAMME), 1, "0" * 64, Balances(funder=-fen, available=fen))
    return Fund(PROGRAMME, standing, NOON, 200, None, 1, Counter())


def held(subject: str, fen: int = 200) -> Held:
    return Held(subject, fen, 1, str(uuid4()), MATCH)


@given(st.lists(st.tuples(st.integers(1, 300), st.sampled_from(["keep", "post", "void", "reverse"])), max_size=12))
def test_what_is_available_is_what_the_ledger_finds(wanted: list[tuple[int, str]]) -> None:
    fund = fund_with(1000)
    for number, (fen, then) in enumerate(wanted):
        mine = held(f"SF{number}", fen)
        if fen > fund.available_fen:
            continue
        fund.reserve(mine)
        if then in {"post", "reverse"}:
            fund.post(mine)
        if then == "reverse":
            fund.reverse(mine)
        if then == "void":
            fund.void(mine)
    batch = fund.batch()
    assert batch.head.balances.available == fund.available_fen
    assert batch.head.balances.sound


def test_what_was_reserved_before_is_posted_and_reversed_in_one_batch() -> None:
    mine = held("SF1")
    before = fund_with(1000)
    before.reserve(mine)
    fund = fund_with(1000, before.batch().head)
    fund.post(mine)
    fund.reverse(mine)
    assert [transfer.kind for transfer in fund.batch().transfers] == ["post", "reverse"]
    assert fund.batch().head.balances == Balances(funder=-1000, available=1000)


def test_a_fund_is_exhausted_while_not_one_more_can_be_paid() -> None:
    fund = fund_with(399)
    assert fund.exhausted_since(fund.batch()) is None
    mine = held("SF1")
    fund.reserve(mine)
    assert fund.exhausted_since(fund.batch()) == NOON
    earlier = datetime(2026, 11, 21, tzinfo=UTC)
    assert replace(fund, exhausted_at=earlier).exhausted_since(fund.batch()) == earlier
    fund.void(mine)
    assert fund.exhausted_since(fund.batch()) is None


def test_a_recount_moves_a_subsidy_from_one_count_to_another() -> None:
    fund = fund_with(1000)
    assert not fund.touched
    fund.recount(None, "reserved")
    fund.recount("reserved", "posted")
    fund.recount(None, "fund_exhausted")
    fund.recount(None, "not_eligible")
    fund.recount("fund_exhausted", None)
    assert {name: count for name, count in fund.counts.items() if count} == {"posted": 1, "refused": 1}
    assert fund.touched
