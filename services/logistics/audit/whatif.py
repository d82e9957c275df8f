"""Other rules over the past: what a programme would have paid for, had it been there alone. Pure: facts in, sums out.

The rules are judged by the code that judges claims (`eligibility`), in the order in which the past asked. Money is put
aside when a parcel is registered and comes back when that came back, was lost or ran out of time; what met an empty
fund is tried once more when it was delivered. When something happened is what carriers told of it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from heapq import heappop, heappush
from itertools import count
from types import MappingProxyType
from typing import Final
from uuid import UUID

from contracts.parcels import SubsidyStatus
from services.logistics.programmes.granting import Claim
from services.logistics.subsidy.eligibility import Facts, Refused, Rule, decide
from services.logistics.subsidy.queries import CapKey

HYPOTHETICAL: Final = UUID(int=0)
ENDLESS_FEN: Final = 2**63
NO_LOADS: Final[Mapping[UUID, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Past:
    """What asked, and what its scans make of a subsidy in the end (`states.subsidy_due`), since `ended_at`."""

    claim: Claim
    due: SubsidyStatus
    ended_at: datetime | None = None


@dataclass(slots=True)
class Day:
    """Of those that asked on one day (Asia/Shanghai): how many, how many got it, and how many fen stayed granted."""

    asked: int = 0
    granted: int = 0
    fen: int = 0


@dataclass(slots=True)
class Outcome:
    """`fen` is what was granted and stayed, `returned_fen` what was granted and came back to the fund.

    `refused` counts by reason those that got nothing. `exhausted_at`: when one asked for the first time for which there
    was too little left.
    """

    asked: int = 0
    granted: int = 0
    fen: int = 0
    returned_fen: int = 0
    exhausted_at: datetime | None = None
    refused: Counter[str] = field(default_factory=Counter)
    days: dict[date, Day] = field(default_factory=lambda: defaultdict(Day))


def outcome(
    rule: Rule, budget_fen: int | None, pasts: Iterable[Past], loads_g: Mapping[UUID, int] = NO_LOADS
) -> Outcome:
    """What these, in the order of their moments, would have been granted by this rule, out of this budget if any.

    `loads_g`: what the matches had of parcels before the first of them.
    """
    trial = _Trial(rule, ENDLESS_FEN if budget_fen is None else budget_fen, loads_g)
    for past in pasts:
        trial.come_to(past.claim.moment)
        trial.ask(past)
    trial.come_to(None)
    return trial.outcome


class _Trial:
    def __init__(self, rule: Rule, available_fen: int, loads_g: Mapping[UUID, int]) -> None:
        self.outcome = Outcome()
        self._rule = rule
        self._available_fen = available_fen
        self._orders: set[tuple[UUID, str]] = set()
        self._used: Counter[CapKey] = Counter()
        self._loads_g: Counter[UUID] = Counter(loads_g)
        self._ends: list[tuple[datetime, int, Past, int]] = []
        self._numbers = count()  # of two that end at once the first that asked goes first

    def come_to(self, moment: datetime | None) -> None:
        """Let happen what ended by then."""
        while self._ends and (moment is None or self._ends[0][0] <= moment):
            _, _, past, granted_fen = heappop(self._ends)
            if granted_fen:
                self._give_back(past, granted_fen)
            elif self._ask(past) is None:
                self.outcome.refused["fund_exhausted"] -= 1

    def ask(self, past: Past) -> None:
        if self._rule.kind == "courier_parcel":
            past = Past(self._weighed(past.claim), past.due, past.ended_at)
        self.outcome.asked += 1
        self.outcome.days[past.claim.day].asked += 1
        reason = self._ask(past)
        if reason is None:
            return
        self.outcome.refused[reason] += 1
        if reason == "fund_exhausted":
            self.outcome.exhausted_at = self.outcome.exhausted_at or past.claim.moment
            if past.due == "posted" and past.ended_at is not None:
                self._await_end(past, 0)

    def _ask(self, past: Past) -> str | None:
        """Why it is not granted; None where it is."""
        claim = past.claim
        verdict = decide(self._rule, self._facts(claim))
        if isinstance(verdict, Refused):
            return verdict.reason
        if verdict.amount_fen == 0:
            return "too_small"
        if verdict.amount_fen > self._available_fen:
            return "fund_exhausted"
        self._available_fen -= verdict.amount_fen
        if claim.order is not None:
            self._orders.add(claim.order)
        for key in claim.cap_keys(HYPOTHETICAL):
            self._used[key] += claim.counts(self._rule.kind)
        self.outcome.granted += 1
        self.outcome.fen += verdict.amount_fen
        self.outcome.days[claim.day].granted += 1
        self.outcome.days[claim.day].fen += verdict.amount_fen
        if past.due in {"voided", "reversed"} and past.ended_at is not None:
            self._await_end(past, verdict.amount_fen)
        return None

    def _give_back(self, past: Past, fen: int) -> None:
        self._available_fen += fen
        if past.claim.order is not None:
            self._orders.discard(past.claim.order)
        self.outcome.fen -= fen
        self.outcome.returned_fen += fen
        self.outcome.days[past.claim.day].fen -= fen

    def _await_end(self, past: Past, granted_fen: int) -> None:
        assert past.ended_at is not None
        heappush(self._ends, (max(past.ended_at, past.claim.moment), next(self._numbers), past, granted_fen))

    def _facts(self, claim: Claim) -> Facts:
        used = [self._used[key] for key in claim.cap_keys(HYPOTHETICAL)]
        producer, carrier = [*used, 0][:2]
        taken = claim.order is not None and claim.order in self._orders
        return claim.facts(taken)._replace(producer_today=producer, carrier_today=carrier)

    def _weighed(self, claim: Claim) -> Claim:
        """With what its match's parcels weigh before it, those left out that put them over 1.1 times the match."""
        before_g = self._loads_g[claim.match_id]
        if 10 * (before_g + claim.mass_g) <= 11 * claim.match_mass_g:
            self._loads_g[claim.match_id] += claim.mass_g
        return claim._replace(match_parcels_g=before_g)
