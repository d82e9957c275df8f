"""What the operator's page asks: the public API, and what each service says of itself where it is asked in person."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from prometheus_client import generate_latest

from catalogue import produce
from chassis.db import Database
from chassis.health import database_answers, outbox_is_late
from chassis.problems import Language, Text
from gateway.fetch import fetch
from gateway.pages.asking import Refused
from gateway.pages.names import name_of
from gateway.pages.operator.metrics import read_metrics
from gateway.pages.operator.texts import SAID, SILENT
from gateway.pages.operator.views import Round, Service, Whole
from gateway.pages.reader import Reader
from gateway.proxy import ServiceUnavailable, Upstream

SHOWN = 30
WAIT_S = 3.0
DIGITS = re.compile(r"\d+")


async def read_whole(reader: Reader, upstreams: Mapping[str, Upstream], db: Database, after: str) -> Whole:
    """Whatever is away is left out and said to be away: of all pages this one has to open then."""
    services, texts, rounds, interval = await asyncio.gather(
        asyncio.gather(
            _gateway(db, reader.language),
            *(_service(name, upstream, reader.language) for name, upstream in upstreams.items()),
        ),
        asyncio.gather(*map(_metrics, upstreams.values())),
        _or_none(reader, "/v1/rounds", limit=SHOWN, after=after),
        _or_none(reader, "/v1/rounds/interval"),
    )
    names = _names(reader.language)
    return Whole(
        services=services,
        rounds=None if rounds is None else [Round.of(each, names) for each in rounds["items"]],
        next=None if rounds is None else rounds["next"],
        interval_s=None if interval is None else interval["seconds"],
        measured=read_metrics({generate_latest().decode(), *texts}),  # standalone all tell the same
    )


async def _or_none(reader: Reader, path: str, **query: object) -> Any:
    try:
        return await reader.api.get(path, **query)
    except ServiceUnavailable:
        return None
    except Refused as refused:
        if refused.told.status < 500:  # of the reader's own doing: an odd cursor, say
            raise
        return None


async def _gateway(db: Database, language: Language) -> Service:
    why, late = await asyncio.gather(database_answers(db), outbox_is_late(db))
    reasons, lates = {"database": why} if why else {}, {"outbox": late} if late else {}
    return Service("gateway", why is None, _sentences(reasons, language), _sentences(lates, language))


async def _service(name: str, upstream: Upstream, language: Language) -> Service:
    try:
        told = (await fetch(upstream, "/readyz", wait_s=WAIT_S)).json()
    except ServiceUnavailable:
        return Service(name, False, [SILENT.in_language(language)])
    reasons, late = told.get("reasons", {}), told.get("late", {})
    return Service(name, told.get("ready") is True, _sentences(reasons, language), _sentences(late, language))


def _sentences(told: Mapping[str, str], language: Language) -> list[str]:
    """What a service says is wrong, by the names of its checks, in the reader's language. A check of a later release
    is told as the service tells it."""
    return [_sentence(SAID[name], said, language) if name in SAID else said for name, said in told.items()]


def _sentence(text: Text, said: str, language: Language) -> str:
    number = DIGITS.search(said)
    return text.in_language(language, {"number": number[0] if number else "?"})


async def _metrics(upstream: Upstream) -> str:
    try:
        answer = await fetch(upstream, "/metrics", accept="text/plain", wait_s=WAIT_S)
    except ServiceUnavailable:
        return ""
    return answer.body.decode() if answer.status == 200 else ""


def _names(language: Language) -> dict[str, str]:
    kinds = produce.all_produce()
    return {each.slug: name_of(each, language) for each in kinds}
