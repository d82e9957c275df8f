"""What a problem means, for a person: this process's own, or one that only a service draws."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chassis.problems import Problem, Text
from gateway.fetch import fetch
from gateway.proxy import ServiceUnavailable, Upstream
from gateway.words.problems import in_general, what_to_do

FRESH_S = 60.0  # a service may have been upgraded behind us
INCOMPLETE_FRESH_S = 2.0


@dataclass(frozen=True, slots=True)
class Meaning:
    """A problem and what to do about it."""

    slug: str
    status: int
    title: Text
    detail: Text
    remedy: Text

    @classmethod
    def of(cls, slug: str, status: int, title: Text, detail: Text) -> "Meaning":
        return cls(slug, status, title, in_general(detail), what_to_do(slug, status))


class Meanings:
    """All problems of the surface by their slugs, asked for again when that has grown old: nobody who asks for one
    makes the services work."""

    def __init__(self, services: Mapping[str, Upstream]) -> None:
        self._services = services
        self._known: dict[str, Meaning] = {}
        self._good_until_s = float("-inf")
        self._lock = asyncio.Lock()

    async def all(self) -> Mapping[str, Meaning]:
        """In the order of their statuses."""
        async with self._lock:
            if time.monotonic() > self._good_until_s:
                await self._renew()
            return self._known

    async def _renew(self) -> None:
        told = await asyncio.gather(*(_of_service(each) for each in self._services.values()))
        # what a service that is away said before still holds; this process's own words win
        found = self._known | {each.slug: each for of_one in told for each in of_one or ()}
        found |= {each.slug: each for each in _own()}
        self._known = dict(sorted(found.items(), key=lambda each: (each[1].status, each[0])))
        self._good_until_s = time.monotonic() + (INCOMPLETE_FRESH_S if None in told else FRESH_S)


def _own() -> Iterator[Meaning]:
    for slug, known in Problem.known().items():
        yield Meaning.of(slug, known.status, known.title, known.detail)


async def _of_service(service: Upstream) -> list[Meaning] | None:
    """None of one that does not answer, or tells of none yet."""
    try:
        answer = await fetch(service, "/problems")
        items: list[dict[str, Any]] = answer.json().get("items", []) if answer.status == 200 else []
    except ServiceUnavailable:
        return None
    return [Meaning.of(each["slug"], each["status"], Text(**each["title"]), Text(**each["detail"])) for each in items]
