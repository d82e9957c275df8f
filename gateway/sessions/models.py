"""Sessions: each is a family of refresh tokens, of which the newest is good. And what a token that is not is told."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Boolean, DateTime, ForeignKey, Index, Integer, LargeBinary, Text, Uuid, false, func
from sqlalchemy.orm import Mapped, mapped_column

from chassis.problems import Text as Words
from gateway.oauth import OAuthError
from gateway.tables import Base
from gateway.tokens import Lives

GRACE = timedelta(seconds=30)
"""For so long an answer may be lost: who sends the same old token again gets the same new one."""


class InvalidRefreshToken(OAuthError):
    slug, status, error = "invalid-refresh-token", 400, "invalid_grant"
    title = Words("刷新令牌无效", "The refresh token is not valid")
    detail = Words(
        "它已过期、已撤销、已用过，或属于另一个客户端；请重新登录。",
        "It has expired, was revoked, was used before, or is another client's; sign in again.",
    )


class Session(Base):
    """One signing in, and the refresh tokens that came of it, one after the other. Once it has ended the row goes.

    Of the tokens nothing is kept: the one of `number` follows from the row and a key that the database does not have.
    One that a key began `on_pages` is renewed there without the key's secret, which a browser does not keep.
    """

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    client_id: Mapped[str | None] = mapped_column(Text, ForeignKey("clients.client_id", ondelete="CASCADE"), index=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    number: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    on_pages: Mapped[bool] = mapped_column(Boolean, server_default=false())

    __table_args__ = (Index(None, "account_id", "id"),)

    def rotate(self, number: int, now: datetime, lives: Lives) -> bool:
        """Use the token of that number: a new one is the newest from here on. False for one that was rotated before.

        Within `GRACE`, and as long as the new one was not used, the old one is good for that same new one.
        """
        if number != self.number:
            return number == self.number - 1 and now - self.used_at <= GRACE
        self.number += 1
        self.used_at = now
        self.expires_at = min(now + lives.idle, self.created_at + lives.whole)
        return True


class EndedSession(Base):
    """One that was ended before its time, while access tokens that came of it may be out."""

    __tablename__ = "ended_sessions"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    account_id: Mapped[UUID] = mapped_column(Uuid)
    ended_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), index=True)
