"""Settlements on the public surface."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Header, Query
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from catalogue.days import bounds_of
from chassis.fields import Day, Instant, RequestModel, ShortText
from chassis.problems import Language, Text
from chassis.validation import invalid
from services.logistics.parcels.schemas import Waybill
from services.logistics.programmes.models import Decision
from services.logistics.settlements.bank import Reconciled
from services.logistics.settlements.models import Correction, Due, Party, Settlement, Status
from services.logistics.settlements.queries import Line, LineState, Owed

LINES_MAX = 1000
RECONCILED_MAX = 10_000
"""Of each list that a comparison with the bank has: together some megabytes."""
REFERENCE_MAX_CHARS = 200
A_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_DAY: TypeAdapter[date] = TypeAdapter(Day)
_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


def _day_or_instant(value: Any) -> date | datetime:
    try:
        if isinstance(value, str) and A_DAY.fullmatch(value):
            return _DAY.validate_python(value)
        return _INSTANT.validate_python(value)
    except ValidationError as error:
        text = Text("须为日期（北京时间）或带时区的时刻。", "Give a day (Asia/Shanghai), or an instant with its zone.")
        raise invalid("day_or_instant", text) from error


DayOrInstant = Annotated[
    date | datetime,
    PlainValidator(_day_or_instant),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}),
]


class NewSettlement(RequestModel):
    """For a carrier, or a producer where the programme supports produce. Days are whole, the last one too; an instant
    ends the period before it."""

    programme_id: UUID
    carrier_id: UUID | None = None
    producer_id: UUID | None = None
    from_: DayOrInstant = Field(alias="from")
    to: DayOrInstant

    @model_validator(mode="after")
    def _has_one_payee(self) -> Self:
        if (self.carrier_id is None) == (self.producer_id is None):
            raise invalid(
                "payee", Text("carrier_id 与 producer_id 须且只能给一项。", "Give carrier_id or producer_id.")
            )
        return self

    @field_validator("to", mode="after")
    @classmethod
    def _ends_after_it_begins(cls, to: date | datetime, others: ValidationInfo) -> date | datetime:
        """Of the field, so that it is told beside what is wrong with others."""
        from_ = others.data.get("from_")
        if from_ is not None and _ends_at(to) <= _begins_at(from_):
            raise invalid("period", Text("结束须在开始之后。", "It must end after it begins."))
        return to

    @property
    def party(self) -> Party:
        return "producer" if self.carrier_id is None else "carrier"

    @property
    def payee_id(self) -> UUID:
        found = self.carrier_id or self.producer_id
        assert found is not None, "one of them is given"
        return found

    @property
    def begins_at(self) -> datetime:
        return _begins_at(self.from_)

    @property
    def ends_at(self) -> datetime:
        return _ends_at(self.to)


def _begins_at(given: date | datetime) -> datetime:
    return given if isinstance(given, datetime) else bounds_of(given)[0]


def _ends_at(given: date | datetime) -> datetime:
    return given if isinstance(given, datetime) else bounds_of(given)[1]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The form of a statement. With a `language` a table is one for people, in it: yuan, China's time, and the
    `payee_name` as its reader knows it, for we know none."""

    accept: Annotated[str, Header()] = ""
    language: Annotated[Language | None, Query()] = None
    payee_name: Annotated[ShortText | None, Query()] = None


class NewPayment(RequestModel):
    """`reference`: of the bank's transfer, by which it is found again."""

    reference: Annotated[ShortText, Field(min_length=1)]


class OwedOut(BaseModel):
    """What is posted for a carrier (or a producer) and is in no statement yet; `since` the first of it was."""

    carrier_id: UUID | None
    producer_id: UUID | None
    lines: int
    amount_fen: int
    since: AwareDatetime

    @classmethod
    def of(cls, owed: Owed, party: Party) -> Self:
        return cls(
            carrier_id=owed.payee_id if party == "carrier" else None,
            producer_id=owed.payee_id if party == "producer" else None,
            lines=owed.lines,
            amount_fen=owed.amount_fen,
            since=owed.since,
        )


class NewCorrection(RequestModel):
    """Lines of the statement by their waybills, or (produce support) by their matches; and what is wrong with them."""

    waybills: Annotated[list[Waybill], Field(max_length=LINES_MAX)] = Field(default_factory=list)
    match_ids: Annotated[list[UUID], Field(max_length=LINES_MAX)] = Field(default_factory=list)
    reason: Annotated[ShortText, Field(min_length=1)]

    @model_validator(mode="after")
    def _names_some(self) -> Self:
        if bool(self.waybills) == bool(self.match_ids):
            raise invalid("lines", Text("waybills 与 match_ids 须且只能给一项。", "Give waybills or match_ids."))
        return self


class CorrectionOut(BaseModel):
    """`pending` until another officer decides; approved, so many `lines` and `amount_fen` were reversed."""

    id: UUID
    settlement_id: UUID
    reason: str
    lines: int
    amount_fen: int
    status: Decision
    asked_by: UUID
    asked_at: AwareDatetime
    decided_by: UUID | None
    decided_at: AwareDatetime | None

    @classmethod
    def of(cls, correction: Correction) -> Self:
        return cls(**{name: getattr(correction, name) for name in CorrectionOut.model_fields})


class LineOut(BaseModel):
    """One subsidy: of a parcel by its waybill, or of a match. `state`: `owed`; `reversed` (冲正), for it came back
    or was corrected before it was paid; `paid`; or `came_back` after that, to be recovered (追回)."""

    model_config = ConfigDict(from_attributes=True)

    waybill: str | None
    match_id: UUID
    posted_at: AwareDatetime
    amount_fen: int
    rule_version: int
    state: LineState


class WholeCorrectionOut(CorrectionOut):
    """With the lines that it is about, as they are now."""

    items: list[LineOut]

    @classmethod
    def with_lines(cls, correction: Correction, lines: list[Line]) -> Self:
        items = [LineOut.model_validate(line) for line in lines]
        return cls(**CorrectionOut.of(correction).model_dump(), items=items)


class SettlementOut(BaseModel):
    """As it was frozen (`lines`, `amount_fen`); and once it is paid what was `owed_fen` by then, of which
    `recovered_fen` was kept for clawbacks and `paid_fen` transferred."""

    id: UUID
    programme_id: UUID
    carrier_id: UUID | None
    producer_id: UUID | None
    begins_at: AwareDatetime
    ends_at: AwareDatetime
    status: Status
    lines: int
    amount_fen: int
    frozen_by: UUID
    frozen_at: AwareDatetime
    reference: str | None
    owed_fen: int | None
    recovered_fen: int | None
    paid_fen: int | None
    paid_by: UUID | None
    paid_at: AwareDatetime | None

    @classmethod
    def of(cls, settlement: Settlement) -> Self:
        return cls(
            id=settlement.id,
            programme_id=settlement.programme_id,
            carrier_id=settlement.payee_id if settlement.party == "carrier" else None,
            producer_id=settlement.payee_id if settlement.party == "producer" else None,
            begins_at=settlement.begins_at,
            ends_at=settlement.ends_at,
            status=settlement.status,
            lines=settlement.lines,
            amount_fen=settlement.amount_fen,
            frozen_by=settlement.frozen_by,
            frozen_at=settlement.frozen_at,
            reference=settlement.reference,
            owed_fen=settlement.owed_fen,
            recovered_fen=settlement.recovered_fen,
            paid_fen=settlement.paid_fen,
            paid_by=settlement.paid_by,
            paid_at=settlement.paid_at,
        )


class DueOut(BaseModel):
    """`owed_fen` now, of which `recovered_fen` would be kept for clawbacks and `paid_fen` is to be transferred."""

    model_config = ConfigDict(from_attributes=True)

    owed_fen: int
    recovered_fen: int
    paid_fen: int


class StatementOut(SettlementOut):
    """With what its payment would come to now (`due`, null once it is paid), and a page of its lines."""

    due: DueOut | None
    items: list[LineOut]
    next: UUID | None

    @classmethod
    def with_lines(cls, settlement: Settlement, due: Due | None, lines: list[Line], limit: int) -> Self:
        more = len(lines) > limit
        return cls(
            **SettlementOut.of(settlement).model_dump(),
            due=None if due is None else DueOut.model_validate(due),
            items=[LineOut.model_validate(line) for line in lines[:limit]],
            next=lines[limit - 1].subject_id if more else None,
        )


class PayoutOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    reference: str
    amount_fen: int


class BankRowOut(PayoutOut):
    """`line` of the bank's file. Of what no reference of ours could be, only the beginning is told."""

    reference: Annotated[str, BeforeValidator(lambda told: told[:REFERENCE_MAX_CHARS])]
    line: int


class DifferenceOut(BaseModel):
    """`off_by_fen`: how much more the bank paid than is written here."""

    model_config = ConfigDict(from_attributes=True)

    reference: str
    expected_fen: int
    bank_fen: int
    off_by_fen: int
    line: int


class CountsOut(BaseModel):
    """How many there are of each."""

    matched: int
    off: int
    doubled: int
    missing: int
    unknown: int


class ReconciledOut(BaseModel):
    """`is_clean` when all is matched. `unknown`: in the bank's list, and not ours. Of each the first, as many as were
    asked for; `counts` and `matched_fen` are of all."""

    is_clean: bool
    counts: CountsOut
    matched_fen: int
    matched: list[PayoutOut]
    off: list[DifferenceOut]
    doubled: list[BankRowOut]
    missing: list[PayoutOut]
    unknown: list[BankRowOut]

    @classmethod
    def of(cls, found: Reconciled, limit: int) -> Self:
        return cls(
            is_clean=found.is_clean,
            counts=CountsOut(**{name: len(getattr(found, name)) for name in CountsOut.model_fields}),
            matched_fen=sum(payout.amount_fen for payout in found.matched),
            matched=[PayoutOut.model_validate(each) for each in found.matched[:limit]],
            off=[DifferenceOut.model_validate(each) for each in found.off[:limit]],
            doubled=[BankRowOut.model_validate(each) for each in found.doubled[:limit]],
            missing=[PayoutOut.model_validate(each) for each in found.missing[:limit]],
            unknown=[BankRowOut.model_validate(each) for each in found.unknown[:limit]],
        )
