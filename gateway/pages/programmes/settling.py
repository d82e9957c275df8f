"""A statement on its page: the flags that hold it, corrections of its lines, and who may pay it."""

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.problems import Language
from gateway.pages.asking import Api, Told
from gateway.pages.forms import Typed, given
from gateway.pages.names import place_name
from gateway.pages.paging import Cursor
from gateway.pages.programmes.lines import Lines, with_lines
from gateway.pages.programmes.payout_texts import EVIDENCE
from gateway.pages.programmes.views import Asked, asked_of, may_change
from gateway.pages.reader import Reader
from gateway.pages.shown import at

IN_ORDER = {name: place for place, name in enumerate(EVIDENCE)}
FLAGS_SHOWN = 20
REVIEWED_SHOWN = 100
"""The newest of those that were cleared, and of those that were confirmed."""
CORRECTIONS_SHOWN = 20
PLACES = frozenset({"from", "to", "recipient_adcode"})
"""What of a flag's evidence is the code of a county."""


@dataclass(frozen=True, slots=True)
class AfterLines:
    """Cursors of the lists on a statement's page; None for the first page, or where nothing follows. `of`: the
    correction of which the page shows the lines."""

    lines: str | None = None
    flags: str | None = None
    corrections: str | None = None
    of: UUID | None = None


def after_lines(
    after: Cursor = None, flags: Cursor = None, corrections: Cursor = None, of: UUID | None = None
) -> AfterLines:
    """Where the lists begin, as the page's address says; so does each form of it, which is shown again if refused."""
    return AfterLines(after, flags, corrections, of)


@dataclass(frozen=True, slots=True)
class Statement:
    """`said` is the API's, with a page of lines. `flags` wait for a review, `reviewed` are those that had one, by
    what was found, the newest first: `are_all` of them, unless there are very many."""

    said: Mapping[str, Any]
    programme: Mapping[str, Any]
    flags: Sequence[Mapping[str, Any]]
    reviewed: Sequence[Mapping[str, Any]]
    are_all: bool
    corrections: Sequence[Asked]
    waits_for_correction: bool
    """Some correction waits, be it on this page or not."""
    behind: AfterLines
    """Where the lists of this page begin."""
    more: AfterLines
    is_flagged: bool
    """Some flag waits, be it on this page or not."""
    has_reviewed: bool
    """The reader has reviewed a flag, so that another officer pays."""
    may_change: bool

    @property
    def may_pay(self) -> bool:
        """The reader, now: nothing holds it, and they reviewed none of it."""
        is_held = self.is_flagged or self.waits_for_correction or self.has_reviewed
        return self.may_change and self.said["status"] == "frozen" and not is_held

    @property
    def parties(self) -> Iterator[str | None]:
        """Accounts that the page speaks of."""
        yield from (self.said["carrier_id"], self.said["producer_id"])
        yield from (flag["reviewed_by"] for flag in self.reviewed)
        for each in self.corrections:
            yield from (each.said["asked_by"], each.said["decided_by"])


async def read_settlement(reader: Reader, settlement_id: UUID, after: AfterLines) -> Statement:
    """Raises Refused where there is no such settlement, and ServiceUnavailable."""
    api, path = reader.api, f"/v1/settlements/{settlement_id}"
    me = str(reader.caller.account_id) if reader.caller else ""

    def flags(**query: object) -> Awaitable[Any]:
        return api.get("/v1/flags", settlement_id=settlement_id, **query)

    said, shown, corrections, waiting, own, pending, *reviewed = await asyncio.gather(
        api.get(path, after=after.lines),
        flags(status="open", after=after.flags, limit=FLAGS_SHOWN),
        api.get(f"{path}/corrections", after=after.corrections, limit=CORRECTIONS_SHOWN),
        # what holds the payout, wherever the lists are read
        flags(status="open", limit=1),
        flags(reviewed_by=me, limit=1),
        api.get(f"{path}/corrections", status="pending", limit=1),
        *(flags(status=each, limit=REVIEWED_SHOWN) for each in ("cleared", "confirmed")),
    )
    asked = await with_lines(api, f"{path}/corrections", corrections["items"], after.of)
    return Statement(
        said=said,
        programme=await api.get(f"/v1/programmes/{said['programme_id']}"),
        flags=[_shown(flag, reader.language) for flag in shown["items"]],
        reviewed=[flag for each in reviewed for flag in each["items"]],
        are_all=all(each["next"] is None for each in reviewed),
        corrections=[asked_of(reader, each) for each in asked],
        waits_for_correction=bool(pending["items"]),
        behind=after,
        more=AfterLines(said["next"], shown["next"], corrections["next"]),
        is_flagged=bool(waiting["items"] or shown["items"]),
        has_reviewed=bool(own["items"]),
        may_change=may_change(reader),
    )


async def pay(api: Api, settlement_id: UUID, typed: Typed) -> Told:
    """Tell that the statement was paid, and by which transfer of the bank."""
    body = given(reference=typed.get("reference"))
    return await api.send("POST", f"/v1/settlements/{settlement_id}/pay", body, key=typed.key)


async def review(api: Api, flag_id: UUID, typed: Typed) -> Told:
    """Clear or confirm a flag, which holds the payout until then."""
    body = given(verdict=typed.get("verdict"), note=typed.get("note"))
    return await api.send("POST", f"/v1/flags/{flag_id}/review", body, key=typed.key)


async def correct(reader: Reader, settlement_id: UUID, typed: Typed) -> Told:
    """Name lines that are wrong: by their waybills, or by their matches where the form says so.

    Another officer decides. What is refused of a line names it.
    """
    lines = Lines.of(typed)
    body = {lines.member: lines.names, **given(reason=typed.get("reason"))}
    told = await reader.api.send("POST", f"/v1/settlements/{settlement_id}/corrections", body, key=typed.key)
    return lines.named_in(told, reader.language)


async def decide_on_correction(api: Api, settlement_id: UUID, correction_id: UUID, typed: Typed) -> Told:
    """Approve or reject what another asked for; of one's own, take it back."""
    path = f"/v1/settlements/{settlement_id}/corrections/{correction_id}/decision"
    return await api.send("POST", path, given(decision=typed.get("decision")), key=typed.key)


def _shown(flag: Mapping[str, Any], language: Language) -> Mapping[str, Any]:
    """With names and values of its evidence to read; what a later release looks at is told by its own name."""
    evidence = [
        (EVIDENCE[name].in_language(language) if name in EVIDENCE else name, _value(name, value))
        for name, value in sorted(flag["evidence"].items(), key=lambda each: IN_ORDER.get(each[0], len(IN_ORDER)))
    ]
    return {**flag, "evidence": evidence}


def _value(name: str, value: Any) -> str:
    if name.endswith("_at"):
        return f"{at(value):%Y-%m-%d %H:%M:%S}"
    if name in PLACES:
        return place_name(str(value))
    return f"{value:,}" if isinstance(value, int | float) else str(value)
