"""What the programmes' pages show, read from the API."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from chassis.problems import Language
from gateway.pages.names import area_name, produce_name
from gateway.pages.reader import Reader
from gateway.pages.shown import at, day

PARTS = ("paid", "posted", "reserved", "available")
"""Of the budget, in the order in which money goes: what is still there comes last."""
BAR_UNITS = 1000
VERIFY_WAIT_S = 60.0
"""The whole chain is walked, which takes a while when there are millions of transfers, or when much else goes on."""
TRANSFERS_SHOWN = 50
FLAGS_SHOWN = 20
LEAST = 0.1
"""Percent."""
OFFICERS = frozenset({"programme_officer", "admin"})
NAMED = ("produce", "adcodes")
TERMS: Mapping[str, Mapping[str, str]] = {
    "eligibility": {
        "poverty_832": "poverty_832",
        "watch_52": "watch_52",
        "adcodes": "programmes.adcodes",
        "produce": "programmes.produce",
    },
    "caps": {
        "per_producer_per_day": "programmes.per_producer",
        "per_carrier_per_day": "programmes.per_carrier",
    },
}
"""What rules may demand and limit, and the texts that name it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the budget, and where it lies on a bar of `BAR_UNITS`."""

    name: str
    fen: int
    percent: str
    begins: float
    width: float


@dataclass(frozen=True, slots=True)
class Fund:
    """A programme with its money. `said` is what the API tells of it."""

    said: Mapping[str, Any]
    parts: Sequence[Part]

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        parts, begins, whole = [], 0.0, said["budget_fen"]
        for name in PARTS:
            fen = said[f"{name}_fen"]
            width = BAR_UNITS * fen / whole if whole else 0.0
            parts.append(Part(name, fen, _percent(fen, whole), round(begins, 2), round(width, 2)))
            begins += width
        return cls(said, parts)

    @property
    def outlasts(self) -> bool:
        """Whether, as it is used now, something is left when the programme ends."""
        days, left = self.said["days_left_at_this_rate"], at(self.said["ends_at"]) - datetime.now(UTC)
        return days is not None and timedelta(0) < left < timedelta(days=days)


def _percent(fen: int, whole: int) -> str:
    """With one decimal; what is something is not shown as nothing, nor what is not all as all."""
    share = 100 * fen / whole if whole else 0.0
    if 0 < share < LEAST:
        return f"<{LEAST}"
    return f">{100 - LEAST}" if 100 - LEAST < share < 100 else f"{share:.1f}"


@dataclass(frozen=True, slots=True)
class Asked:
    """A change that was asked for. `is_own`: by the reader, who may only take it back."""

    said: Mapping[str, Any]
    is_own: bool
    programme: str = ""
    kind: str = ""
    """Name and kind of its programme, empty where that is not on the page."""

    @property
    def takes_away(self) -> Sequence[str]:
        """The texts of the conditions and caps that would be gone: those asked for as null or as an empty list."""
        told = {part: self.said["wanted"].get(part) or {} for part in TERMS}
        return [
            text
            for part, names in TERMS.items()
            for name, text in names.items()
            if name in told[part] and told[part][name] in (None, [])
        ]


@dataclass(frozen=True, slots=True)
class After:
    """Cursors of the lists on a programme's page, each by itself: behind what its page begins, or where the next does.

    None for the first page, or where nothing follows.
    """

    settlements: str | None = None
    changes: str | None = None
    owed: str | None = None
    flags: str | None = None


FIRST = After()


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of programmes, and of what waits for a second officer; each goes on behind its own cursor."""

    funds: Sequence[Fund]
    waiting: Sequence[Asked]
    next: str | None
    next_waiting: str | None
    may_change: bool


@dataclass(frozen=True, slots=True)
class Whole:
    """One programme with all that its page shows; `more` are the cursors of its lists, `today` is for forms."""

    fund: Fund
    rules: Sequence[Mapping[str, Any]]
    changes: Sequence[Asked]
    burn_down: Mapping[str, Any]
    settlements: Sequence[Mapping[str, Any]]
    owed: Sequence[Mapping[str, Any]]
    flags: Sequence[Mapping[str, Any]]
    more: After
    today: str
    may_change: bool

    @property
    def in_force(self) -> Mapping[str, Any] | None:
        """The rule by which it grants now; None before the first is in effect."""
        return next((each for each in self.rules if each["version"] == self.fund.said["rule_version"]), None)

    @property
    def demanded(self) -> Sequence[tuple[str, str]]:
        """What that rule demands and limits: names, and the texts that name them."""
        rule = self.in_force or {}
        return [
            (name, text)
            for part, names in TERMS.items()
            for name, text in names.items()
            if (rule.get(part) or {}).get(name) not in (None, [])
        ]

    @property
    def parties(self) -> Iterator[str | None]:
        """Accounts that the page speaks of."""
        for asked in self.changes:
            yield from (asked.said["asked_by"], asked.said["decided_by"])
        for each in (*self.settlements, *self.owed):
            yield from (each["carrier_id"], each["producer_id"])


@dataclass(frozen=True, slots=True)
class Ledger:
    """Transfers, the newest first; their numbers have no gap.

    `verified` is the answer of walking the whole chain, where that was asked for."""

    programme: Mapping[str, Any]
    transfers: Sequence[Mapping[str, Any]]
    older: int | None
    """Before which transfer the next page is; None where there is none."""
    newer: int | None
    """The same of the page before; 0 for the first, None on that."""
    first: int
    """The same of the last page, on which the first transfer is."""
    verified: Mapping[str, Any] | None


async def read_list(reader: Reader, after: str | None, waiting_after: str | None) -> Listed:
    """Of a cursor that is none raises Refused, as all of these do; ServiceUnavailable where logistics is away."""
    api = reader.api
    programmes, waiting = await asyncio.gather(
        api.get("/v1/programmes", after=after, limit=20),
        api.get("/v1/programmes/approvals", status="pending", after=waiting_after, limit=50),
    )
    known = {each["id"]: (each["name"], each["kind"]) for each in programmes["items"]}
    return Listed(
        funds=[Fund.of(each) for each in programmes["items"]],
        waiting=[asked_of(reader, each, *known.get(each["programme_id"], ())) for each in waiting["items"]],
        next=programmes["next"],
        next_waiting=waiting["next"],
        may_change=may_change(reader),
    )


async def read_programme(reader: Reader, programme_id: UUID, after: After = FIRST) -> Whole:
    """Raises Refused where there is no such programme, or the reader may not see it; ServiceUnavailable."""
    api, path = reader.api, f"/v1/programmes/{programme_id}"
    said, rules, changes, burn_down, settlements, owed, flags = await asyncio.gather(
        api.get(path),
        api.get(f"{path}/rules"),
        api.get(f"{path}/approvals", after=after.changes, limit=20),
        api.get(f"{path}/burndown"),
        api.get("/v1/settlements", programme_id=programme_id, after=after.settlements, limit=20),
        api.get("/v1/settlements/owed", programme_id=programme_id, after=after.owed, limit=50),
        api.get("/v1/flags", programme_id=programme_id, status="open", after=after.flags, limit=FLAGS_SHOWN),
    )
    return Whole(
        fund=Fund.of(said),
        rules=[_named(each, reader.language) for each in rules["items"]],
        changes=[asked_of(reader, each) for each in changes["items"]],
        burn_down=burn_down,
        settlements=settlements["items"],
        owed=owed["items"],
        flags=flags["items"],
        more=After(settlements["next"], changes["next"], owed["next"], flags["next"]),
        today=day(datetime.now(UTC)),
        may_change=may_change(reader),
    )


async def read_ledger(reader: Reader, programme_id: UUID, before: int | None, *, verify: bool = False) -> Ledger:
    """The transfers before that one, or the newest. With `verify` the whole chain is walked, which may take a minute.
    Raises Refused and ServiceUnavailable."""
    api, path = reader.api, f"/v1/programmes/{programme_id}"
    by_now = (datetime.now(UTC) + timedelta(days=1)).isoformat()  # whatever its clock says
    programme, stood = await asyncio.gather(api.get(path), api.get(f"{path}/balances", at=by_now))
    newest: int = stood["seq"]
    last = newest if before is None else min(before - 1, newest)
    after = max(last - TRANSFERS_SHOWN, 0)
    transfers = await api.get(f"{path}/transfers", after=after, limit=max(last - after, 1))
    verified = await api.get_patiently(f"{path}/verify", VERIFY_WAIT_S) if verify else None
    newer = last + TRANSFERS_SHOWN + 1
    return Ledger(
        programme=programme,
        transfers=list(reversed(transfers["items"])),
        older=after + 1 if after else None,
        newer=None if last == newest else (newer if newer <= newest else 0),
        first=min(newest, TRANSFERS_SHOWN) + 1,
        verified=verified,
    )


def may_change(reader: Reader) -> bool:
    """An auditor sees all and changes nothing."""
    return reader.caller is not None and reader.caller.role in OFFICERS


def asked_of(reader: Reader, said: Mapping[str, Any], programme: str = "", kind: str = "") -> Asked:
    """What one officer asked for, of a programme or of a statement (that wants nothing of a programme)."""
    is_own = reader.caller is not None and said["asked_by"] == str(reader.caller.account_id)
    wanted = _named(said.get("wanted", {}), reader.language)
    return Asked({**said, "wanted": wanted}, is_own, programme, kind)


def _named(rules: Mapping[str, Any], language: Language) -> Mapping[str, Any]:
    """The same with produce and places by their names; what is not told of, or taken away by null, stays so."""
    told = rules.get("eligibility")
    if not told:
        return rules
    named = {name: [_name(name, each, language) for each in told[name]] for name in NAMED if told.get(name)}
    return {**rules, "eligibility": {**told, **named}}


def _name(condition: str, code: str, language: Language) -> str:
    return area_name(code) if condition == "adcodes" else produce_name(code, language)
