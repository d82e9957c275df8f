"""One's own data on the public surface."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from chassis.fields import RequestModel, ShortText
from chassis.vault import Vault
from gateway.accounts.models import Account
from gateway.accounts.schemas import Me


class Proof(RequestModel):
    """That whoever holds the token is the one it names, now: a person's code, or a client's id and secret."""

    model_config = ConfigDict(hide_input_in_errors=True)

    code: ShortText | None = None
    client_id: ShortText | None = None
    client_secret: ShortText | None = None


class Erased(BaseModel):
    """The account that is a pseudonym from here on."""

    account_id: UUID


class Owned(Me):
    """The account to whom it belongs: the phone in full."""

    created_at: AwareDatetime

    @classmethod
    def whole(cls, account: Account, vault: Vault) -> "Owned":
        return cls(
            account_id=account.id,
            role=account.role,
            name=account.name(vault),
            phone=account.phone(vault),
            created_at=account.created_at,
        )
