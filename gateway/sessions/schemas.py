"""Tokens and sessions on the public surface."""

from typing import Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from chassis.fields import ResponseModel, ShortText
from contracts.accounts import Role
from gateway.accounts.schemas import Phone
from gateway.sessions.models import Session


class TokenForm(BaseModel):
    """`otp` with phone and code, `client_credentials` with id and secret (also by HTTP Basic), or `refresh_token`.

    What the form does not know is passed over, as RFC 6749 wants.
    """

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    grant_type: ShortText
    phone: Phone | None = None
    code: ShortText | None = None
    role: Role | None = None
    client_id: ShortText | None = None
    client_secret: ShortText | None = None
    refresh_token: ShortText | None = None

    @property
    def phone_tried(self) -> str | None:
        """The phone whose code is guessed at. In another grant it means nothing, and brakes nobody."""
        return self.phone if self.grant_type == "otp" else None


class TokenOut(BaseModel):
    """`refresh_token` renews it once, and comes anew each time; its session ends when it is not used in time."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    refresh_token: str
    refresh_expires_in: int


class RevokeForm(BaseModel):
    """RFC 7009. What kind of token it is need not be said."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    token: str = Field(max_length=4000)


class SessionOut(ResponseModel):
    """One signing in that still renews tokens. `client_id` is null where a person signed in; `current`: this one."""

    id: UUID
    current: bool
    client_id: str | None
    created_at: AwareDatetime
    used_at: AwareDatetime
    expires_at: AwareDatetime

    @classmethod
    def of(cls, session: Session, current: UUID | None) -> Self:
        """`current`: the session of whoever asks; None where the token came of none."""
        return cls(
            id=session.id,
            current=session.id == current,
            client_id=session.client_id,
            created_at=session.created_at,
            used_at=session.used_at,
            expires_at=session.expires_at,
        )


class Ended(BaseModel):
    """How many sessions were ended."""

    ended: int
