"""A programme's fund inside one transaction: its head, locked, and what is to be posted to it. No I/O."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from services.logistics.subsidy import ledger
from services.logistics.subsidy.ledger import Batch, Head, Kind, Posting, Subject

Bucket = Literal["reserved", "posted", "voided", "reversed", "refused"]
BUCKETS: tuple[Bucket, ...] = ("reserved", "posted", "voided", "reversed", "refused")

_BUCKET_OF: dict[str, Bucket] = {each: each for each in BUCKETS}
_BUCKET_OF |= {"fund_exhausted": "refused", "not_eligible": "refused"}
STATUS_BEFORE: dict[Kind, ledger.Status] = {kind: before for kind, (before, _) in ledger.STEPS.items()}


def bucket(status: str | None) -> Bucket | None:
    """Where a subsidy of this status is counted; None where it is not."""
    return None if status is None else _BUCKET_OF.get(status)


class Held(NamedTuple):
    """A subsidy that was reserved: for whom, how much, by which rule. `subject` is its business fact; ids are text."""

    subject: str
    amount_fen: int
    rule_version: int
    parcel_id: str | None
    match_id: str


@dataclass(slots=True)
class Fund:
    """`available_fen` is what is left after the postings so far; the ledger decides the same again in `batch`.

    `at` is the moment of these postings, never before that of the last one. `version` counts the events of the
    programme, `changes` those of its rules, standing and budget: who knows it with fewer has read it too early.
    """

    programme_id: UUID
    head: Head
    at: datetime
    least_fen: int
    exhausted_at: datetime | None
    version: int
    counts: Counter[str]
    changes: int = 0
    available_fen: int = 0
    _postings: list[Posting] = field(default_factory=list)
    _subjects: dict[str, Subject] = field(default_factory=dict)
    _touched: bool = False

    def __post_init__(self) -> None:
        self.available_fen = self.head.balances.available

    @property
    def touched(self) -> bool:
        return bool(self._postings) or self._touched

    def bring(self, amount_fen: int, subject: str, rule_version: int) -> None:
        """More money from outside."""
        self._postings.append(Posting("fund", subject, self.at, amount_fen, rule_version))
        self.available_fen += amount_fen

    def pay(self, amount_fen: int, subject: str, rule_version: int) -> None:
        """So much of what was posted is paid; the caller has seen that it is."""
        self._postings.append(Posting("payout", subject, self.at, amount_fen, rule_version))

    def claw_back(self, amount_fen: int, subject: str, rule_version: int) -> None:
        """So much of what was paid is recovered; `subject` names this recovery, which is of that once."""
        self._subjects[subject] = Subject("paid", amount_fen, rule_version)
        self._postings.append(Posting("clawback", subject, self.at))
        self.available_fen += amount_fen

    def change(self, least_fen: int) -> None:
        """Its rules, standing or budget are others now, and `least_fen` the least that it may have to pay."""
        self._touched = True
        self.least_fen = least_fen
        self.version += 1
        self.changes += 1

    def reserve(self, held: Held) -> None:
        """The caller has seen that it is available."""
        self._add("reserve", held)
        self.available_fen -= held.amount_fen

    def post(self, held: Held) -> None:
        self._add("post", held)

    def void(self, held: Held) -> None:
        self._add("void", held)
        self.available_fen += held.amount_fen

    def reverse(self, held: Held) -> None:
        self._add("reverse", held)
        self.available_fen += held.amount_fen

    def recount(self, before: str | None, after: str | None) -> None:
        """A subsidy of this programme goes from one status to another; None is outside of it."""
        self._touched = True
        for status, change in ((before, -1), (after, 1)):
            if (name := bucket(status)) is not None:
                self.counts[name] += change

    def batch(self) -> Batch:
        """All of it through the ledger. Its refusing or repeating anything would be a fault of ours."""
        batch = ledger.apply(self.head, self._postings, self._subjects)
        assert all(outcome.transfer for outcome in batch.outcomes), "the fund and its ledger disagree"
        assert batch.head.balances.sound
        return batch

    def exhausted_since(self, batch: Batch) -> datetime | None:
        """Since when not even one more can be paid; None while it can."""
        return (self.exhausted_at or self.at) if batch.head.balances.available < self.least_fen else None

    def _add(self, kind: Kind, held: Held) -> None:
        subject, amount_fen, rule_version, parcel_id, match_id = held
        if subject not in self._subjects:
            # How it stood before this transaction follows from its first posting here.
            self._subjects[subject] = Subject(STATUS_BEFORE[kind], amount_fen, rule_version)
        self._postings.append(Posting(kind, subject, self.at, amount_fen, rule_version, parcel_id, match_id))
