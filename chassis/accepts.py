"""Which of the forms that a thing has a caller wants, by its `Accept` header (RFC 9110, 12.5.1)."""

from collections.abc import Sequence
from typing import Final

BY_ITSELF: Final = 3


def wanted(accept: str, forms: Sequence[str]) -> str:
    """Of these media types, the usual one first, that with the greatest weight; of equals one that is named by itself,
    and then the less usual: who names it wants it. Without any that fits, the usual one.
    """
    weights = [weighed(part) for part in accept.lower().split(",")]

    def weight(form: str) -> tuple[float, int, int]:
        closest, q = max(((_fits(name, form), q) for name, q in weights), default=(0, 0.0))
        place = forms.index(form)
        return (q if closest else 0.0), closest, (place if closest == BY_ITSELF else -place)

    best = max(forms, key=weight)
    return best if weight(best)[0] > 0 else forms[0]


def _fits(name: str, form: str) -> int:
    """How closely: by itself, 2 by its kind, 1 as anything, 0 not."""
    if name == form:
        return BY_ITSELF
    if name == f"{form.partition('/')[0]}/*":
        return 2
    return int(name == "*/*")


def weighed(part: str) -> tuple[str, float]:
    """One member of such a header, and its weight from 0 to 1."""
    name, *parameters = (each.strip() for each in part.split(";"))
    weight = next((each[2:] for each in parameters if each.startswith("q=")), "1")
    try:
        return name, float(weight)
    except ValueError:
        return name, 0.0
