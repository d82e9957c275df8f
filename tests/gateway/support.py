"""What the gateway's tests share: an SMS provider, callers, and buckets that do not fill."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from chassis.problems import Language
from contracts.accounts import Role
from gateway.buckets import LocalBuckets, Rate
from gateway.tokens import Signer


@dataclass
class Phones:
    """An SMS provider that remembers what it sent, or is down."""

    sent: list[tuple[str, str, Language]] = field(default_factory=list)
    down: bool = False

    async def send(self, phone: str, code: str, language: Language) -> None:
        if self.down:
            raise ConnectionError(f"no way to {phone}")
        self.sent.append((phone, code, language))

    def last_code(self) -> str:
        return self.sent[-1][1]


def bearer(signer: Signer, role: Role = "citizen", account_id: UUID | None = None) -> dict[str, str]:
    """The headers of a caller with a sound token."""
    return {"Authorization": f"Bearer {signer.sign(account_id or uuid4(), role, timedelta(minutes=5))}"}


def slow(rate: Rate) -> LocalBuckets:
    """Buckets that gain not one token while a test runs, however long that takes: a thousand writes take seconds."""
    return LocalBuckets(Rate(rate.name, per_s=rate.per_s / 1_000_000, burst=rate.burst))
