"""`gateway.accounts.v1`: who there is. No phone, no name."""

from typing import ClassVar, Literal
from uuid import UUID

from contracts.event import Event

Role = Literal[
    "producer",
    "agent",
    "platform",
    "group_leader",
    "citizen",
    "carrier",
    "programme_officer",
    "supervisor",
    "auditor",
    "admin",
]


class AccountEvent(Event):
    TOPIC: ClassVar[str] = "gateway.accounts.v1"

    account_id: UUID
    version: int
    role: Role

    @property
    def key(self) -> str:
        return str(self.account_id)


class AccountOpened(AccountEvent):
    TYPE: ClassVar[str] = "duijie.account.opened"
