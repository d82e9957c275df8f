"""Accounts on the public surface."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

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


class TokenForm(BaseModel):
    """`otp` with phone and code, or `client_credentials` with id and secret (also by HTTP Basic).

    What the form does not know is passed over, as RFC 6749 wants. Refresh tokens are not offered yet.
    """

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    grant_type: ShortText
    phone: Phone | None = None
    code: ShortText | None = None
    role: Role | None = None
    client_id: ShortText | None = None
    client_secret: ShortText | None = None


class TokenOut(BaseModel):
    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int


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
