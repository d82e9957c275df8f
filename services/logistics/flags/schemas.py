"""Fraud flags on the public surface."""

from typing import Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from chassis.fields import RequestModel, ShortText
from services.logistics.flags.models import Flag, Status
from services.logistics.flags.rules import Rule


class NewReview(RequestModel):
    verdict: Literal["clear", "confirm"]
    note: ShortText | None = None


class FlagOut(BaseModel):
    """`subject`: the waybill, match or payee that the rule is about; `evidence`: the numbers that it looked at."""

    id: UUID
    settlement_id: UUID
    rule: Rule
    subject: str
    evidence: dict[str, Any]
    status: Status
    raised_at: AwareDatetime
    reviewed_by: UUID | None
    reviewed_at: AwareDatetime | None
    note: str | None

    @classmethod
    def of(cls, flag: Flag) -> Self:
        return cls(**{name: getattr(flag, name) for name in FlagOut.model_fields})
