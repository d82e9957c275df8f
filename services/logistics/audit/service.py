"""What an auditor asks of the ledger: a day recomputed, and other rules over the past."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from chassis.db import Database
from services.logistics.audit import queries, replay, whatif
from services.logistics.audit.queries import Between
from services.logistics.audit.replay import Asked, Books, Course, Difference, Sums
from services.logistics.audit.schemas import OtherRules
from services.logistics.clock import bounds_of
from services.logistics.programmes.models import Programme
from services.logistics.subsidy import queries as ledger
from services.logistics.subsidy.ledger import Kind, Transfer, transfer_id

Granted = tuple[UUID, int, int]
"""A programme, how many it granted, and their fen."""

OVERHANG: Final = timedelta(minutes=10)
"""What was asked just before midnight may be decided after it."""
CLAIMS: Final[frozenset[Kind]] = frozenset({"reserve", "post", "void", "reverse"})
"""The entries that a claim brings about; the others are officers'."""


@dataclass(slots=True)
class Replayed:
    """A programme's day: the sums of each kind of entry, and what is not as it must be."""

    programme: Programme
    sums: dict[Kind, Sums] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)


@dataclass(slots=True)
class Replay:
    """A day. `differences` are those of claims that got nothing; `not_judged` claims are of before it was recorded what
    they were decided on."""

    day: date
    programmes: list[Replayed] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    asked: int = 0
    not_judged: int = 0

    @property
    def exact(self) -> bool:
        return not self.differences and not any(each.differences for each in self.programmes)


async def replay_day(db: Database, day: date) -> Replay:
    """Recompute all that was asked and entered on a day (Asia/Shanghai), of every programme; nothing is written."""
    return await _Recount(db, day).run()


async def what_if(
    db: Database, rules: OtherRules, first: date, last: date
) -> tuple[whatif.Outcome, list[tuple[UUID, int, int]]]:
    """What a programme with these rules would have granted to those that asked on these days; and what those there
    were did grant."""
    between = bounds_of(first)[0], bounds_of(last)[1]
    past = queries.past_parcels if rules.kind == "courier_parcel" else queries.past_matches
    pasts = await past(db, between)
    async with db.reading() as session:
        granted = await queries.granted_between(session, between)
        kinds = {each.id: each.kind for each in await queries.programmes(session)}
    tried = whatif.outcome(rules.rule(), rules.budget_fen, pasts)
    return tried, [each for each in granted if kinds[each[0]] == rules.kind]


class _Recount:
    """One day on its way: first every programme's entries in their order, then all that asked."""

    def __init__(self, db: Database, day: date) -> None:
        self._db = db
        self._between: Between = bounds_of(day)
        self._replay = Replay(day)
        self._books = Books({})
        self._entered: set[str] = set()

    async def run(self) -> Replay:
        async with self._db.reading() as session:
            programmes = await queries.programmes(session)
        for programme in programmes:
            self._replay.programmes.append(await self._entries(programme))
        async for page in queries.asked_between(self._db, self._between):
            await self._claims(programmes, [asked for _, asked in page])
        await self._missing()
        return self._replay

    async def _entries(self, programme: Programme) -> Replayed:
        """Check a programme's transfers of the day, and take in those and a few behind them."""
        id_, ends, recount = str(programme.id), self._between[1], Replayed(programme)
        async with self._db.reading() as session:
            course = await queries.course_of(session, programme.id, (self._between[0], ends + OVERHANG))
            officers = await queries.officers_entries(session, programme.id)
        if course.entries != course.head:
            recount.differences.append(Difference("now", "entries", str(course.entries), str(course.head)))
        self._books.available_fen[id_] = Course(course.available_fen)
        found, seq = [], course.after
        while seq < course.last:
            async with self._db.reading() as session:
                page = await ledger.transfers_after(session, programme.id, seq, ledger.VERIFY_PAGE, last=course.last)
                asked = await queries.asked_for(session, page)
            for transfer in page:
                by = asked.get(transfer.parcel_id or transfer.match_id or "")
                self._books.enter(id_, transfer, by)
                self._entered.add(transfer.id)
                if datetime.fromisoformat(transfer.at) < ends:
                    difference = _checked(programme, transfer, by, officers)
                    recount.differences += [difference] if difference else []
                    found.append((transfer, difference is None))
            seq = page[-1].seq
        recount.sums = replay.summed(found)
        for name, (at, fen) in officers.items():
            if self._between[0] <= at < ends and name not in self._entered:
                recount.differences.append(Difference(name, "entry", "none", f"{fen} fen"))
        await self._stands(recount)
        return recount

    async def _stands(self, recount: Replayed) -> None:
        """What is reserved, posted and paid now is what the subsidies say, so no entry of any day is missing."""
        async with self._db.reading() as session:
            kept, reckoned = await queries.standing_now(session, recount.programme.id)
        for name, fen in kept.items():
            if reckoned[name] != fen:
                recount.differences.append(Difference("now", name, f"{fen} fen", f"{reckoned[name]} fen"))

    async def _claims(self, programmes: Iterable[Programme], page: list[Asked]) -> None:
        """Judge what was answered to these, and how they stand."""
        orders = {asked.claim.order for asked in page if asked.claim.order is not None}
        async with self._db.reading() as session:
            held = await queries.orders_held(session, orders, self._between[0])
        for order, certain in held.items():
            self._books.held_before(order, certain)
        for asked in page:
            self._replay.asked += 1
            if asked.decided_at is None:
                self._replay.not_judged += 1
                continue
            right = replay.answers(asked, programmes, self._books, asked.decided_at)
            found = [replay.judged(asked, right), replay.standing(asked), self._reserved(asked)]
            self._replay.differences += [each for each in found if each is not None]

    def _reserved(self, asked: Asked) -> Difference | None:
        """Whether what was granted at first is in the ledger."""
        if asked.first_status not in {"reserved", "posted"}:
            return None
        entry = transfer_id(str(asked.programme_id), "reserve", asked.claim.subject)
        return None if entry in self._entered else Difference(asked.claim.subject, "entry", "none", f"reserve {entry}")

    async def _missing(self) -> None:
        """What is told to have been posted on the day has to be in the ledger."""
        async with self._db.reading() as session:
            posted = await queries.posted_between(session, self._between)
        for programme_id, subject, fen in posted:
            if transfer_id(str(programme_id), "post", subject) not in self._entered:
                self._replay.differences.append(Difference(subject, "entry", "none", f"post {fen} fen"))


def _checked(
    programme: Programme, transfer: Transfer, asked: Asked | None, officers: Mapping[str, tuple[datetime, int]]
) -> Difference | None:
    """Whether it is an entry that must be there."""
    if transfer.kind in CLAIMS:
        return replay.checked(programme, transfer, asked)
    if transfer.id == transfer_id(str(programme.id), "fund", "opening"):
        return None  # its budget is told nowhere else
    _, fen = officers.get(transfer.id, (None, 0))
    if fen == transfer.amount_fen:
        return None
    wanted = f"{transfer.kind} {fen} fen" if fen else "no officer decided on it"
    return Difference(f"seq {transfer.seq}", "entry", f"{transfer.kind} {transfer.amount_fen} fen", wanted)
