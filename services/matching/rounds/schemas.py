"""Rounds and their timer on the public surface."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from catalogue.fields import ProduceSlug
from chassis.fields import KgOut, RequestModel, kg_of
from chassis.problems import Text
from chassis.validation import invalid
from services.matching.rounds.models import INTERVAL_MAX_S, Round


def _only_numbers(value: object) -> object:
    if isinstance(value, (bool, str)):
        raise invalid("number_required", Text("必须是数字。", "It must be a number."))
    return value


class RoundRequest(RequestModel):
    """Which market to clear now; all of them when none is named."""

    produce: ProduceSlug | None = None


class Interval(RequestModel):
    """How often changed markets are cleared; 0: only on demand."""

    seconds: Annotated[float, Field(ge=0, le=INTERVAL_MAX_S, allow_inf_nan=False), BeforeValidator(_only_numbers)]


class RoundOut(BaseModel):
    """A round. `value` and `greedy_value` are in fen, exact to a thousandth; `certified_gap` 0 is proven optimal.

    `skipped`: matches of the plan that were not made, because their sides changed while it was solved. Where it was not
    `whole`, it looked at what had changed and whatever that touches: pairs, values and proof are of these.
    """

    id: UUID
    produce: str
    cleared_at: AwareDatetime
    policy: int
    listings: int
    orders: int
    arcs: int
    matches: int
    skipped: int
    matched_kg: KgOut
    value: float
    greedy_value: float
    certified_gap: float
    whole: bool
    seconds: float

    @classmethod
    def of(cls, cleared: Round) -> Self:
        return cls(
            id=cleared.id,
            produce=cleared.produce,
            cleared_at=cleared.cleared_at,
            policy=cleared.policy,
            listings=cleared.listings,
            orders=cleared.orders,
            arcs=cleared.arcs,
            matches=cleared.matches,
            skipped=cleared.skipped,
            matched_kg=cleared.matched_g,
            value=kg_of(int(cleared.value_mfen)),
            greedy_value=kg_of(int(cleared.greedy_value_mfen)),
            certified_gap=cleared.certified_gap,
            whole=cleared.whole,
            seconds=round(cleared.seconds, 6),
        )
