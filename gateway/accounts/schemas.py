"""Accounts on the public surface."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from chassis.fields import RequestModel, ShortText
from chassis.vault import Vault
from contracts.accounts import Role
from gateway.accounts import phones
from gateway.accounts.models import Account

Phone = Annotated[
    str, Field(max_length=40), AfterValidator(phones.normalise), Field(examples=["13812345678", "+8613812345678"])
]
"""A phone number in any spelling; E.164 from here on."""


class CodeRequest(RequestModel):
    phone: Phone


class CodeSent(BaseModel):
    """The same for every valid phone. `retry_after_s`: before that no second code goes out."""

    retry_after_s: int


class NewName(RequestModel):
    name: Annotated[ShortText, Field(min_length=1)]


class Me(BaseModel):
    """Who the token names. `phone` is masked; null where none is known."""

    account_id: UUID
    role: Role
    name: str
    phone: str | None

    @classmethod
    def of(cls, account: Account, vault: Vault) -> Self:
        phone = account.phone(vault)
        return cls(
            account_id=account.id,
            role=account.role,
            name=account.name(vault),
            phone=phones.masked(phone) if phone else None,
        )
