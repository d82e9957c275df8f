"""What every part of the demonstration stands on: doing a thing once, and doing many at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from duijie.demo.client import Client, Refused
from duijie.demo.journal import Journal
from duijie.demo.progress import Stages
from duijie.demo.world import World

ADMIN, OFFICER = "平台运维", "省补贴办"
SECOND_OFFICER, AUDITOR, SUPERVISOR, AGENT = "省补贴办复核", "省审计厅", "督战专班", "驻村代办小周"
"""Whoever looks on: what the first officer proposes waits for the second."""
AT_ONCE = 12
POLL_S = 0.25
STALLED_S = 300
"""What follows by events follows within seconds; after a kill within the time in which a platform starts."""
GRAMS_PER_KG = 1000

Thing = TypeVar("Thing")


@dataclass(slots=True)
class Awaited:
    """Waits between two looks at what is awaited, as long as it comes on."""

    what: str
    seen: object = None
    silent_s: float = 0.0

    async def pause(self, now: object) -> None:
        """`now`: what this look saw. Raises Refused when it has been the same for `STALLED_S`.

        Not by a clock: a question may wait for a platform that starts again.
        """
        self.silent_s = self.silent_s + POLL_S if now == self.seen else 0.0
        self.seen = now
        if self.silent_s >= STALLED_S:
            raise Refused(
                f"{self.what}: {now}, and nothing more has come for {STALLED_S} s in which the platform answered"
            )
        await asyncio.sleep(POLL_S)


@dataclass(frozen=True, slots=True)
class Play:
    """One run over one world; what is done is noted in the journal."""

    client: Client
    journal: Journal
    world: World
    stages: Stages

    async def once(self, account: str, path: str, body: Any, step: str) -> Any:
        """Post it unless the journal holds its answer."""
        if step not in self.journal:
            self.journal.note(step, await self.client.post(account, path, body, key=step))
        return self.journal.get(step)

    def moment(self, step: str) -> datetime:
        """When that stage began, kept: a body that is sent again must be the same body."""
        return self.journal.moment(step, lambda: datetime.now(UTC))

    async def all(self, title: str, things: Sequence[Thing], do: Callable[[Thing], Awaitable[None]]) -> None:
        """Do it for each, some at once."""
        turns = asyncio.Semaphore(AT_ONCE)
        with self.stages.stage(title, len(things)) as bar:

            async def one(thing: Thing) -> None:
                async with turns:
                    await do(thing)
                bar.advance()

            async with asyncio.TaskGroup() as group:
                for thing in things:
                    group.create_task(one(thing))

    async def matches(self, **filters: str) -> list[dict[str, Any]]:
        """Every match between a lot and an order of this world; someone else may use the platform meanwhile."""
        lots, wishes = self.index_of_lot(), self.index_of_wish()
        found = await self.client.every(ADMIN, "/v1/matches", **filters)
        return [match for match in found if match["listing_id"] in lots and match["order_id"] in wishes]

    def index_of_lot(self) -> dict[str, int]:
        return {self.journal.get(f"lot/{lot.index}")["id"]: lot.index for lot in self.world.lots}

    def index_of_wish(self) -> dict[str, int]:
        return {self.journal.get(f"order/{wish.index}")["id"]: wish.index for wish in self.world.wishes}
