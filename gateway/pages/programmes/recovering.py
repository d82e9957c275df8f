"""Clawbacks of a programme on their page: what is recovered from whom, who may decide, and when."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from gateway.pages.asking import Api, Told
from gateway.pages.forms import Typed, fen, given, number
from gateway.pages.paging import Cursor
from gateway.pages.programmes.lines import Lines, with_lines
from gateway.pages.programmes.views import may_change
from gateway.pages.reader import Reader
from gateway.pages.shown import at

SHOWN = 20
CAUSES = ("not_delivered", "false_weight", "duplicate", "returned_after_payment", "other")
OBJECTION_DAYS = 14
UNDECIDED = frozenset({"noticed", "objected"})


@dataclass(frozen=True, slots=True)
class Behind:
    """Where the list begins, and of which clawback the page shows the lines, as its address says; so does each form of
    it, which is shown again if refused."""

    after: Cursor = None
    of: UUID | None = None


@dataclass(frozen=True, slots=True)
class Clawback:
    """`is_own`: the reader opened it, and may only take it back."""

    said: Mapping[str, Any]
    is_own: bool
    may_object: bool
    """The payee has not objected, and still may: nobody decides before."""

    @property
    def is_undecided(self) -> bool:
        return self.said["status"] in UNDECIDED

    @property
    def may_decide(self) -> bool:
        """Another officer than the one who opened it, now."""
        return self.is_undecided and not self.is_own and not self.may_object

    @property
    def left_fen(self) -> int:
        return int(self.said["amount_fen"] - self.said["recovered_fen"])


@dataclass(frozen=True, slots=True)
class Recovering:
    """A page of a programme's clawbacks, the newest first. `member` is by what lines are named: waybills or matches."""

    programme: Mapping[str, Any]
    clawbacks: Sequence[Clawback]
    behind: Behind
    next: str | None
    may_change: bool

    @property
    def member(self) -> str:
        return "waybills" if self.programme["kind"] == "courier_parcel" else "match_ids"

    @property
    def parties(self) -> Iterator[str | None]:
        """Accounts that the page speaks of."""
        for each in self.clawbacks:
            yield from (each.said["payee_id"], each.said["opened_by"], each.said["decided_by"])


async def read_clawbacks(reader: Reader, programme_id: UUID, behind: Behind) -> Recovering:
    """One of them with the lines that it is about. Raises Refused where there is no such programme or clawback, or the
    reader may not see it; ServiceUnavailable."""
    programme, found = await asyncio.gather(
        reader.api.get(f"/v1/programmes/{programme_id}"),
        reader.api.get("/v1/clawbacks", programme_id=programme_id, after=behind.after, limit=SHOWN),
    )
    me, now = str(reader.caller.account_id) if reader.caller else "", datetime.now(UTC)
    return Recovering(
        programme=programme,
        clawbacks=[
            Clawback(
                said=each,
                is_own=each["opened_by"] == me,
                may_object=each["status"] == "noticed" and at(each["objection_until"]) > now,
            )
            for each in await with_lines(reader.api, "/v1/clawbacks", found["items"], behind.of)
        ],
        behind=behind,
        next=found["next"],
        may_change=may_change(reader),
    )


async def notice(reader: Reader, programme_id: UUID, typed: Typed) -> Told:
    """Give notice to whoever was paid for these parcels, or matches. What is refused of a line names it."""
    lines = Lines.of(typed)
    told_of = given(
        cause=typed.get("cause"),
        evidence=typed.get("evidence"),
        objection_days=number(typed.get("objection_days")),
    )
    body = {"programme_id": str(programme_id), lines.member: lines.names, **told_of}
    told = await reader.api.send("POST", "/v1/clawbacks", body, key=typed.key)
    return lines.named_in(told, reader.language)


async def decide(api: Api, clawback_id: UUID, typed: Typed) -> Told:
    """Uphold or dismiss what another opened; of one's own, take it back."""
    body = given(decision=typed.get("decision"), note=typed.get("note"))
    return await api.send("POST", f"/v1/clawbacks/{clawback_id}/decision", body, key=typed.key)


async def repay(api: Api, clawback_id: UUID, typed: Typed) -> Told:
    """Record what the payee paid back by itself."""
    body = given(amount_fen=fen(typed.get("amount")), reference=typed.get("reference"))
    return await api.send("POST", f"/v1/clawbacks/{clawback_id}/repayments", body, key=typed.key)
