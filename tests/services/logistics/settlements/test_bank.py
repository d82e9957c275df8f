"""A bank's list against ours: every payout and every row is in exactly one place."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.logistics.settlements.bank import BadRow, Payout, Row, decoded, reconcile, rows_of

references = st.sampled_from(["A", "B", "C", "D", "E", "F"])
payouts = st.dictionaries(references, st.integers(1, 3)).map(lambda ours: [Payout(*each) for each in ours.items()])
rows = st.lists(st.tuples(references, st.integers(1, 3))).map(
    lambda found: [Row(line, *each) for line, each in enumerate(found, 2)]
)


@given(payouts, rows)
def test_each_payout_and_each_row_ends_in_one_list(ours: list[Payout], theirs: list[Row]) -> None:
    found = reconcile(ours, theirs)
    times = Counter(row.reference for row in theirs)
    amounts = {row.reference: row.amount_fen for row in theirs}
    fen = {payout.reference: payout.amount_fen for payout in ours}
    assert found.matched == [each for each in found.matched if each in ours]
    assert {each.reference for each in found.matched} == {
        name for name in fen if times[name] == 1 and amounts[name] == fen[name]
    }
    assert {(each.reference, each.off_by_fen) for each in found.off} == {
        (name, amounts[name] - fen[name]) for name in fen if times[name] == 1 and amounts[name] != fen[name]
    }
    assert {each.reference for each in found.doubled} == {name for name in fen if times[name] > 1}
    assert {each.reference for each in found.missing} == {name for name in fen if times[name] == 0}
    assert [each.reference for each in sorted(found.unknown, key=lambda row: row.line)] == [
        row.reference for row in theirs if row.reference not in fen
    ]
    assert len(found.matched) + len(found.off) + len(found.doubled) + len(found.unknown) == len(theirs)
    assert found.is_clean == (len(found.matched) == len(ours) == len(theirs))


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("reference,amount_fen\nA,120\n", 120),
        ("date,Reference,amount\n2026-11-01,A,1.20\n", 120),
        ('凭证号,金额\nA,"1,234.56"\n', 123_456),
        ("交易流水号;支出金额\nA;￥7.77\n", 777),
        ("流水号\t交易金额\nA\t7.77\n", 777),
        ("附言,金额（元）\nA,¥8\n\n , \n", 800),
        ("reference,amount\nA,-1.20\n", -120),
    ],
)
def test_the_columns_of_banks_are_known_by_their_names(text: str, fen: int) -> None:
    (row,) = rows_of(text)
    assert (row.line, row.reference, row.amount_fen) == (2, "A", fen)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 1, "columns"),
        ("reference\nA\n", 1, "columns"),
        ("amount\n1\n", 1, "columns"),
        ("reference,amount\nA\n", 2, "columns"),
        ("reference,amount\nA,1\nB,x\n", 3, "yuan"),
        ("reference,amount\nA,1.234\n", 2, "yuan"),
        ("reference,amount_fen\nA,1.5\n", 2, "fen"),
        ("reference,amount\nA,NaN\n", 2, "yuan"),
        ("reference,amount\nA,Infinity\n", 2, "yuan"),
        ("reference,amount\nA,1e999999999\n", 2, "yuan"),
        ("reference,amount_fen\nA,1e5000\n", 2, "fen"),
        ("reference,amount_fen\nA,99999999999999\n", 2, "fen"),
        ("reference,amount\nA,１\n", 2, "yuan"),
        ("reference,amount\n" + "A,1\n" * 100_001, 100_002, "too many"),
        ("reference,amount\n" + "\n" * 200_000, 100_002, "too many"),
        ("reference,amount\n" + "A" * 200_000 + ",1\n", 2, "text"),
        ("reference,amount," + "A" * 200_000 + "\nA,1\n", 1, "text"),
        ('"reference,amount\n' + "A,1\n" * 50_000, 32_765, "text"),
    ],
)
def test_a_line_that_can_not_be_read_is_named(text: str, line: int, what: str) -> None:
    with pytest.raises(BadRow) as bad:
        rows_of(text)
    assert (bad.value.line, bad.value.what) == (line, what)


def test_what_came_into_the_account_is_no_payment_and_hides_none() -> None:
    text = "交易流水号,借方发生额,贷方发生额\nA,1.20,\nX,,9.99\nB, ,1.00\n"
    assert rows_of(text) == [Row(2, "A", 120)]
    found = reconcile([Payout("A", 120), Payout("B", 100)], rows_of(text))
    assert (found.matched, found.missing, found.unknown) == ([Payout("A", 120)], [Payout("B", 100)], [])


@pytest.mark.parametrize("nothing", ["0.00", "0", "¥0.00", "-0.00", "0,000.00"])
def test_zero_in_the_column_of_what_went_out_is_no_payment_either(nothing: str) -> None:
    text = f'交易流水号,借方发生额,贷方发生额\nA,1.20,0.00\nX,"{nothing}",9.99\nA,"{nothing}",1.20\n'
    assert rows_of(text) == [Row(2, "A", 120)]
    found = reconcile([Payout("A", 120)], rows_of(text))
    assert (found.matched, found.is_clean) == ([Payout("A", 120)], True)


def test_what_went_out_may_stand_below_zero_and_what_came_in_above() -> None:
    text = "流水号,交易金额\nA,-1.20\nX,9.99\nB,-1.01\nY,-5\nC,-3\nC,3\n"
    ours = [Payout("A", 120), Payout("B", 100), Payout("C", 300)]
    found = reconcile(ours, rows_of(text))
    assert (found.matched, found.missing) == ([Payout("A", 120)], [])
    assert [(each.reference, each.bank_fen, each.off_by_fen) for each in found.off] == [("B", 101, 1)]
    assert found.unknown == [Row(5, "Y", 500)]
    assert found.doubled == [Row(6, "C", 300), Row(7, "C", -300)], "what came back of it hides nothing"


def test_where_ours_stand_above_zero_what_stands_below_is_told_as_it_is() -> None:
    found = reconcile([Payout("A", 120), Payout("B", 100)], [Row(2, "A", 120), Row(3, "B", -100), Row(4, "X", -5)])
    assert found.matched == [Payout("A", 120)]
    assert [(each.reference, each.off_by_fen) for each in found.off] == [("B", -200)]
    assert found.unknown == [Row(4, "X", -5)]


def test_utf_8_and_gb18030_are_read_and_nothing_else() -> None:
    assert {decoded("金额".encode(encoding)) for encoding in ("utf-8", "utf-8-sig", "gb18030")} == {"金额"}
    assert decoded("摘要,金额".encode("gb18030")) == "摘要,金额"
    assert "摘要".encode("gb18030").decode() == "ժҪ", "why one looks at the names"
    with pytest.raises(BadRow):
        decoded(b"\xff\xff\xff")
