"""A statement on its page: the flags that hold it, corrections of its lines, and who may pay it."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from chassis.problems import Language, Text
from gateway.pages.asking import Api, Told
from gateway.pages.forms import Typed, given, words_of
from gateway.pages.names import place_name
from gateway.pages.paging import newest
from gateway.pages.programmes.payout_texts import EVIDENCE
from gateway.pages.programmes.views import Asked, asked_of, may_change
from gateway.pages.reader import Reader
from gateway.pages.shown import clock, day

FLAGS_SHOWN = 20
REVIEWED_SHOWN = 500
CORRECTIONS_SHOWN = 20
PLACES = frozenset({"from", "to", "recipient_adcode"})
"""What of a flag's evidence is the code of a county."""
OF_LINE = Text("{line}：{why}", "{line}: {why}")


@dataclass(frozen=True, slots=True)
class AfterLines:
    """Cursors of the lists on a statement's page; None for the first page, or where nothing follows."""

    lines: str | None = None
    flags: str | None = None
    corrections: str | None = None


FIRST_LINES = AfterLines()


@dataclass(frozen=True, slots=True)
class Statement:
    """`said` is the API's, with a page of lines. `flags` wait for a review, `reviewed` are those that had one:
    `are_all` of them, unless there are very many."""

    said: Mapping[str, Any]
    programme: Mapping[str, Any]
    flags: Sequence[Mapping[str, Any]]
    reviewed: Sequence[Mapping[str, Any]]
    are_all: bool
    corrections: Sequence[Asked]
    more: AfterLines
    is_flagged: bool
    """Some flag waits, be it on this page or before it."""
    has_reviewed: bool
    """The reader has reviewed a flag, so that another officer pays."""
    may_change: bool

    @property
    def parties(self) -> Iterator[str | None]:
        """Accounts that the page speaks of."""
        yield from (self.said["carrier_id"], self.said["producer_id"])
        yield from (flag["reviewed_by"] for flag in self.reviewed)
        for each in self.corrections:
            yield from (each.said["asked_by"], each.said["decided_by"])

    @property
    def waits_for_correction(self) -> bool:
        return any(each.said["status"] == "pending" for each in self.corrections)


async def read_settlement(reader: Reader, settlement_id: UUID, after: AfterLines = FIRST_LINES) -> Statement:
    """Raises Refused where there is no such settlement, and ServiceUnavailable."""
    api, path = reader.api, f"/v1/settlements/{settlement_id}"
    said, waiting, reviewed, corrections = await asyncio.gather(
        api.get(path, after=after.lines),
        api.get("/v1/flags", settlement_id=settlement_id, status="open", after=after.flags, limit=FLAGS_SHOWN),
        newest(
            api, "/v1/flags", REVIEWED_SHOWN, lambda flag: bool(flag["status"] != "open"), settlement_id=settlement_id
        ),
        api.get(f"{path}/corrections", after=after.corrections, limit=CORRECTIONS_SHOWN),
    )
    me = str(reader.caller.account_id) if reader.caller else ""
    return Statement(
        said=said,
        programme=await api.get(f"/v1/programmes/{said['programme_id']}"),
        flags=[_shown(flag, reader.language) for flag in waiting["items"]],
        reviewed=reviewed.items,
        are_all=reviewed.are_all,
        corrections=[asked_of(reader, each) for each in corrections["items"]],
        more=AfterLines(said["next"], waiting["next"], corrections["next"]),
        is_flagged=bool(waiting["items"] or after.flags),
        has_reviewed=any(flag["reviewed_by"] == me for flag in reviewed.items),
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
    lines, member = words_of(typed.get("wrong")), "match_ids" if typed.get("of") == "match_ids" else "waybills"
    body = {member: lines, **given(reason=typed.get("reason"))}
    told = await reader.api.send("POST", f"/v1/settlements/{settlement_id}/corrections", body, key=typed.key)
    return naming_lines(told, member, lines, reader.language)


def naming_lines(told: Told, member: str, lines: Sequence[str], language: Language) -> Told:
    """The same refusal, in which the field of the lines says once what is wrong with which of them."""
    whys = [(place, why) for place, why in told.faults().items() if place.startswith(f"{member}.")]
    if not whys:
        return told
    others = [each for each in told.said["errors"] if f"/{member}/" not in each["pointer"]]
    named = (OF_LINE.in_language(language, {"line": lines[int(at.rpartition(".")[2])], "why": why}) for at, why in whys)
    fault = {"pointer": f"#/{member}", "detail": " ".join(named)}
    return replace(told, said={**told.said, "errors": [*others, fault]})


async def decide_on_correction(api: Api, settlement_id: UUID, correction_id: UUID, typed: Typed) -> Told:
    """Approve or reject what another asked for; of one's own, take it back."""
    path = f"/v1/settlements/{settlement_id}/corrections/{correction_id}/decision"
    return await api.send("POST", path, given(decision=typed.get("decision")), key=typed.key)


def _shown(flag: Mapping[str, Any], language: Language) -> Mapping[str, Any]:
    """With names and values of its evidence to read; what a later release looks at is told by its own name."""
    evidence = [
        (EVIDENCE[name].in_language(language) if name in EVIDENCE else name, _value(name, value))
        for name, value in flag["evidence"].items()
    ]
    return {**flag, "evidence": evidence}


def _value(name: str, value: Any) -> str:
    if name.endswith("_at"):
        return f"{day(value)} {clock(value)[-5:]}"
    if name in PLACES:
        return place_name(str(value))
    return f"{value:,}" if isinstance(value, int | float) else str(value)
