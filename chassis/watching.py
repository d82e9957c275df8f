"""One look for everyone who waits: a thousand readers of a process are not a thousand who poll.

While anybody waits, one loop looks at all that is being waited for, with one statement, and wakes those for whom it has
changed. Nobody holds a connection meanwhile, and a database that is away only makes them wait for longer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context
from typing import Generic, TypeVar
from uuid import UUID

import structlog

from chassis.db import Wake, is_transient
from chassis.telemetry import described

EVERY_S = 0.1
GAP_S = 0.02
"""Between two looks at least, however often one is woken."""
AWAY_S = 1.0
LOOK_S = 5.0
"""How long one look may take: a server that went without a word is away, too."""

log = structlog.get_logger()

Value = TypeVar("Value")
Look = Callable[[Mapping[UUID, Value | None]], Awaitable[Mapping[UUID, Value]]]
"""Given what was last seen of each, None where nothing was: what there is now, at least of those that have changed."""


class Watched(Generic[Value]):
    """One thing that is waited for, as it was last seen."""

    def __init__(self) -> None:
        self.value: Value | None = None
        self.readers = 0
        self._changed = asyncio.Event()

    def tell(self, value: Value) -> None:
        if value != self.value:
            self.value = value
            self._changed.set()
            self._changed = asyncio.Event()

    async def until(self, true: Callable[[Value], bool]) -> Value:
        """The value, when it is one of which that is true."""
        while self.value is None or not true(self.value):
            await self._changed.wait()
        return self.value


class Watch(Generic[Value]):
    """All that one process waits for of one kind. `wake` brings the next look forward, where it is set."""

    def __init__(self, name: str, look: Look[Value], wake: Wake | None = None, every_s: float = EVERY_S) -> None:
        self._name = name
        self._look = look
        self._wake = wake or Wake()
        self._every_s = every_s
        self._watched: dict[UUID, Watched[Value]] = {}
        self._looking: asyncio.Task[None] | None = None

    @contextmanager
    def on(self, key: UUID) -> Iterator[Watched[Value]]:
        """What is seen of it, kept up to date as long as the block lasts."""
        watched = self._watched.setdefault(key, Watched())
        watched.readers += 1
        if self._looking is None or self._looking.done():
            # in no request's context, whose id would stand in the log for ever
            self._looking = asyncio.create_task(self._look_on(), name=f"watch.{self._name}", context=Context())
        try:
            yield watched
        finally:
            watched.readers -= 1
            if not watched.readers:
                del self._watched[key]

    async def _look_on(self) -> None:
        """Until nobody waits any more."""
        away = False
        while self._watched:
            try:
                async with asyncio.timeout(LOOK_S):
                    found = await self._look({key: each.value for key, each in self._watched.items()})
            except Exception as error:
                if not away:  # once, not ten times a second
                    self._say(error)
                away = True
                await asyncio.sleep(AWAY_S)
                continue
            away = False
            for key, value in found.items():
                if key in self._watched:  # its last reader may have left meanwhile
                    self._watched[key].tell(value)
            await asyncio.sleep(GAP_S)
            await self._wake.wait(self._every_s - GAP_S)

    def _say(self, error: Exception) -> None:
        if is_transient(error):
            log.warning("watch_waits", watch=self._name, error=described(error))
        else:
            log.error("watch_failed", watch=self._name, exc_info=error)
