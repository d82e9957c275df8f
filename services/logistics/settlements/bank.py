"""A bank's own list of payments against ours. Pure: rows in, a verdict out."""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, Literal

REFERENCE_NAMES: Final = ("reference", "凭证号", "附言", "摘要", "流水号", "交易流水号", "参考号")
FEN_NAMES: Final = ("amount_fen", "金额(分)", "金额（分）")
YUAN_NAMES: Final = ("amount", "amount_yuan", "金额", "金额(元)", "金额（元）", "支出金额", "交易金额", "借方发生额")
DELIMITERS: Final = (",", ";", "\t")
NAMES: Final = (*REFERENCE_NAMES[1:], *FEN_NAMES[1:], *YUAN_NAMES[2:])
"""In Chinese."""
LINES_MAX: Final = 100_001
AMOUNT: Final = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,6})?")
NOTHING: Final = re.compile(r"(-?0+(\.0*)?)?")


@dataclass(frozen=True, slots=True)
class Payout:
    """What we paid."""

    reference: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Row:
    """What the bank says it paid; `line` in its file, from 1."""

    line: int
    reference: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Difference:
    """The bank paid another amount than we have written; `off_by_fen` is by how much more."""

    reference: str
    expected_fen: int
    bank_fen: int
    line: int

    @property
    def off_by_fen(self) -> int:
        return self.bank_fen - self.expected_fen


@dataclass(slots=True)
class Reconciled:
    """`matched`: ours, paid once to the fen. `off`: paid once, another amount. `doubled`: paid more than once, all of
    its rows. `missing`: ours, and not in the bank's list. `unknown`: in the bank's list, and not ours."""

    matched: list[Payout] = field(default_factory=list)
    off: list[Difference] = field(default_factory=list)
    doubled: list[Row] = field(default_factory=list)
    missing: list[Payout] = field(default_factory=list)
    unknown: list[Row] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """All of ours was paid once, to the fen, and nothing else was."""
        return not (self.off or self.doubled or self.missing or self.unknown)


Fault = Literal["columns", "fen", "yuan", "too many", "text"]


class BadRow(Exception):
    """A line that can't be read: which, and what is wrong in it."""

    def __init__(self, line: int, what: Fault) -> None:
        super().__init__(line, what)
        self.line, self.what = line, what


def reconcile(payouts: Sequence[Payout], rows: Iterable[Row]) -> Reconciled:
    """Each payout and each row ends in exactly one list, by its reference with blanks taken off its ends; what came in
    by its sign ends in none, unless it bears a reference of ours."""
    found, by_reference = Reconciled(), defaultdict[str, list[Row]](list)
    ours = {payout.reference: payout for payout in payouts}
    for row in _as_paid(list(rows), ours):
        by_reference[row.reference].append(row)
    for reference, same in by_reference.items():
        if reference not in ours:
            found.unknown += same
        elif len(same) > 1:
            found.doubled += same
        elif same[0].amount_fen == ours[reference].amount_fen:
            found.matched.append(ours[reference])
        else:
            (row,) = same
            found.off.append(Difference(reference, ours[reference].amount_fen, row.amount_fen, row.line))
    found.missing = [payout for payout in payouts if payout.reference not in by_reference]
    return found


def _as_paid(rows: Sequence[Row], ours: Collection[str]) -> Sequence[Row]:
    """With what went out above zero. In one column of both ways most banks write that below it (-9.99), and what came
    in above: so it is where more of ours are below than above."""
    below = sum((row.amount_fen < 0) - (row.amount_fen > 0) for row in rows if row.reference in ours)
    if below <= 0:
        return rows
    turned = (replace(row, amount_fen=-row.amount_fen) for row in rows)
    return [row for row in turned if row.amount_fen > 0 or row.reference in ours]


def decoded(file: bytes) -> str:
    """The text of a file in UTF-8, with or without a byte order mark, or in GB18030. Raises BadRow.

    Short GB18030 can be sound UTF-8 of another meaning, so the one in which its columns have names is taken.
    """
    readings = []
    for encoding in ("utf-8-sig", "gb18030"):
        with suppress(UnicodeDecodeError):
            readings.append(file.decode(encoding))
    if not readings:
        raise BadRow(1, "text")
    return next((text for text in readings if any(name in text.partition("\n")[0] for name in NAMES)), readings[0])


def rows_of(text: str) -> list[Row]:
    """The rows of a bank's CSV, whose first line names its columns: a reference, and an amount in fen or in yuan.

    Raises BadRow.
    """
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    found: list[Row] = []
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        reference = _column(names, REFERENCE_NAMES)
        in_fen, in_yuan = _column(names, FEN_NAMES), _column(names, YUAN_NAMES)
        amount = in_yuan if in_fen is None else in_fen
        if reference is None or amount is None:
            raise BadRow(1, "columns")
        for cells in reader:
            if reader.line_num > LINES_MAX:
                raise BadRow(reader.line_num, "too many")
            if any(cell.strip() for cell in cells) and not _paid_nothing(cells, amount):
                found.append(_row(reader.line_num, cells, reference, amount, in_yuan=in_fen is None))
    except csv.Error as error:
        raise BadRow(max(reader.line_num, 1), "text") from error
    return found


def _column(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _paid_nothing(cells: Sequence[str], amount: int) -> bool:
    """What came in has its amount in another column (贷方发生额), and none, or zero, in that of what went out."""
    return len(cells) > amount and NOTHING.fullmatch(_said(cells[amount])) is not None


def _said(cell: str) -> str:
    return cell.strip().replace(",", "").lstrip("¥￥").strip()


def _row(line: int, cells: Sequence[str], reference: int, amount: int, *, in_yuan: bool) -> Row:
    if len(cells) <= max(reference, amount):
        raise BadRow(line, "columns")
    said = _said(cells[amount])
    fen = Decimal(said) * (100 if in_yuan else 1) if AMOUNT.fullmatch(said) else None
    if fen is None or fen != fen.to_integral_value():
        raise BadRow(line, "yuan" if in_yuan else "fen")
    return Row(line, cells[reference].strip(), int(fen))
