"""`gateway.accounts.v1`: who there is. No phone, no name."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

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
    """The account as it is now."""

    TOPIC: ClassVar[str] = "gateway.accounts.v1"

    account_id: UUID = Field(description="Id of the account; the key.")
    version: int = Field(
        description="Counts the account's changes, from 1; an older one that comes later is passed over."
    )
    role: Role = Field(description="What the account may do.")

    @property
    def key(self) -> str:
        return str(self.account_id)


class AccountOpened(AccountEvent):
    """Someone has an account."""

    TYPE: ClassVar[str] = "duijie.account.opened"


class AccountChanged(AccountEvent):
    """Its name is another; which one is not told."""

    TYPE: ClassVar[str] = "duijie.account.changed"


class AccountErased(AccountEvent):
    """Whose it was is forgotten. The id stays as a pseudonym in what others need to add up.

    Who keeps anything about that person forgets it, and ends what they had open.
    """

    TYPE: ClassVar[str] = "duijie.account.erased"
