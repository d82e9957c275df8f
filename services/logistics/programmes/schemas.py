"""Programmes on the public surface."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from catalogue.days import local_day
from catalogue.divisions import adcode_prefix
from catalogue.fields import AdcodeBeginning, ProduceSlug
from chassis.fields import AmountFen, Instant, RequestModel, ShortText
from chassis.problems import Text
from chassis.validation import invalid
from contracts.programmes import ProgrammeKind
from services.logistics.programmes.burndown import Rate
from services.logistics.programmes.models import Approval, ChangeKind, Decision, Money, Programme, RuleVersion, Status
from services.logistics.subsidy.ledger import Head
from services.logistics.subsidy.seals import Seal

RATE_MAX_FEN = 1_000_000
CAP_MAX = 1_000_000_000


AdcodePrefix = Annotated[AdcodeBeginning, AfterValidator(adcode_prefix)]
Cap = Annotated[StrictInt, Field(gt=0, le=CAP_MAX)]
RateFen = Annotated[StrictInt, Field(gt=0, le=RATE_MAX_FEN)]
NonEmptyText = Annotated[ShortText, Field(min_length=1)]


class Eligibility(RequestModel):
    """Conditions of the lot; all that are given must hold."""

    poverty_832: StrictBool | None = None
    watch_52: StrictBool | None = None
    adcodes: Annotated[list[AdcodePrefix], Field(max_length=500)] | None = None
    produce: Annotated[list[ProduceSlug], Field(max_length=500)] | None = None


class CapsIn(RequestModel):
    """Per Shanghai day: parcels, or kg for produce support."""

    per_producer_per_day: Cap | None = None
    per_carrier_per_day: Cap | None = None


class NewProgramme(RequestModel):
    """A programme as it is opened."""

    name: NonEmptyText
    funder: NonEmptyText
    kind: ProgrammeKind
    budget_fen: AmountFen
    rate_fen: RateFen
    starts_at: Instant
    ends_at: Instant
    eligibility: Eligibility | None = None
    caps: CapsIn | None = None

    @field_validator("ends_at")
    @classmethod
    def _ends_after_it_starts(cls, ends_at: AwareDatetime, info: ValidationInfo) -> AwareDatetime:
        starts_at = info.data.get("starts_at")
        if starts_at is not None and ends_at <= starts_at:
            raise invalid("window", Text("结束须在开始之后。", "It must end after it starts."))
        return ends_at


class NewRules(RequestModel):
    """A new version of the rules; what is left out stays, also of conditions and caps, and null takes one away.

    In effect from `effective_at`, by default once approved.
    """

    rate_fen: RateFen | None = None
    eligibility: Eligibility | None = None
    caps: CapsIn | None = None
    effective_at: Instant | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        changed = [each.model_fields_set for each in (self.eligibility, self.caps) if each is not None]
        if self.rate_fen is None and not any(changed):
            raise invalid("nothing", Text("请写明要更改的内容。", "Say what is to change."))
        return self


class NewTopUp(RequestModel):
    amount_fen: AmountFen


class NewChange(RequestModel):
    """Why, if you like."""

    note: ShortText | None = None


class NewDecision(RequestModel):
    decision: Literal["approve", "reject"]


class ApprovalOut(BaseModel):
    """A change that was asked for; `wanted` is what."""

    approval_id: UUID
    programme_id: UUID
    kind: ChangeKind
    wanted: dict[str, Any]
    status: Decision
    asked_by: UUID
    asked_at: AwareDatetime
    decided_by: UUID | None
    decided_at: AwareDatetime | None

    @classmethod
    def of(cls, approval: Approval) -> Self:
        return cls(
            approval_id=approval.id,
            programme_id=approval.programme_id,
            kind=approval.kind,
            wanted=approval.wanted,
            status=approval.status,
            asked_by=approval.asked_by,
            asked_at=approval.asked_at,
            decided_by=approval.decided_by,
            decided_at=approval.decided_at,
        )


class EligibilityOut(BaseModel):
    poverty_832: bool | None
    watch_52: bool | None
    adcodes: list[str]
    produce: list[str]


class CapsOut(BaseModel):
    per_producer_per_day: int | None
    per_carrier_per_day: int | None


class RuleOut(BaseModel):
    """A version of the rules, as it was decided and for ever; of two in effect the later one counts."""

    version: int
    effective_at: AwareDatetime
    rate_fen: int
    eligibility: EligibilityOut
    caps: CapsOut

    @classmethod
    def of(cls, rule: RuleVersion) -> Self:
        return cls(
            version=rule.version,
            effective_at=rule.effective_at,
            rate_fen=rule.rate_fen,
            eligibility=EligibilityOut.model_validate(rule, from_attributes=True),
            caps=CapsOut.model_validate(rule, from_attributes=True),
        )


class ParcelCounts(BaseModel):
    """Parcels (matches, for produce support) by what became of their subsidy."""

    reserved: int
    posted: int
    voided: int
    reversed: int
    refused: int


class ProgrammeOut(BaseModel):
    """A programme and its money at one moment: budget = available + reserved + posted + paid."""

    id: UUID
    name: str
    funder: str
    kind: ProgrammeKind
    status: Status
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    rate_fen: int
    rule_version: int
    eligibility: EligibilityOut
    caps: CapsOut
    budget_fen: int
    available_fen: int
    reserved_fen: int
    posted_fen: int
    paid_fen: int
    parcels: ParcelCounts
    exhausted_at: AwareDatetime | None
    days_left_at_this_rate: float | None
    version: int
    created_at: AwareDatetime

    @classmethod
    def of(cls, programme: Programme, money: Money) -> Self:
        rule = programme.version_at(money.read_at)
        return cls(
            id=programme.id,
            name=programme.name,
            funder=programme.funder,
            kind=programme.kind,
            status=programme.status_at(money.read_at),
            starts_at=programme.starts_at,
            ends_at=programme.ends_at,
            rate_fen=rule.rate_fen,
            rule_version=rule.version,
            eligibility=EligibilityOut.model_validate(rule, from_attributes=True),
            caps=CapsOut.model_validate(rule, from_attributes=True),
            parcels=ParcelCounts.model_validate(money, from_attributes=True),
            days_left_at_this_rate=money.days_left(max(programme.starts_at, programme.created_at)),
            created_at=programme.created_at,
            **_shown(money),
        )


_MONEY = ("budget_fen", "available_fen", "reserved_fen", "posted_fen", "paid_fen", "exhausted_at", "version")


def _shown(money: Money) -> dict[str, Any]:
    return {name: getattr(money, name) for name in _MONEY}


def first_rule(new: NewProgramme) -> RuleVersion:
    """Rule version 1, in effect from the start."""
    conditions, caps = _conditions(new.eligibility or Eligibility()), (new.caps or CapsIn()).model_dump()
    return RuleVersion(version=1, effective_at=new.starts_at, rate_fen=new.rate_fen, **conditions, **caps)


def next_rule(wanted: NewRules, then: RuleVersion, number: int, effective_at: datetime) -> RuleVersion:
    """The version of this number, with what is wanted instead of what the version in force `then` says."""
    names = (*Eligibility.model_fields, *CapsIn.model_fields)
    told = {name: getattr(then, name) for name in names}
    for changed in (wanted.eligibility, wanted.caps):
        if changed is not None:
            told |= {name: _stored(name, getattr(changed, name)) for name in changed.model_fields_set}
    return RuleVersion(
        programme_id=then.programme_id,
        version=number,
        effective_at=effective_at,
        rate_fen=wanted.rate_fen or then.rate_fen,
        **told,
    )


def _conditions(eligibility: Eligibility) -> dict[str, Any]:
    return {name: _stored(name, value) for name, value in eligibility.model_dump().items()}


def _stored(name: str, value: Any) -> Any:
    """As a rule version has it: lists sorted, and empty where there is none."""
    return sorted(set(value or ())) if name in {"adcodes", "produce"} else value


class VerifiedOut(BaseModel):
    """`head` is the hash that the chain leads to; `first_bad_seq` the place of the first wrong transfer."""

    ok: bool
    transfers: int
    head: str
    first_bad_seq: int | None


class SealOut(BaseModel):
    """Where the chain stood when a day was over; `head` is the hash of its last transfer then."""

    model_config = ConfigDict(from_attributes=True)

    programme_id: UUID
    day: date
    seq: int
    head: str
    budget_fen: int
    available_fen: int
    reserved_fen: int
    posted_fen: int
    paid_fen: int
    prev: str
    hash: str


class BalancesOut(BaseModel):
    """The balances after the last transfer, `seq`, that is not later than `at`."""

    at: AwareDatetime
    seq: int
    budget_fen: int
    available_fen: int
    reserved_fen: int
    posted_fen: int
    paid_fen: int

    @classmethod
    def of(cls, at: AwareDatetime, head: Head) -> Self:
        stood = head.balances
        return cls(
            at=at,
            seq=head.seq,
            budget_fen=stood.budget_fen,
            available_fen=stood.available,
            reserved_fen=stood.reserved,
            posted_fen=stood.posted,
            paid_fen=stood.paid,
        )


class BurnDownDay(BaseModel):
    """`committed_fen`: what was reserved, posted or paid when the day was over."""

    day: date
    budget_fen: int
    available_fen: int
    committed_fen: int


class BurnDownOut(BaseModel):
    """`rate_fen_per_day`: what the last seven days committed, a day; `ends_on`: when nothing is left at that rate."""

    days: list[BurnDownDay]
    rate_fen_per_day: int
    ends_on: date | None

    @classmethod
    def of(cls, days: Sequence[Seal], rate: Rate) -> Self:
        return cls(
            days=[
                BurnDownDay(
                    day=date.fromisoformat(seal.day),
                    budget_fen=seal.budget_fen,
                    available_fen=seal.available_fen,
                    committed_fen=seal.budget_fen - seal.available_fen,
                )
                for seal in days
            ],
            rate_fen_per_day=rate.fen_per_day,
            ends_on=None if rate.ends_at is None else local_day(rate.ends_at),
        )
