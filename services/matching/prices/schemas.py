"""Going prices on the public surface."""

from typing import Self

from pydantic import BaseModel

from chassis.fields import KgOut
from services.matching.prices.queries import Paid

TOLD_FROM = 5
SIDES_FROM = 3
"""With fewer matches, or fewer who sell or who buy, a figure would tell what somebody got."""


class PriceOut(BaseModel):
    """What was paid at the farm gate, fen per kg, by agreed matches that were made within 14 days: the median, and
    what a quarter were at or below and at or above. All null, the kilograms too, with fewer than five matches, or fewer
    than three producers or three buyers: nobody's single price is told.
    """

    produce: str
    matches: int
    kg: KgOut | None
    lower_fen_per_kg: int | None
    median_fen_per_kg: int | None
    upper_fen_per_kg: int | None

    @classmethod
    def of(cls, paid: Paid) -> Self:
        are_many = paid.matches >= TOLD_FROM and min(paid.producers, paid.buyers) >= SIDES_FROM
        told = paid.quartiles if are_many else None
        lower, median, upper = told or (None, None, None)
        return cls(
            produce=paid.produce,
            matches=paid.matches,
            kg=paid.quantity_g if told else None,
            lower_fen_per_kg=lower,
            median_fen_per_kg=median,
            upper_fen_per_kg=upper,
        )
