"""What a problem means, for a person: this process's own, or one that only a service draws."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from chassis.problems import Problem, Text
from gateway.fetch import fetch
from gateway.proxy import ServiceUnavailable, Upstream
from gateway.words.problems import what_to_do

SLUG = re.compile(r"[a-z0-9-]{1,64}")
BLANK = re.compile(r"\{\w+\}")


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
        # what fills a blank is known to a single answer only
        meaning = Text(BLANK.sub("…", detail.zh), BLANK.sub("…", detail.en))
        return cls(slug, status, title, meaning, what_to_do(slug, status))


async def find_problem(slug: str, services: Iterable[Upstream]) -> Meaning | None:
    """The problem of that slug; the services are asked in turn for one that is not known here."""
    known = Problem.known().get(slug)
    if known is not None:
        return Meaning.of(slug, known.status, known.title, known.detail)
    if not SLUG.fullmatch(slug):
        return None
    for service in services:
        told = await _asked(service, slug)
        if told is not None:
            return Meaning.of(slug, told["status"], Text(**told["title"]), Text(**told["detail"]))
    return None


async def _asked(service: Upstream, slug: str) -> dict[str, Any] | None:
    try:
        answer = await fetch(service, f"/problems/{slug}")
        told: dict[str, Any] | None = answer.json() if answer.status == 200 else None
    except ServiceUnavailable:
        return None
    return told
