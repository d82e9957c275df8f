"""Where accounts want to be told of their feed, what each was sent, and what is refused."""

from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    false,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from chassis.problems import Problem
from chassis.problems import Text as Words
from chassis.versions import Versioned
from services.matching.feed.models import FeedType
from services.matching.tables import Base

ENDPOINTS_MAX = 10
LOOP = "webhooks"
"""The name under which the sending is woken."""

PING_SEQ: Final = 0
"""The place of an endpoint's ping among its deliveries: feeds begin at 1."""
BETWEEN_PINGS = timedelta(seconds=5)

DeliveryType = FeedType | Literal["webhook.ping"]
Status = Literal["waiting", "sending", "delivered", "dead"]
DisabledReason = Literal["gone", "failing", "paused"]


class TooManyWebhooks(Problem):
    slug, status = "too-many-webhooks", 409
    title = Words("推送地址过多", "Too many webhooks")
    detail = Words(
        f"一个账户至多 {ENDPOINTS_MAX} 个推送地址，请先删除不用的。",
        f"An account has at most {ENDPOINTS_MAX} webhooks; delete one that you don't need.",
    )


class WebhookDisabled(Problem):
    slug, status = "webhook-disabled", 409
    title = Words("推送地址已停用", "The webhook is disabled")
    detail = Words(
        "已停用的推送地址什么也不发送，请先启用。", "Nothing is sent to a webhook that is disabled; enable it first."
    )


class Endpoint(Versioned, Base):
    """One URL of one account.

    Everything up to `after_seq` of the account's feed has its row in `webhook_deliveries`. No `types` are all types.
    `old_secret` signs beside `secret` until `old_secret_until`. `failing_since` is the first failure since anything was
    delivered. `behind_since` is when it was set back or enabled: what it is behind by then has waited no longer.
    `version` counts what its owner can see change, but for `failing_since` and `after_seq`.
    """

    __tablename__ = "webhook_endpoints"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    account_id: Mapped[UUID] = mapped_column(Uuid, index=True)
    version: Mapped[int] = mapped_column(Integer)
    url: Mapped[str] = mapped_column(Text)
    types: Mapped[list[FeedType]] = mapped_column(ARRAY(Text))
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    old_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    old_secret_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    after_seq: Mapped[int] = mapped_column(BigInteger)
    enabled: Mapped[bool] = mapped_column(Boolean)
    disabled_reason: Mapped[DisabledReason | None] = mapped_column(Text)
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    failing_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    behind_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        CheckConstraint("enabled = (disabled_reason IS NULL)", name="disabled_for_a_reason"),
        CheckConstraint("(old_secret IS NULL) = (old_secret_until IS NULL)", name="old_secret_ends"),
    )

    def must_be_enabled(self) -> None:
        """Raises WebhookDisabled."""
        if not self.enabled:
            raise WebhookDisabled()

    def change(self, *, url: str | None, types: list[FeedType] | None, enabled: bool | None, now: datetime) -> None:
        """What is None stays. One that is disabled already has its reason."""
        self.url = self.url if url is None else url
        self.types = self.types if types is None else types
        if enabled:
            self.behind_since = self.behind_since if self.enabled else now
            self.enabled, self.disabled_reason, self.disabled_at, self.failing_since = True, None, None, None
        elif enabled is False and self.enabled:
            self.enabled, self.disabled_reason, self.disabled_at = False, "paused", now
        self.version += 1

    def rotate(self, secret: bytes, old_until: datetime) -> None:
        """Sign with a new secret, and until then with the last one, too; one before that is forgotten."""
        self.old_secret, self.old_secret_until = self.secret, old_until
        self.secret = secret
        self.version += 1

    def rewind(self, after_seq: int, now: datetime) -> None:
        """Have everything behind `after_seq` sent again."""
        if after_seq < self.after_seq:
            self.after_seq, self.behind_since = after_seq, now


class Delivery(Base):
    """One event of the feed for one endpoint, or at `PING_SEQ` its last ping, which was asked for at `pinged_at`.

    `waiting` is tried at `next_at`; `sending` is with a worker, whose lease ends at `next_at`; both others are the end.
    `tries` counts those since it was last asked for, `attempts` holds the last of all:
    `{"at", "status_code" | "error"}`. What was asked for `again` while it was sent starts anew after that.
    """

    __tablename__ = "webhook_deliveries"

    endpoint_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    type: Mapped[DeliveryType] = mapped_column(Text)
    status: Mapped[Status] = mapped_column(Text)
    tries: Mapped[int] = mapped_column(Integer)
    next_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    lease: Mapped[UUID | None] = mapped_column(Uuid)
    again: Mapped[bool] = mapped_column(Boolean, server_default=false())
    attempts: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=sql("'[]'"))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), index=True)
    pinged_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        Index(
            "ix_webhook_deliveries_due",
            "endpoint_id",
            "next_at",
            postgresql_where=sql("status IN ('waiting', 'sending')"),
        ),
        Index("ix_webhook_deliveries_leased", "endpoint_id", postgresql_where=sql("status = 'sending'")),
        CheckConstraint("(lease IS NOT NULL) = (status = 'sending')", name="sending_is_leased"),
        CheckConstraint("(ended_at IS NULL) = (status IN ('waiting', 'sending'))", name="ended"),
        CheckConstraint("(next_at IS NULL) = (status NOT IN ('waiting', 'sending'))", name="next"),
    )

    @classmethod
    def ping(cls, endpoint_id: UUID, now: datetime) -> "Delivery":
        """An endpoint's first ping."""
        return cls(
            endpoint_id=endpoint_id,
            seq=PING_SEQ,
            type="webhook.ping",
            status="waiting",
            tries=0,
            next_at=now,
            attempts=[],
            pinged_at=now,
        )

    def ping_again(self, now: datetime) -> None:
        """One more, `BETWEEN_PINGS` after the last at the soonest; one that is under way is left alone."""
        if self.ended_at is not None:
            self.next_at = max(now, self.ended_at + BETWEEN_PINGS)
            self.status, self.tries, self.attempts, self.ended_at, self.pinged_at = "waiting", 0, [], None, now

    def send_again(self, now: datetime) -> None:
        """Start anew, under the id that it had; if it is being sent then after that."""
        self.tries = 0
        if self.status == "sending":
            self.again = True
        else:
            self.status, self.next_at, self.ended_at = "waiting", now, None
