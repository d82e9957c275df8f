"""What a farmer's pages are made of: several questions to the API at once, each page's answers together."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from catalogue import produce
from catalogue.produce import Produce, TemperatureClass, default_temperature_class, shelf_life
from chassis.problems import Language, NotFound
from gateway.pages.asking import Refused, Told
from gateway.pages.explanations import Why
from gateway.pages.farm.form import Filled, mass
from gateway.pages.farm.views import LATE_S, Lot, Match, Price, lots_of, waits_for_producer
from gateway.pages.forms import fen, instant
from gateway.pages.names import place_name, produce_name
from gateway.pages.paging import newest
from gateway.pages.reader import Reader
from gateway.pages.shown import by_name
from gateway.proxy import ServiceUnavailable

WAITING_SHOWN = 20
MATCHES_SHOWN = 100
SEEN_CHARS = 16
CLOSED = frozenset({"withdrawn", "expired"})
NOTHING = Told(200, None, None)


@dataclass(frozen=True, slots=True)
class Matches:
    """The newest of those that were asked for; `are_all` when there are no more of them."""

    items: Sequence[Match]
    are_all: bool


@dataclass(frozen=True, slots=True)
class Farm:
    """All of a reader's lots, the open ones first, with the matches that wait for their answer."""

    open: Sequence[Lot]
    done: Sequence[Lot]
    waiting: Matches | None
    """None where they can't be told now."""
    older: str | None
    """The cursor of the lots before these."""

    @property
    def producer_ids(self) -> set[str]:
        """Whose lots these are, and to whom these buyers come."""
        lots = {each.producer_id for each in (*self.open, *self.done)}
        return lots | {each.producer_id for each in (self.waiting.items if self.waiting else ())}


@dataclass(frozen=True, slots=True)
class LotPage:
    """One lot with all that there is to know of it; `told` is what came of the form that was sent, if one was."""

    lot: Lot
    matches: Matches | None
    """None where they can't be told now."""
    why: Why | None
    """None where it can't be told now."""
    told: Told = NOTHING
    typed: Mapping[str, str] = field(default_factory=dict)
    since_s: float = field(default_factory=time.time)
    """When this page was first shown, in seconds since 1970."""

    @property
    def is_closed(self) -> bool:
        """Whether it was withdrawn or has expired, of which matching may not have heard yet."""
        return self.lot.status in CLOSED or (self.why is not None and self.why.state == "closed")

    @property
    def is_late(self) -> bool:
        """Whether it has been pending for longer than it takes while rounds run."""
        waits_anew = self.why is not None and self.why.state != "pending"
        return self.is_pending and not (self.lot.is_new or (waits_anew and time.time() - self.since_s < LATE_S))

    @property
    def is_pending(self) -> bool:
        """Whether matching has yet to see it as it stands now, which takes a second or so: for the first time, or with
        the floor to which it was lowered just now."""
        fix = self.why.fix if self.why else None
        is_stale = fix is not None and fix.to_fen_per_kg >= self.lot.floor_fen_per_kg
        return self.lot.is_open and self.why is not None and (self.why.state == "pending" or is_stale)

    @property
    def edits(self) -> Mapping[str, str]:
        """What was typed into the form of the lot itself; nothing where another of the page's forms was sent."""
        return self.typed if "decides" in self.typed else {}

    @property
    def seen(self) -> str:
        """Another whenever what changes by itself would look different."""
        lot = replace(self.lot, hours_left=round(self.lot.hours_left, 1))
        return sha256(repr((lot, self.matches, self.why, self.is_late)).encode()).hexdigest()[:SEEN_CHARS]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of produce as the form offers it: by its name, with what the catalogue and the market know of it."""

    name: str
    other_name: str
    temperature_class: str
    life_days: Mapping[str, int]
    """By temperature class; a class without any known life is missing."""
    price: Price | None


async def farm_of(reader: Reader, after: str | None) -> Farm:
    """A page of the lots from the cursor on. Raises Refused, and ServiceUnavailable where they can't be told now."""
    listed, waiting = await asyncio.gather(
        reader.api.get("/v1/listings", after=after),
        _matches(reader, WAITING_SHOWN, waits_for_producer, status="proposed"),
    )
    asked = {each.listing_id for each in waiting.items} if waiting else set()
    knows_all = waiting is not None and waiting.are_all
    lots = [
        replace(each, awaits_buyers=knows_all and each.id not in asked) for each in lots_of(listed, reader.language)
    ]
    return Farm(
        open=[each for each in lots if each.is_open],
        done=[each for each in lots if not each.is_open],
        waiting=waiting,
        older=listed["next"],
    )


async def lot_page(
    reader: Reader, listing_id: str, told: Told = NOTHING, typed: Mapping[str, str] | None = None
) -> LotPage:
    """Raises Refused for a lot that is not the reader's."""
    listed = await reader.api.get(f"/v1/listings/{listing_id}")
    matches, why = await asyncio.gather(
        _matches(reader, MATCHES_SHOWN, lambda match: match["status"] != "released", listing_id=listing_id),
        _why(reader, listing_id),
    )
    return LotPage(
        lot=lots_of({"items": [listed]}, reader.language)[0],
        matches=matches,
        why=why,
        told=told,
        typed=typed or {},
    )


async def live(reader: Reader, listing_id: str, seen: str, since_s: float | None) -> LotPage | None:
    """The lot as it stands now; None where it stands as it was `seen`. Raises Refused."""
    shown = await lot_page(reader, listing_id)
    shown = shown if since_s is None else replace(shown, since_s=since_s)
    return None if shown.seen == seen else shown


async def change(reader: Reader, listing_id: str, fields: Mapping[str, str]) -> Told:
    """Change what the form on the lot's page holds; `version` is the one that was shown."""
    wanted = Filled(fields)
    readers = {
        "quantity_kg": ("quantity", mass),
        "min_price_fen_per_kg": ("price", fen),
        "best_before": ("best_before", lambda typed: instant(typed) or None),
        "available_until": ("available_until", lambda typed: instant(typed) or None),
        "story": ("story", lambda typed: typed or None),
    }
    body: dict[str, Any] = {name: read(wanted[typed]) for name, (typed, read) in readers.items() if typed in fields}
    if "decides" in fields:  # a box that is not ticked is not sent, so the form says that it has one
        body["auto_agree"] = not wanted["ask_me"]
    return await reader.api.send("PATCH", f"/v1/listings/{listing_id}", body, version=wanted["version"])


async def photo(reader: Reader, listing_id: str, photo_id: str, size: str) -> bytes:
    """A JPEG. Raises NotFound for what is no photo of the reader's, ServiceUnavailable where that can't be told."""
    answer = await reader.api.raw(f"/v1/listings/{listing_id}/photos/{photo_id}", size=size)
    if answer.status == NotFound.status:
        raise NotFound()
    if answer.status != 200:
        raise ServiceUnavailable()
    return bytes(answer.body)


async def start(reader: Reader) -> Filled:
    """An empty form, but for what this farmer's last lot was: the same produce from the same place."""
    try:
        last = (await reader.api.get("/v1/listings", limit=1))["items"]
    except (Refused, ServiceUnavailable):
        last = []  # the form is of use without it: the phone keeps what is filled in
    if not last:
        return Filled({"grade": "B"})
    listed = last[0]
    return Filled(
        {
            "grade": "B",
            "produce": produce_name(listed["produce"], reader.language),
            "place": place_name(listed["origin"]["adcode"]),
            "village": listed["origin"]["village"] or "",
            "producer": listed["producer_id"],
        }
    )


async def kinds(reader: Reader) -> Sequence[Kind]:
    """All there are, with what each goes for; without prices where they can't be read now."""
    try:
        prices = Price.known(await reader.api.get("/v1/prices"))
    except (Refused, ServiceUnavailable):
        prices = {}
    known = [_kind(each, prices.get(each.slug), reader.language) for each in produce.all_produce()]
    return sorted(known, key=lambda each: by_name(each.name))


def going(filled: Filled, known: Sequence[Kind]) -> Price | None:
    """What the produce that the form names goes for."""
    return next((each.price for each in known if each.name == filled["produce"]), None)


def _kind(each: Produce, price: Price | None, language: Language) -> Kind:
    lives = {one.value: shelf_life(each, one) for one in TemperatureClass}
    names = (each.name_zh, each.name_en)
    name, other = names if language == "zh-CN" else names[::-1]
    return Kind(
        name=name,
        other_name=other,
        temperature_class=default_temperature_class(each).value,
        life_days={name: life.duration.days for name, life in lives.items() if life is not None},
        price=price,
    )


async def _matches(
    reader: Reader, most: int, is_shown: Callable[[Mapping[str, Any]], bool], **query: object
) -> Matches | None:
    """The newest that are shown, `most` of them; None where matching does not answer: the lots are shown all the
    same."""
    try:
        found = await newest(reader.api, "/v1/matches", most, is_shown, **query)
    except (Refused, ServiceUnavailable):
        return None
    return Matches([Match.of(each, reader.language) for each in found.items], found.are_all)


async def _why(reader: Reader, listing_id: str) -> Why | None:
    """None where it can't be told now; `pending` in the second before matching has heard of the lot."""
    try:
        return Why.of(await reader.api.get(f"/v1/listings/{listing_id}/explanation"))
    except Refused as refused:
        return Why("pending") if refused.told.status == NotFound.status else None
    except ServiceUnavailable:
        return None
