"""Clawbacks on the public surface."""

from datetime import timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, StrictInt, model_validator

from chassis.fields import AmountFen, LongText, RequestModel, ShortText
from chassis.problems import Text
from chassis.validation import invalid
from services.logistics.clawbacks.models import Cause, Clawback, Status
from services.logistics.clawbacks.queries import Paid
from services.logistics.parcels.schemas import Waybill

SUBJECTS_MAX = 1000
OBJECTION = timedelta(days=14)


class NewClawback(RequestModel):
    """Against whoever was paid for these parcels (or, for produce support, matches): all of one payee."""

    programme_id: UUID
    waybills: Annotated[list[Waybill], Field(max_length=SUBJECTS_MAX)] = Field(default_factory=list)
    match_ids: Annotated[list[UUID], Field(max_length=SUBJECTS_MAX)] = Field(default_factory=list)
    cause: Cause
    evidence: Annotated[LongText, Field(min_length=1)]
    objection_days: Annotated[StrictInt, Field(ge=1, le=90)] = OBJECTION.days

    @model_validator(mode="after")
    def _is_about_something(self) -> Self:
        if bool(self.waybills) == bool(self.match_ids):
            raise invalid("subjects", Text("waybills 与 match_ids 须且只能给一项。", "Give waybills or match_ids."))
        return self


class NewObjection(RequestModel):
    text: Annotated[LongText, Field(min_length=1)]


class NewClawbackDecision(RequestModel):
    decision: Literal["uphold", "dismiss"]
    note: ShortText | None = None


class NewRepayment(RequestModel):
    """What the payee paid back by itself; `reference` of the bank's transfer."""

    amount_fen: AmountFen
    reference: Annotated[ShortText, Field(min_length=1)]


class ClawbackOut(BaseModel):
    """`recovered_fen` so far: netted from payments, or paid back."""

    id: UUID
    programme_id: UUID
    payee_id: UUID
    cause: Cause
    evidence: str
    amount_fen: int
    recovered_fen: int
    status: Status
    opened_by: UUID | None
    noticed_at: AwareDatetime
    objection_until: AwareDatetime
    objection: str | None
    objected_at: AwareDatetime | None
    decided_by: UUID | None
    decided_at: AwareDatetime | None
    note: str | None

    @classmethod
    def of(cls, clawback: Clawback) -> Self:
        return cls(**{name: getattr(clawback, name) for name in ClawbackOut.model_fields})


class ClawbackLineOut(BaseModel):
    """A subsidy that was paid: of a parcel by its waybill, or of a match."""

    waybill: str | None
    subject_id: UUID
    amount_fen: int
    came_back_at: AwareDatetime | None


class WholeClawbackOut(ClawbackOut):
    items: list[ClawbackLineOut]

    @classmethod
    def with_lines(cls, clawback: Clawback, lines: list[Paid]) -> Self:
        return cls(
            **ClawbackOut.of(clawback).model_dump(),
            items=[
                ClawbackLineOut(
                    waybill=line.waybill,
                    subject_id=line.subject_id,
                    amount_fen=line.amount_fen,
                    came_back_at=line.came_back_at,
                )
                for line in lines
            ],
        )
