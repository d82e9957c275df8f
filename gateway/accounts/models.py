"""Accounts, the clients of machines, the codes of people, and what they refuse."""

import math
from datetime import UTC, date, datetime, timedelta
from hmac import compare_digest
from typing import Any
from uuid import UUID

from sqlalchemy import Date, DateTime, ForeignKey, Integer, LargeBinary, Text, UniqueConstraint, Uuid, func
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.days import bounds_of, local_day
from chassis.problems import Language, Problem
from chassis.problems import Text as Words
from chassis.vault import Vault
from chassis.versions import Versioned
from contracts.accounts import AccountChanged, AccountErased, AccountOpened, Role
from gateway.oauth import OAuthError
from gateway.tables import Base

OPENED_BY_PHONE: frozenset[Role] = frozenset({"producer", "agent", "group_leader", "citizen"})
"""What anyone may become with a phone alone; every other role is given by the operator."""

NEVER = datetime(2000, 1, 1, tzinfo=UTC)
CODE_LIVES = timedelta(minutes=5)
BETWEEN_CODES = timedelta(seconds=60)
TRIES = 5
CODES_A_DAY = 10


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

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": 'Basic realm="duijie"'})  # a realm must be there: RFC 7617, 2


class UnsupportedGrantType(OAuthError):
    slug, status, error = "unsupported-grant-type", 400, "unsupported_grant_type"
    title = Words("不支持的授权方式", "Unsupported grant type")
    detail = Words("支持 otp、client_credentials 与 refresh_token。", "Send otp, client_credentials or refresh_token.")


class AnotherRole(OAuthError):
    slug, status, error = "another-role", 409, "invalid_request"
    title = Words("该号码已有其他角色的账户", "The phone has an account of another role")
    detail = Words("请不带 role 登录。", "Sign in without `role`: it counts only when an account is opened.")


class RoleNotOpen(OAuthError):
    slug, status, error = "role-not-open", 403, "unauthorized_client"
    title = Words("不能自行选择此角色", "Nobody takes this role by themselves")
    detail = Words(
        "凭手机可选：{known}。其他角色由管理员开立。", "A phone opens {known}; other roles an operator gives."
    )


class TooManyCodes(Problem):
    """The same for every phone: codes are counted by phone, whether or not it has an account."""

    slug, status = "too-many-codes", 429
    title = Words("验证码发送过于频繁", "A code was sent not long ago")
    detail = Words(
        "{wait_s} 秒后才能再向此号码发送，这次没有发送。五分钟内发出且尚未使用的验证码仍有效。",
        "Another can be sent to this phone in {wait_s} s; none was sent now. A code of the last five minutes that was "
        "not used still works.",
    )

    def __init__(self, wait: timedelta) -> None:
        self.wait_s = math.ceil(wait.total_seconds())
        super().__init__(headers={"Retry-After": str(self.wait_s)}, wait_s=self.wait_s)

    def body(self, language: Language) -> dict[str, Any]:
        return super().body(language) | {"retry_after_s": self.wait_s}


class NameTaken(Problem):
    slug, status = "name-taken", 409
    title = Words("名称已被使用", "The name is taken")
    detail = Words("同一角色中已有账户用此名称。", "Another account of this role goes by that name.")


class Account(Versioned, Base):
    """Someone who may call. A name or a phone is kept sealed, and found by its fingerprint.

    Machines and operators' accounts are known by role and name; people's by their phone, and may share a name. Of one
    that was erased the id and the role stay: what it had to do with others must still add up.
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
    erased_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), index=True)

    def rename(self, name: str, vault: Vault) -> bool:
        """Go by another name; False when it is the same."""
        if self.name(vault) == name:
            return False
        self.name_encrypted = vault.seal(name, about_name(self.id))
        if self.name_hash is not None:
            self.name_hash = vault.fingerprint("name", name)
        self.version += 1
        return True

    def erase(self, now: datetime) -> None:
        """Forget whose it is."""
        self.name_encrypted = self.name_hash = self.phone_encrypted = self.phone_hash = None
        self.erased_at = now
        self.version += 1

    def name(self, vault: Vault) -> str:
        return vault.open(self.name_encrypted, about_name(self.id)) if self.name_encrypted else ""

    def phone(self, vault: Vault) -> str | None:
        """E.164, for sending to it; `phones.masked` is what may be shown."""
        return vault.open(self.phone_encrypted, about_phone(self.id)) if self.phone_encrypted else None

    def opened(self) -> AccountOpened:
        return AccountOpened(account_id=self.id, version=self.version, role=self.role)

    def changed(self) -> AccountChanged:
        return AccountChanged(account_id=self.id, version=self.version, role=self.role)

    def erased(self) -> AccountErased:
        return AccountErased(account_id=self.id, version=self.version, role=self.role)


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
    million codes; a code that the provider did not take counts among them, for it may have arrived.
    """

    __tablename__ = "codes"

    phone_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    tries: Mapped[int] = mapped_column(Integer)
    sent_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    day: Mapped[date] = mapped_column(Date)
    sent_that_day: Mapped[int] = mapped_column(Integer)

    def renew(self, code_hash: bytes, now: datetime) -> None:
        """Take a new code. Raises TooManyCodes when the last one is too young or the day has seen enough."""
        today = local_day(now)
        if self.day != today:
            self.day, self.sent_that_day = today, 0
        if self.sent_that_day == CODES_A_DAY:
            _, tomorrow = bounds_of(today)
            raise TooManyCodes(tomorrow - now)
        if now - self.sent_at < BETWEEN_CODES:
            raise TooManyCodes(self.sent_at + BETWEEN_CODES - now)
        self.code_hash, self.tries = code_hash, 0
        self.sent_at, self.expires_at = now, now + CODE_LIVES
        self.sent_that_day += 1

    def was_not_sent(self) -> None:
        """The way there failed: the code is good no more, and the next one need not wait. It was one of the day's."""
        self.sent_at = NEVER
        self.code_hash = None

    def spend(self, code_hash: bytes, now: datetime) -> bool:
        """Whether this is the code; it is used up then, and a wrong guess is counted."""
        if self.code_hash is None or now >= self.expires_at or self.tries == TRIES:
            return False
        if not compare_digest(self.code_hash, code_hash):
            self.tries += 1
            return False
        self.code_hash = None
        return True
