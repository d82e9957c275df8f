"""`logistics.programmes.v1`: the life of a subsidy programme."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from contracts.event import Event

ProgrammeKind = Literal["courier_parcel", "produce_support"]


class ProgrammeEvent(Event):
    TOPIC: ClassVar[str] = "logistics.programmes.v1"

    programme_id: UUID
    version: int
    kind: ProgrammeKind
    budget_fen: int
    available_fen: int
    rate_fen: int
    rule_version: int
    at: AwareDatetime

    @property
    def key(self) -> str:
        return str(self.programme_id)


class ProgrammeOpened(ProgrammeEvent):
    TYPE: ClassVar[str] = "duijie.programme.opened"


class ProgrammeExhausted(ProgrammeEvent):
    TYPE: ClassVar[str] = "duijie.programme.exhausted"
