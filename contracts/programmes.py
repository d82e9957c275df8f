"""`logistics.programmes.v1`: the life of a subsidy programme."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.event import Event

ProgrammeKind = Literal["courier_parcel", "produce_support"]


class ProgrammeEvent(Event):
    """The programme's fund as it is now."""

    TOPIC: ClassVar[str] = "logistics.programmes.v1"

    programme_id: UUID = Field(description="Id of the programme; the key.")
    version: int = Field(
        description="Counts the changes of its fund, from 1; an older one that comes later is passed over."
    )
    kind: ProgrammeKind = Field(description="What it pays for: each courier parcel, or each kg of a fulfilled match.")
    budget_fen: int = Field(description="All that it was given, fen.")
    available_fen: int = Field(description="What is neither reserved nor posted, fen.")
    rate_fen: int = Field(description="Subsidy a parcel (`courier_parcel`) or a kg (`produce_support`), fen.")
    rule_version: int = Field(description="Version of the rule that was in force.")
    at: AwareDatetime = Field(description="When it was written.")

    @property
    def key(self) -> str:
        return str(self.programme_id)


class ProgrammeOpened(ProgrammeEvent):
    """A programme has a budget and a first rule."""

    TYPE: ClassVar[str] = "duijie.programme.opened"


class ProgrammeRuleChanged(ProgrammeEvent):
    """Two officers gave it a new version of its rules; `rate_fen` and `rule_version` are those in force now."""

    TYPE: ClassVar[str] = "duijie.programme.rule_changed"


class ProgrammeToppedUp(ProgrammeEvent):
    """Two officers brought more money into it."""

    TYPE: ClassVar[str] = "duijie.programme.topped_up"


class ProgrammePaused(ProgrammeEvent):
    """It pays for nothing new until it is resumed; what was reserved is paid."""

    TYPE: ClassVar[str] = "duijie.programme.paused"


class ProgrammeResumed(ProgrammeEvent):
    """It pays again."""

    TYPE: ClassVar[str] = "duijie.programme.resumed"


class ProgrammeClosed(ProgrammeEvent):
    """It pays for nothing new any more; what was reserved is paid."""

    TYPE: ClassVar[str] = "duijie.programme.closed"


class ProgrammeExhausted(ProgrammeEvent):
    """Less is left than one subsidy costs."""

    TYPE: ClassVar[str] = "duijie.programme.exhausted"
