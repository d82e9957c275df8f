"""Recomputing a day of the ledger: what each claim must have been answered, what each entry must be. Pure.

Nothing of what was decided is taken for granted: an answer is worked out anew by the rules that are recorded, from the
parcel, its match and what was known then, and so is every entry's id, amount and rule. What the ledger alone can tell
is taken from it: in which order claims came, and how much money there was. Claims that were decided in one instant may
have come in any order, so each answer that some order of them gives is right.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from operator import itemgetter
from typing import Final, NamedTuple
from uuid import UUID

from contracts.parcels import SubsidyStatus
from contracts.programmes import ProgrammeKind
from services.logistics.parcels.states import Seen
from services.logistics.programmes.granting import Claim
from services.logistics.programmes.models import Programme
from services.logistics.subsidy.eligibility import Eligible, Grant, NoGrant, Refused, decide, nearer
from services.logistics.subsidy.ledger import Kind, Transfer, of_turn, transfer_id
from services.logistics.subsidy.queries import CapKey

Order = tuple[UUID, str]

LAST_TURN: Final[Mapping[SubsidyStatus, frozenset[Kind]]] = {
    "reserved": frozenset({"reserve"}),
    "posted": frozenset({"reserve", "post"}),
    "voided": frozenset({"reserve", "void"}),
    "reversed": frozenset({"reserve", "post", "reverse"}),
}
"""What has been entered for a subsidy of this status; of each turn before its last, what of a voided one."""


BEING_OPENED: Final = timedelta(minutes=1)
"""From when a programme says that it was opened until others see it for sure."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A parcel that was registered, or a match that was fulfilled; and what is recorded of its subsidy.

    `scanned` is what its scans say, `seen` what the parcel's row has of them, `due` what the scans make of a subsidy.
    `decided_at` None: from before that was recorded, so it is not judged.
    """

    claim: Claim
    kind: ProgrammeKind
    due: SubsidyStatus
    scanned: Seen = Seen.NOTHING
    seen: Seen = Seen.NOTHING
    status: SubsidyStatus = "none"
    first_status: SubsidyStatus = "none"
    reason: str | None = None
    refused_by: UUID | None = None
    programme_id: UUID | None = None
    amount_fen: int | None = None
    rule_version: int | None = None
    turn: int = 1
    came_back: bool = False
    is_corrected: bool = False
    decided_at: datetime | None = None

    @property
    def answer(self) -> Grant | NoGrant:
        """What it was answered at first."""
        if self.first_status in {"reserved", "posted"}:
            return Grant(str(self.programme_id), self.amount_fen or 0, self.rule_version or 0)
        if self.first_status == "not_eligible":
            return NoGrant("not_eligible", self.reason, _text(self.refused_by))  # type: ignore[arg-type]
        if self.first_status == "fund_exhausted":  # who refused is forgotten once it was granted after all
            return NoGrant("fund_exhausted", None, _text(self.refused_by))
        return NoGrant("none")


class Difference(NamedTuple):
    """Where the ledger says one thing and what it was reckoned from another."""

    subject: str
    what: str
    ledger: str
    recomputed: str


class Course:
    """A figure from instant to instant. Changes may come in any order: those of several programmes are not in one."""

    def __init__(self, start: int = 0) -> None:
        self._changes: list[tuple[datetime, int]] = []
        self._start = start
        self._in_order: tuple[list[datetime], list[int]] | None = None

    def begin_with(self, more: int) -> None:
        """It was so much more all the time."""
        self._start, self._in_order = self._start + more, None

    def change(self, at: datetime, by: int) -> None:
        self._changes.append((at, by))
        self._in_order = None

    def at(self, moment: datetime) -> tuple[int, int]:
        """The least and the most that it was in this instant, from just before it until it was over."""
        ats, values = self._ordered()
        there = values[bisect_left(ats, moment) : bisect_right(ats, moment) + 1]
        return min(there), max(there)

    @property
    def least(self) -> int:
        return min(self._ordered()[1])

    @property
    def last(self) -> int:
        return self._ordered()[1][-1]

    def _ordered(self) -> tuple[list[datetime], list[int]]:
        if self._in_order is None:
            self._changes.sort(key=itemgetter(0))
            values = list(accumulate((by for _, by in self._changes), initial=self._start))
            self._in_order = [at for at, _ in self._changes], values
        return self._in_order


@dataclass(slots=True)
class Books:
    """What the ledger tells of the day: money, use of the caps, when an order had its one subsidy, and when each claim
    was first granted. Entered are a programme's transfers in their order, one programme after the other."""

    available_fen: dict[str, Course]
    used: dict[CapKey, Course] = field(default_factory=lambda: defaultdict(Course))
    orders: dict[Order, Course] = field(default_factory=lambda: defaultdict(Course))
    unsure: set[Order] = field(default_factory=set)
    granted_at: dict[str, datetime] = field(default_factory=dict)

    def enter(self, programme_id: str, transfer: Transfer, asked: Asked | None) -> None:
        """Take in the next transfer of a programme, in its order, with what asked for it."""
        at = datetime.fromisoformat(transfer.at)
        into = (transfer.credit == "available") - (transfer.debit == "available")
        self.available_fen[programme_id].change(at, into * transfer.amount_fen)
        if asked is None:
            return
        order = asked.claim.order
        if order is not None and transfer.kind in {"reserve", "void", "reverse"}:
            self.orders[order].change(at, 1 if transfer.kind == "reserve" else -1)
        if transfer.kind == "reserve" and transfer.id == transfer_id(programme_id, "reserve", asked.claim.subject):
            self.granted_at[asked.claim.subject] = at
            for key in asked.claim.cap_keys(UUID(programme_id)):
                self.used[key].change(at, asked.claim.counts(asked.kind))

    def held_before(self, order: Order, certain: bool | None) -> None:
        """A parcel that asked before the day has this order's subsidy now; or (None) it may have had it on the day.

        Where the day's entries end without it, it has had it since before.
        """
        if certain is None:
            self.unsure.add(order)
        elif self.orders[order].last == 0:
            self.orders[order].begin_with(1)

    def is_taken(self, order: Order, moment: datetime) -> set[bool]:
        """Whether the order had its subsidy in that instant: what may have been."""
        if order in self.unsure:
            return {False, True}
        course = self.orders[order]
        if course.least < 0:  # given up on the day, so it was had since before
            course.begin_with(-course.least)
        return {held > 0 for held in course.at(moment)}


@dataclass(slots=True)
class Sums:
    """Entries of one kind on the day, and their fen: by the ledger, and as recomputed."""

    entries: int = 0
    fen: int = 0
    recomputed: int = 0
    recomputed_fen: int = 0

    def add(self, transfer: Transfer, right: bool) -> None:
        """One more; what is not right is not recomputed."""
        self.entries += 1
        self.fen += transfer.amount_fen
        self.recomputed += right
        self.recomputed_fen += transfer.amount_fen if right else 0


def answers(asked: Asked, programmes: Iterable[Programme], books: Books, moment: datetime) -> set[Grant | NoGrant]:
    """Every answer that is right for a claim that was decided in this instant; see `eligibility.choose`."""
    active = [each for each in programmes if each.kind == asked.kind and each.active_at(asked.claim.moment)]
    active.sort(key=lambda each: (each.ends_at, each.created_at, str(each.id)))
    right: set[Grant | NoGrant] = set()
    for seen in (moment, moment - BEING_OPENED):
        there = [each for each in active if each.created_at <= seen]
        right |= set(_answers(asked, there, books, moment, None, None))
    return right


def _answers(
    asked: Asked,
    programmes: Sequence[Programme],
    books: Books,
    moment: datetime,
    refusal: NoGrant | None,
    first_empty: NoGrant | None,
) -> Iterator[Grant | NoGrant]:
    if not programmes:
        yield first_empty or refusal or NoGrant("none")
        return
    programme, rest = programmes[0], programmes[1:]
    id_ = str(programme.id)
    least_fen, most_fen = books.available_fen[id_].at(moment)
    for verdict in _verdicts(asked, programme, books, moment):
        if isinstance(verdict, Refused):
            nearest = nearer(refusal, NoGrant("not_eligible", verdict.reason, id_))
            yield from _answers(asked, rest, books, moment, nearest, first_empty)
            continue
        if verdict.amount_fen <= most_fen:
            paid = Grant(id_, verdict.amount_fen, verdict.rule_version)
            yield paid if verdict.amount_fen else NoGrant("none")
        if verdict.amount_fen > least_fen:
            empty = first_empty or NoGrant("fund_exhausted", None, id_)
            yield from _answers(asked, rest, books, moment, refusal, empty)


def _verdicts(asked: Asked, programme: Programme, books: Books, moment: datetime) -> set[Eligible | Refused]:
    claim, rule = asked.claim, programme.rule_at(asked.claim.moment)
    taken = {False} if claim.order is None else books.is_taken(claim.order, moment)
    keys = claim.cap_keys(programme.id)
    used = [books.used[key].at(moment) for key in keys] if programme.has_caps else []
    verdicts = set()
    for is_taken in taken:
        for place in (0, 1):  # as little as it can have been, and as much
            producer, carrier = [*(each[place] for each in used), 0, 0][:2]
            facts = claim.facts(is_taken)._replace(producer_today=producer, carrier_today=carrier)
            verdicts.add(decide(rule, facts))
    return verdicts


def judged(asked: Asked, right: set[Grant | NoGrant]) -> Difference | None:
    """Whether what a claim was answered is one of the right answers."""
    answer = asked.answer
    if answer in right:
        return None
    late = answer == NoGrant("fund_exhausted") and any(
        isinstance(each, NoGrant) and each.subsidy == "fund_exhausted" for each in right
    )
    return None if late else Difference(asked.claim.subject, "answer", _said(answer), " or ".join(map(_said, right)))


def dated(asked: Asked, books: Books, within: timedelta) -> Difference | None:
    """Whether it was decided when it says: a grant is in the ledger at that instant, a refusal came soon after it was
    asked for."""
    assert asked.decided_at is not None
    subject, asked_at = asked.claim.subject, asked.claim.moment
    if isinstance(asked.answer, Grant):
        granted_at = books.granted_at.get(subject)
        if granted_at is None:
            return Difference(subject, "entry", "none", "reserve")
        if granted_at != asked.decided_at:
            return Difference(subject, "decided_at", asked.decided_at.isoformat(), granted_at.isoformat())
    elif not asked_at <= asked.decided_at <= asked_at + within:
        return Difference(subject, "decided_at", asked.decided_at.isoformat(), f"soon after {asked_at.isoformat()}")
    return None


def told(asked: Asked) -> Difference | None:
    """Whether the parcel's row has what its scans say."""
    if asked.seen == asked.scanned:
        return None
    return Difference(asked.claim.subject, "scans", f"{asked.seen!r}", f"{asked.scanned!r}")


def standing(asked: Asked) -> Difference | None:
    """Whether the subsidy stands as what is known of the parcel wants it.

    What came back after it was paid stays posted, and is recovered; what officers corrected is reversed; what was
    voided and delivered late stays voided where there was no money for it any more.
    """
    if asked.status not in LAST_TURN or asked.status == asked.due:
        return None
    if (asked.status, asked.due, asked.came_back) == ("posted", "reversed", True):
        return None
    if (asked.status, asked.is_corrected) == ("reversed", True):
        return None
    if asked.status == "voided" and asked.due in {"posted", "reversed"}:
        return None
    return Difference(asked.claim.subject, "status", asked.status, asked.due)


def checked(programme: Programme, transfer: Transfer, asked: Asked | None) -> Difference | None:
    """Whether a claim's transfer is one that it must have: its id, its amount and its rule, worked out anew."""
    id_ = str(programme.id)
    name = f"seq {transfer.seq}"
    found = f"{transfer.kind} {transfer.amount_fen} fen by rule {transfer.rule_version}"
    if asked is None:
        return Difference(name, "entry", found, "nothing asked for it")
    name = f"{asked.claim.subject}, {name}"
    if asked.programme_id != programme.id:
        return Difference(name, "entry", found, "it has no subsidy of this programme")
    turn = next(
        (
            each
            for each in range(1, asked.turn + 1)
            if transfer_id(id_, transfer.kind, of_turn(asked.claim.subject, each)) == transfer.id
        ),
        None,
    )
    wanted = LAST_TURN["voided"] if turn is not None and turn < asked.turn else LAST_TURN.get(asked.status, frozenset())
    if turn is None or transfer.kind not in wanted:
        return Difference(name, "entry", found, f"none: it is {asked.status}")
    rule = programme.rule_at(asked.claim.moment)
    verdict = decide(rule, asked.claim.facts(order_ref_taken=False))
    if isinstance(verdict, Refused):
        return Difference(name, "entry", found, f"nothing: {verdict.reason}")
    owed = f"{transfer.kind} {verdict.amount_fen} fen by rule {verdict.rule_version}"
    return None if owed == found else Difference(name, "entry", found, owed)


def _text(id_: UUID | None) -> str | None:
    return None if id_ is None else str(id_)


def _said(answer: Grant | NoGrant) -> str:
    if isinstance(answer, Grant):
        return f"{answer.amount_fen} fen of {answer.programme_id} by rule {answer.rule_version}"
    return " ".join(filter(None, (answer.subsidy, answer.reason, answer.programme_id and f"of {answer.programme_id}")))
