"""The loop that sends webhooks. Any number of workers may run it; leases in the database share the work.

One turn: record what came of the tries that ended, take what is new in the feeds, lease what is due, begin to send it.
Each of these is a short transaction of its own, and sending is none. Who dies leaves leases, which end; then another
tries again, under the same `webhook-id`. So every event comes at least once, and its receiver can tell.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from chassis.db import Database
from chassis.outward import Answer
from chassis.vault import Vault
from services.matching.webhooks import leasing
from services.matching.webhooks.leasing import Leased, Outcome
from services.matching.webhooks.models import LOOP
from services.matching.webhooks.retrying import Policy
from services.matching.webhooks.signing import about, headers_of, message_id

log = structlog.get_logger()

IN_ALL = 64
OF_ONE = 4
POLL_S = 0.5
LEASE_S = 60.0
SENDING_MAX_S = 20.0
PATIENCE_S = 5 * 24 * 3600.0

Post = Callable[[str, bytes, Mapping[str, str]], Awaitable[Answer]]
"""Posts these bytes to a URL with these headers, and raises nothing for a fault of the other side."""


@dataclass(slots=True)
class Deliverer:
    """Sends what is due, at most `in_all` at once and `of_one` of one endpoint."""

    db: Database
    vault: Vault
    post: Post
    policy: Policy = field(default_factory=Policy)
    in_all: int = IN_ALL
    of_one: int = OF_ONE
    poll_s: float = POLL_S
    lease_s: float = LEASE_S
    sending_max_s: float = SENDING_MAX_S
    """How long a try may take; `chassis.outward` gives up after 15 s."""
    patience_s: float = PATIENCE_S
    """For how long an endpoint may fail before it is disabled."""

    async def run(self) -> None:
        """Until cancelled: what is being sent then is left to its lease. Raises when the database is lost."""
        sending: set[asyncio.Task[Outcome | None]] = set()
        try:
            while True:
                ended = {task for task in sending if task.done()}
                sending -= ended
                took = await self._turn(ended, sending)
                if not took and not any(task.done() for task in sending):
                    await self.db.wake(LOOP).wait(self.poll_s)
        finally:
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)

    async def _turn(self, ended: set[asyncio.Task[Outcome | None]], sending: set[asyncio.Task[Outcome | None]]) -> bool:
        """Whether there was anything new, and so may be more."""
        outcomes = [outcome for task in ended if (outcome := task.result()) is not None]
        if outcomes:
            await leasing.settle(self.db, outcomes, self.patience_s)
        if not await leasing.is_anything_due(self.db):
            return False
        taken = await leasing.take_from_feeds(self.db)
        free = self.in_all - len(sending)
        if free:
            leased_s = time.monotonic()
            for each in await leasing.lease(self.db, free, self.of_one, self.lease_s):
                task = asyncio.create_task(self._send(each, leased_s))
                task.add_done_callback(lambda _: self.db.wake(LOOP).set())
                sending.add(task)
        return taken > 0

    async def _send(self, leased: Leased, leased_s: float) -> Outcome | None:
        """None when there was no time left to: whoever was paused for so long has lost its lease, or is about to."""
        if time.monotonic() - leased_s > self.lease_s - self.sending_max_s:
            return None
        at = datetime.now(UTC)
        try:
            return await self._try(leased, at)
        except Exception as error:  # a fault of ours with one of them must not stop the others
            log.error("webhook_not_sent", endpoint_id=str(leased.endpoint_id), seq=leased.seq, exc_info=error)
            pause_s = self._pause_s(leased, None, None)
            return Outcome(leased, at, delivered=False, status_code=None, error="internal", pause_s=pause_s)

    async def _try(self, leased: Leased, at: datetime) -> Outcome:
        headers, began_s = self._headers(leased, at), time.monotonic()
        answer = await self.post(leased.url, leased.item, headers)
        took_ms = round((time.monotonic() - began_s) * 1000)
        pause_s = self._pause_s(leased, answer.status, answer.retry_after)
        return Outcome(leased, at, answer.is_good, answer.status, answer.fault, pause_s, took_ms)

    def _pause_s(self, leased: Leased, status: int | None, retry_after: str | None) -> float | None:
        """Until the next try; None: there is none, as for every ping."""
        if leased.pinged_at is not None:
            return None
        return self.policy.pause_s(leased.tries + 1, status, retry_after, datetime.now(UTC))

    def _headers(self, leased: Leased, at: datetime) -> dict[str, str]:
        sealed = [each for each in (leased.secret, leased.old_secret) if each is not None]
        secrets = [self.vault.open(each, about(leased.endpoint_id)) for each in sealed]
        return headers_of(message_id(leased.endpoint_id, leased.seq, leased.pinged_at), at, leased.item, secrets)
