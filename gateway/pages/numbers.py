"""Numbers as people type them: one reader for every form, and bounded, for ten characters can name a number of a
million digits."""

import re
from decimal import Decimal, InvalidOperation
from unicodedata import normalize

CHARS_MAX = 28
"""As many digits as Decimal reckons with exactly."""
BELOW = Decimal(10) ** 15
PLACES_MAX = 20
TYPED_MAX_CHARS = 60
YUAN = re.compile(r"^[¥元]|(?:元|块钱|块|CNY)(?:\s*/\s*(?:公斤|千克|kg))?$", re.IGNORECASE)
KG = re.compile(r"(?:公斤|千克|kg)$", re.IGNORECASE)


def decimal(typed: str) -> Decimal | None:
    """`1,200.50`, also in full-width digits, as 1200.5; None for what is no number, or none that anybody means."""
    plain = normalize("NFKC", typed).replace(",", "").replace(" ", "")
    if len(plain) > CHARS_MAX:
        return None
    try:
        read = Decimal(plain)
    except InvalidOperation:
        return None
    if not read.is_finite() or read.copy_abs() >= BELOW or decimals(read) > PLACES_MAX:  # abs() would overflow
        return None
    return read.normalize()


def yuan(typed: str) -> Decimal | None:
    """The same with what people write about it: `¥16`, `16元`, `16.05 元/公斤`."""
    return decimal(YUAN.sub("", normalize("NFKC", typed[:TYPED_MAX_CHARS]).strip()))


def kg(typed: str) -> Decimal | None:
    """The same: `300公斤`, `300 kg`. Not of 斤, which are half as much: those are no number."""
    return decimal(KG.sub("", normalize("NFKC", typed[:TYPED_MAX_CHARS]).strip()))


def decimals(number: Decimal) -> int:
    """How many places it has after the point."""
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def json_number(number: Decimal) -> int | float:
    """As JSON has it: whole where it is whole."""
    return int(number) if number == number.to_integral_value() else float(number)
