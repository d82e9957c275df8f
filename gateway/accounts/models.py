"""Accounts, the clients of machines, the codes of people, and what they refuse."""

from datetime import date, datetime, timedelta
from hmac import compare_digest
from typing import Any
from uuid import UUID

from sqlalchemy import Date, DateTime, ForeignKey, Integer, LargeBinary, Text, UniqueConstraint, Uuid, func
from sqlalchemy.orm import Mapped, mapped_column

from chassis.problems import Language, Problem
from chassis.problems import Text as Words
from chassis.vault import Vault
from contracts.accounts import AccountOpened, Role
from gateway.tables import Base

OPENED_BY_PHONE: frozenset[Role] = frozenset({"producer", "agent", "group_leader", "citizen"})
"""What anyone may become with a phone alone; every other role is given by the operator."""

CODE_LIVES = timedelta(minutes=5)
BETWEEN_CODES = timedelta(seconds=60)
TRIES = 5
CODES_A_DAY = 10


class OAuthError(Problem):
    """A problem of `POST /v1/auth/token`; `error` is its name in RFC 6749, section 5.2, for OAuth clients."""

    error: str

    def body(self, language: Language) -> dict[str, Any]:
        return super().body(language) | {"error": self.error}


class InvalidRequest(OAuthError):
    slug, status, error = "invalid-request", 400, "invalid_request"
    title = Words("登录请求无效", "The request for a token is not valid")
    detail = Words("请更正所列各项后重试。", "Correct the fields listed and send it again.")


class InvalidGrant(OAuthError):
    slug, status, error = "invalid-grant", 400, "invalid_grant"
    title = Words("验证码无效", "The code is not valid")
    detail = Words(
        "验证码错误、已用过、已过期或尝试过多。", "The code is wrong, used, expired, or was tried too often."
    )


class InvalidClient(OAuthError):
    slug, status, error = "invalid-client", 401, "invalid_client"
    title = Words("客户端认证失败", "The client is not known")
    detail = Words("client_id 或 client_secret 不正确。", "The client_id or the client_secret is wrong.")


class UnsupportedGrantType(OAuthError):
    slug, status, error = "unsupported-grant-type", 400, "unsupported_grant_type"
    title = Words("不支持的授权方式", "Unsupported grant type")
    detail = Words(
        "支持 otp 与 client_credentials；refresh_token 尚未提供。",
        "Send otp or client_credentials; refresh_token is not offered yet.",
    )


class AnotherRole(Problem):
    slug, status = "another-role", 409
    title = Words("该号码已有其他角色的账户", "The phone has an account of another role")
    detail = Words("请不带 role 登录。", "Sign in without `role`: it counts only when an account is opened.")


class Account(Base):
    """Someone who may call. A name or a phone is kept sealed, and found by its fingerprint.

    Machines and operators' accounts are known by role and name; people's by their phone, and have no name yet.
    """

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("role", "name_hash"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    role: Mapped[Role] = mapped_column(Text)
    name_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    name_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())

    def name(self, vault: Vault) -> str:
        return vault.open(self.name_encrypted, about_name(self.id)) if self.name_encrypted else ""

    def phone(self, vault: Vault) -> str | None:
        """E.164, for sending to it; `phones.masked` is what may be shown."""
        return vault.open(self.phone_encrypted, about_phone(self.id)) if self.phone_encrypted else None

    def opened(self) -> AccountOpened:
        return AccountOpened(account_id=self.id, version=self.version, role=self.role)


def about_name(account_id: UUID) -> str:
    return f"accounts.name {account_id}"


def about_phone(account_id: UUID) -> str:
    return f"accounts.phone {account_id}"


class Client(Base):
    """A machine's way in. The secret was shown once; its argon2 hash is kept."""

    __tablename__ = "clients"

    client_id: Mapped[str] = mapped_column(Text, primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Code(Base):
    """The last code sent to a phone. It lives `CODE_LIVES`, is good once, and bears `TRIES` wrong guesses.

    A new one goes out every `BETWEEN_CODES` at most, and `CODES_A_DAY` times a day: so 50 guesses a day, of a
    million codes.
    """

    __tablename__ = "codes"

    phone_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    tries: Mapped[int] = mapped_column(Integer)
    sent_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    day: Mapped[date] = mapped_column(Date)
    sent_that_day: Mapped[int] = mapped_column(Integer)

    def renew(self, code_hash: bytes, now: datetime, today: date) -> bool:
        """Take a new code; False when the last one is too young or the day has seen enough."""
        if self.day != today:
            self.day, self.sent_that_day = today, 0
        if now - self.sent_at < BETWEEN_CODES or self.sent_that_day == CODES_A_DAY:
            return False
        self.code_hash, self.tries = code_hash, 0
        self.sent_at, self.expires_at = now, now + CODE_LIVES
        self.sent_that_day += 1
        return True

    def spend(self, code_hash: bytes, now: datetime) -> bool:
        """Whether this is the code; it is used up then, and a wrong guess is counted."""
        if self.code_hash is None or now >= self.expires_at or self.tries == TRIES:
            return False
        if not compare_digest(self.code_hash, code_hash):
            self.tries += 1
            return False
        self.code_hash = None
        return True
