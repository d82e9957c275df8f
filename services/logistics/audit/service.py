"""What an auditor asks of the ledger: a day recomputed, and other rules over the past."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from catalogue.days import bounds_of
from chassis.db import Database
from services.logistics.audit import queries, replay, sums, whatif
from services.logistics.audit.queries import Granted
from services.logistics.audit.replay import Asked, Books, Course, Difference, Sums
from services.logistics.audit.schemas import OtherRules
from services.logistics.programmes.models import Programme
from services.logistics.subsidy import queries as ledger
from services.logistics.subsidy.ledger import Kind, Transfer, transfer_id

DIFFERENCES_MOST: Final = 1000

OVERHANG: Final = timedelta(minutes=10)
"""What was asked just before midnight may be decided after it."""
CLAIMS: Final[frozenset[Kind]] = frozenset({"reserve", "post", "void", "reverse"})
"""The entries that a claim brings about; the others are officers'."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What other rules come to, and what was granted. `unrecorded` matches were supported in this time before it was
    recorded when they asked: they are in the second alone."""

    outcome: whatif.Outcome
    granted: list[Granted]
    unrecorded: int


@dataclass(slots=True)
class Replayed:
    """A programme's day: the sums of each kind of entry."""

    programme: Programme
    sums: dict[Kind, Sums] = field(default_factory=lambda: defaultdict(Sums))


@dataclass(slots=True)
class Replay:
    """A day of all programmes. `differing` counts what is not as it must be, of which `differences` has the first.

    `not_judged`: claims of before it was recorded what they were decided on.
    """

    day: date
    programmes: list[Replayed] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    differing: int = 0
    asked: int = 0
    not_judged: int = 0

    @property
    def exact(self) -> bool:
        return not self.differing and not self.not_judged

    def differs(self, found: Difference | None) -> bool:
        """Keep it, where there is one."""
        if found is not None:
            self.differing += 1
            self.differences += [found] if self.differing <= DIFFERENCES_MOST else []
        return found is not None


async def replay_day(db: Database, day: date) -> Replay:
    """Recompute all that was asked and entered on a day (Asia/Shanghai), of every programme; nothing is written.

    All of it is read as it was at one moment, so that the day may still be running.
    """
    async with db.snapshot() as session:
        return await recount(session, day)


async def recount(session: AsyncSession, day: date) -> Replay:
    """The same as this session sees it."""
    return await _Recount(session, day).run()


async def what_if(db: Database, rules: OtherRules, first: date, last: date) -> Tried:
    """What a programme with these rules would have granted to those that asked on these days; and what those there
    were did grant."""
    between = bounds_of(first)[0], bounds_of(last)[1]
    async with db.snapshot() as session:
        loads_g, unrecorded = {}, 0
        if rules.kind == "courier_parcel":
            pasts = await queries.past_parcels(session, between)
            loads_g = await queries.loads_before(session, {past.claim.match_id for past in pasts}, between[0])
        else:
            pasts = await queries.past_matches(session, between)
            unrecorded = await queries.unrecorded(session, between)
        granted = await queries.granted_between(session, rules.kind, between)
    tried = await asyncio.to_thread(whatif.outcome, rules.rule(), rules.budget_fen, pasts, loads_g)
    return Tried(tried, granted, unrecorded)


class _Recount:
    """One day on its way: first every programme's entries in their order, then all that asked."""

    def __init__(self, session: AsyncSession, day: date) -> None:
        self._session = session
        self._begins, self._ends = bounds_of(day)
        self._replay = Replay(day)
        self._books = Books({})
        self._entered: set[str] = set()
        self._programmes: Sequence[Programme] = ()

    async def run(self) -> Replay:
        self._programmes = await queries.programmes(self._session)
        for programme in self._programmes:
            self._replay.programmes.append(await self._entries(programme))
            for what, kept, summed in await sums.sums_now(self._session, programme.id):
                self._same("now", what, kept, summed)
        async for page in queries.asked_between(self._session, (self._begins, self._ends)):
            await self._claims(page)
        for programme_id, subject, fen in await queries.posted_between(self._session, (self._begins, self._ends)):
            self._must_be_there(subject, transfer_id(str(programme_id), "post", subject), f"post {fen} fen")
        return self._replay

    async def _entries(self, programme: Programme) -> Replayed:
        """Check a programme's transfers of the day, and take in those and a few behind them."""
        id_, recount = str(programme.id), Replayed(programme)
        chain = await queries.chain_of(self._session, programme.id, (self._begins, self._ends + OVERHANG))
        officers = await queries.officers_entries(self._session, programme.id)
        self._same(id_, "entries", chain.kept.seq, chain.entries)
        for account, fen in asdict(chain.kept.balances).items():
            self._same(id_, account, fen, getattr(chain.stands, account))
        self._books.available_fen[id_] = Course(chain.available_fen)
        seq = chain.after
        while seq < chain.last:
            page = await ledger.transfers_after(self._session, programme.id, seq, ledger.VERIFY_PAGE, last=chain.last)
            asked = await queries.asked_for(self._session, page)
            for transfer in page:
                by = asked.get(transfer.parcel_id or transfer.match_id or "")
                self._books.enter(id_, transfer, by)
                self._entered.add(transfer.id)
                if datetime.fromisoformat(transfer.at) < self._ends:
                    wrong = self._replay.differs(_checked(programme, transfer, by, officers))
                    recount.sums[transfer.kind].add(transfer, right=not wrong)
            seq = page[-1].seq
        for entry, (at, fen) in officers.items():
            if self._begins <= at < self._ends:
                self._must_be_there(id_, entry, f"{fen} fen")
        return recount

    async def _claims(self, page: Sequence[Asked]) -> None:
        """Judge what was answered to these, and how they stand."""
        orders = {asked.claim.order for asked in page if asked.claim.order is not None}
        for order, certain in (await queries.orders_held(self._session, orders, self._begins)).items():
            self._books.held_before(order, certain)
        unexplained = {asked.claim.order for asked in page if self._is_unexplained(asked)}
        named = {order for order in unexplained if order is not None}
        for order in await queries.orders_once_held(self._session, named, self._begins):
            self._books.held_before(order, None)
        for asked in page:
            self._replay.asked += 1
            self._replay.differs(replay.told(asked))
            self._replay.differs(replay.standing(asked))
            if asked.decided_at is None:
                self._replay.not_judged += 1
                continue
            self._replay.differs(replay.dated(asked, self._books, OVERHANG))
            right = replay.answers(asked, self._programmes, self._books, asked.decided_at)
            self._replay.differs(replay.judged(asked, right))

    def _is_unexplained(self, asked: Asked) -> bool:
        """Whether its order was said to have its subsidy, and who had it is not found yet."""
        if asked.reason != "duplicate_order" or asked.decided_at is None:
            return False
        right = replay.answers(asked, self._programmes, self._books, asked.decided_at)
        return replay.judged(asked, right) is not None

    def _same(self, subject: str, what: str, kept: int, summed: int) -> None:
        if kept != summed:
            self._replay.differs(Difference(subject, what, str(kept), str(summed)))

    def _must_be_there(self, subject: str, entry: str, wanted: str) -> None:
        if entry not in self._entered:
            self._replay.differs(Difference(subject, "entry", "none", wanted))


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
